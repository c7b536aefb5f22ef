#include "bus/connection.h"

#include <algorithm>
#include <limits>

#include "client/compose.h"
#include "client/core.h"
#include "client/responders.h"

namespace bus {
namespace {

// In a forked child nothing of it may be touched, not even to free it.
void let_go(std::shared_ptr<client::Core>& core) noexcept {
    if (!core) return;
    core->close();
    if (core->is_forked()) static_cast<void>(new std::shared_ptr<client::Core>(std::move(core)));
    core.reset();
}

constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();

wire::Subscribe wish(wire::Kind kind, std::string_view filter, const SubscribeOptions& options) {
    return {.kind = kind,
            .filter = std::string{filter},
            .durable = std::string{options.durable},
            .group = std::string{options.group},
            .prefetch_messages = options.prefetch_messages,
            .prefetch_bytes = options.prefetch_bytes,
            .ack_deadline_millis = static_cast<std::uint32_t>(
                std::clamp<std::int64_t>(options.ack_deadline.count(), 0, longest)),
            .rate = options.rate,
            .parts = options.in_parts,
            .last = options.last};
}

client::Inbox::Terms terms(wire::Kind kind, const SubscribeOptions& options) {
    return {.prefetch_messages = options.prefetch_messages,
            .drops_late = kind == wire::Kind::service,
            .in_parts = options.in_parts,
            .whole_bytes_max = options.whole_bytes_max,
            .shared = !options.group.empty()};
}

void check_names(const SubscribeOptions& options) {
    if (!options.durable.empty() && !wire::is_name(options.durable))
        throw client::no_name(options.durable, "a subscription");
    if (!options.group.empty() && !wire::is_name(options.group))
        throw client::no_name(options.group, "a group");
    if (!options.durable.empty() && !options.group.empty())
        throw Error{"a group outlives its programs by itself: durable or group, not both"};
    if (options.last && !options.group.empty())
        throw Error{"last values are for a subscription of one's own: last or group, not both"};
}

}  // namespace

Connection::Connection(ConnectOptions options)
    : core_(std::make_shared<client::Core>(std::move(options))) {
    core_->start();
}

Connection::Connection(Connection&&) noexcept = default;

Connection& Connection::operator=(Connection&& other) noexcept {
    if (this == &other) return *this;
    let_go(core_);
    core_ = std::move(other.core_);
    return *this;
}

Connection::~Connection() { let_go(core_); }

Channel Connection::topic(std::string_view name) const {
    return Channel{core_, Channel::Kind::topic, name};
}

Channel Connection::queue(std::string_view name) const {
    return Channel{core_, Channel::Kind::queue, name};
}

void Connection::publish(std::string_view topic, Payload payload,
                         const PublishOptions& options) const {
    core_->publish(client::compose(wire::Kind::topic, topic, payload, options), options.timeout);
}

Offer Connection::try_publish(std::string_view topic, Payload payload,
                              const PublishOptions& options) const {
    return core_->try_publish(client::compose(wire::Kind::topic, topic, payload, options));
}

Receipt Connection::send(std::string_view queue, Payload payload,
                         const PublishOptions& options) const {
    return core_->send(client::compose(wire::Kind::queue, queue, payload, options),
                       options.timeout);
}

Consumer Connection::subscribe(std::string_view filter, const SubscribeOptions& options) const {
    if (!wire::is_filter(filter)) throw client::no_filter(filter);
    check_names(options);
    return Consumer{core_->subscribe(wish(wire::Kind::topic, filter, options),
                                     terms(wire::Kind::topic, options), options.timeout)};
}

void Connection::declare(std::string_view filter, const SubscribeOptions& options) const {
    if (!wire::is_filter(filter)) throw client::no_filter(filter);
    check_names(options);
    if (options.durable.empty() && options.group.empty())
        throw Error{"what is declared has a name: durable or group"};
    wire::Subscribe command = wish(wire::Kind::topic, filter, options);
    command.declare = true;
    core_->declare(std::move(command), options.timeout);
}

Consumer Connection::receive(std::string_view queue, const SubscribeOptions& options) const {
    if (!wire::is_channel(queue)) throw client::no_name(queue, "a queue");
    if (!options.durable.empty())
        throw Error{"a queue keeps its messages anyway: durable is for topics"};
    if (!options.group.empty())
        throw Error{"the consumers of a queue share it anyway: group is for topics"};
    return Consumer{core_->subscribe(wish(wire::Kind::queue, queue, options),
                                     terms(wire::Kind::queue, options), options.timeout)};
}

Reply Connection::request(std::string_view service, Payload payload,
                          const RequestOptions& options) const {
    return core_
        ->ask({.service = service, .payload = payload, .options = options, .attended = true})
        ->get();
}

PendingReply Connection::begin_request(std::string_view service, Payload payload,
                                       const RequestOptions& options) const {
    return PendingReply{core_->ask({.service = service, .payload = payload, .options = options})};
}

std::vector<Reply> Connection::request_many(std::string_view service, Payload payload,
                                            std::size_t at_most,
                                            const RequestOptions& options) const {
    return core_
        ->ask({.service = service,
               .payload = payload,
               .options = options,
               .to_all = true,
               .wanted = at_most,
               .attended = true})
        ->get_all();
}

Service Connection::serve(std::string_view service,
                          std::function<std::string(const Message& request)> handler,
                          const ServeOptions& options) const {
    constexpr unsigned threads_max = 1'024, prefetch_for_each = 16;
    if (options.threads == 0 || options.threads > threads_max)
        throw Error{"a service has 1 to 1,024 threads"};
    auto consumer = serve(service, {.prefetch_messages = options.prefetch_messages != 0
                                                             ? options.prefetch_messages
                                                             : options.threads * prefetch_for_each,
                                    .timeout = options.timeout});
    return Service{std::make_unique<client::Responders>(std::move(consumer), std::move(handler),
                                                        options.threads)};
}

Consumer Connection::serve(std::string_view service, const SubscribeOptions& options) const {
    if (!wire::is_channel(service)) throw client::no_name(service, "a service");
    if (!options.durable.empty()) throw Error{"a service keeps nothing: durable is for topics"};
    return Consumer{core_->subscribe(wish(wire::Kind::service, service, options),
                                     terms(wire::Kind::service, options), options.timeout)};
}

std::optional<std::string> Connection::control(std::string_view json,
                                               std::chrono::milliseconds timeout) const {
    return core_->control(json, timeout);
}

void Connection::on_undelivered(
    std::function<void(const Message&, std::string_view reason)> callback) {
    core_->on_undelivered(std::move(callback));
}

std::size_t Connection::flush(std::chrono::milliseconds timeout) const {
    return core_->flush(timeout);
}

void Connection::close() noexcept { core_->close(); }

bool Connection::is_connected() const noexcept { return core_ && core_->is_connected(); }

}  // namespace bus
