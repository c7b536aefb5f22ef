#include "io/admin_endpoint.h"

#include "io/peer_address.h"
#include "io/runtime_dir.h"

namespace bus::io {
namespace {

// Requests are few; whoever does not read its answers loses them.
constexpr int frames_max = 1'000;
constexpr std::size_t waiting_max = 1'000;  // for an answer that comes later

Socket make_router(Context& context, const std::string& endpoint, std::optional<gid_t> group) {
    Socket socket{context, ZMQ_ROUTER};
    socket.set(IoThread::local);
    socket.set(ZMQ_ROUTER_MANDATORY, 1);
    socket.set(ZMQ_SNDHWM, frames_max);
    socket.set(ZMQ_RCVHWM, frames_max);
    const SocketUmask rights{group ? SocketUmask::For::owner : SocketUmask::For::owner_and_group};
    socket.bind(endpoint);
    if (group) open_to_group(endpoint, *group);
    return socket;
}

}  // namespace

AdminEndpoint::AdminEndpoint(Context& context, const std::string& endpoint,
                             std::optional<gid_t> group, Told& told)
    : told_(told), socket_(make_router(context, endpoint, group)) {}

void AdminEndpoint::serve(const PollSet& poll, const Answer& answer) {
    if (!poll.ready(slot_)) return;
    (void)receive_messages(socket_, [&](const Received& message) { on_message(message, answer); });
}

void AdminEndpoint::on_message(const Received& message, const Answer& answer) {
    const Asker asker{std::string{as_text(message.routing_id.bytes())}, message.delimited};
    ++last_number_;
    if (const auto reply = reply_to(message, answer))
        send(asker, *reply);
    else
        waiting_.emplace(last_number_, asker);
}

void AdminEndpoint::answer_later(std::uint64_t number, std::string text) {
    const auto asker = waiting_.extract(number);
    if (asker) send(asker.mapped(), wire::AdminReply{.text = std::move(text)});
}

void AdminEndpoint::send(const Asker& to, const wire::Reply& reply) {
    const std::string text = wire::encode_reply(reply);
    const Sent sent =
        send_message(socket_, to.routing_id, to.delimited, Frame::copy_of(as_bytes(text)));
    if (sent != Sent::taken) ++told_.counters.unreachable;
}

std::optional<wire::Reply> AdminEndpoint::reply_to(const Received& message, const Answer& answer) {
    const auto refuse = [this](std::uint64_t id, wire::Reject code,
                               std::string reason) -> wire::Reply {
        ++told_.counters.malformed_admin;
        return wire::Failed{.id = id, .code = code, .reason = std::move(reason)};
    };
    if (message.malformed) return refuse(0, wire::Reject::malformed, "a message is one frame");
    const auto command = wire::decode_command(as_text(message.body.bytes()));
    if (!command) return refuse(command.error().id, command.error().code, command.error().reason);
    const auto* request = std::get_if<wire::AdminRequest>(&*command);
    if (request == nullptr)
        return refuse(0, wire::Reject::unknown_command, "this socket takes admin requests only");
    if (waiting_.size() >= waiting_max)
        return refuse(request->id, wire::Reject::limit, "too many requests wait for their answer");
    auto text = answer(*request, last_number_, uid_of(message.body.property("Peer-Address")));
    if (!text) return std::nullopt;
    return wire::AdminReply{.text = std::move(*text)};
}

}  // namespace bus::io
