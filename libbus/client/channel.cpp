#include "bus/channel.h"

#include "client/compose.h"
#include "client/core.h"
#include "client/outgoing_stream.h"

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

StreamWriter Channel::open_stream(std::uint64_t bytes, const PublishOptions& options) const {
    if (options.best_effort)
        throw Error{"a stream is guaranteed: best effort has no second attempt"};
    if (options.deliver_after.count() != 0) throw Error{"a stream cannot be delayed"};
    if (options.sequence != 0)
        throw Error{"a message of a producer with a name may have 64 KiB at most"};
    auto message = client::compose(client::to_wire(kind_), name_, {}, options);
    if (options.priority == Priority::normal) message.lane = wire::Lane::low;
    return StreamWriter{
        std::make_unique<client::OutgoingStream>(core_, message, bytes, options.timeout)};
}

}  // namespace bus
