#include "bus/channel.h"

#include "client/compose.h"
#include "client/core.h"

namespace bus {

Channel::Channel(std::shared_ptr<client::Core> core, Kind kind, std::string_view name)
    : core_(std::move(core)), kind_(kind), name_(name) {
    if (!wire::is_channel(name_)) throw client::no_name(name_, "a channel");
}

void Channel::publish(Payload payload, const PublishOptions& options) const {
    core_->publish(client::compose(client::to_wire(kind_), name_, payload, options),
                   options.timeout);
}

Offer Channel::try_publish(Payload payload, const PublishOptions& options) const {
    return core_->try_publish(client::compose(client::to_wire(kind_), name_, payload, options));
}

Receipt Channel::send(Payload payload, const PublishOptions& options) const {
    return core_->send(client::compose(client::to_wire(kind_), name_, payload, options),
                       options.timeout);
}

}  // namespace bus
