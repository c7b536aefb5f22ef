#include "io/local_endpoint.h"

#include <sys/stat.h>

#include "io/accept_guard.h"
#include "io/peer_address.h"
#include "io/received_batch.h"
#include "io/runtime_dir.h"
#include "limits.h"
#include "wire/local.h"

namespace bus::io {
namespace {

// Frames that may wait for one app: beyond what a prefetch of 16 MiB in batches of one message
// makes. Who lets more pile up has stopped reading, and its session ends.
constexpr int send_frames_max = 1 << 17;
// Received frames that wait for a turn, of one app. Behind it the kernel holds the app back. Unlike
// on a link nothing is lost by that: there are no heartbeats here to miss (FACTS trap E).
constexpr int receive_frames_max = 1'000;

Socket make_router(Context& context) {
    Socket socket{context, ZMQ_ROUTER};
    socket.set(IoThread::local);
    // Without it frames for an app that left, or does not read, vanish in silence.
    socket.set(ZMQ_ROUTER_MANDATORY, 1);
    socket.set(ZMQ_BACKLOG, 1'024);  // after a restart all apps come back at once
    socket.set(ZMQ_SNDHWM, send_frames_max);
    socket.set(ZMQ_RCVHWM, receive_frames_max);
    return socket;
}

}  // namespace

LocalEndpoint::LocalEndpoint(Context& context, const std::string& endpoint, Told& told)
    : told_(told), router_(context, make_router(context)) {
    const SocketUmask rights;
    router_.socket().bind(endpoint);
}

void LocalEndpoint::receive_into(core::Exchange& exchange, const PollSet& poll, Time now) {
    if (router_.has_news(poll)) watch_connections(now);
    tell_gone(exchange, now);
    for (const auto owner : router_.receive(
             poll, [&](Received&& message) { on_message(exchange, std::move(message), now); }))
        end(core::SessionId{owner});
    tell_gone(exchange, now);
}

void LocalEndpoint::watch_connections(Time now) {
    for (const MonitorEvent& event : router_.watch())
        if (event.event == ZMQ_EVENT_ACCEPTED)
            warn_of_descriptors(static_cast<std::uint64_t>(event.value), now);
    told_.counters.local_connections = router_.open();
}

// The kernel hands out the lowest free descriptor, so its number tells how many are in use.
void LocalEndpoint::warn_of_descriptors(std::uint64_t newest, Time now) {
    const auto most = descriptors_max();
    const bool scarce = newest > most - most / 5;
    if (scarce && !warned_of_descriptors_)
        told_.say(core::Event::Kind::descriptors_scarce, now, "descriptors",
                  std::to_string(newest) + " of " + std::to_string(most) +
                      " are in use; beyond that new connections are turned away "
                      "(LimitNOFILE= raises the limit)");
    warned_of_descriptors_ = scarce;
}

void LocalEndpoint::on_message(core::Exchange& exchange, Received&& message, Time now) {
    const auto session = session_of(exchange, message, now);
    if (!session) {
        ++told_.counters.malformed_local;
        return;
    }
    if (message.malformed)
        return refuse(*session, wire::Failed{.id = 0,
                                             .code = wire::Reject::malformed,
                                             .reason = "a message is one frame"});
    on_frame(exchange, *session, std::move(message.body), now);
}

// nullopt: there is no saying who it is from.
std::optional<core::SessionId> LocalEndpoint::session_of(core::Exchange& exchange,
                                                         const Received& message, Time now) {
    const auto known = by_routing_id_.find(std::string{as_text(message.routing_id.bytes())});
    // Also for a known routing id: when its owner has left, another uid may have it (FACTS 1).
    const auto uid = uid_of(message.body.property("Peer-Address"));
    if (!uid) return std::nullopt;
    if (known == by_routing_id_.end()) return open_session(exchange, message, *uid, now);
    const core::SessionId session = known->second;
    if (sessions_.at(session).uid == *uid) return session;
    end(session);
    tell_gone(exchange, now);
    return open_session(exchange, message, *uid, now);
}

core::SessionId LocalEndpoint::open_session(core::Exchange& exchange, const Received& message,
                                            std::uint32_t uid, Time now) {
    const core::SessionId session{++last_session_};
    watch_connections(now);  // its acceptance must be known before it is bound
    if (const auto before = router_.bind(message.body, session.value))
        end(core::SessionId{*before});
    std::string routing_id{as_text(message.routing_id.bytes())};
    by_routing_id_[routing_id] = session;
    sessions_[session] = {
        .routing_id = std::move(routing_id), .uid = uid, .delimited = message.delimited};
    exchange.on_session(session, uid, now);
    return session;
}

void LocalEndpoint::on_frame(core::Exchange& exchange, core::SessionId session, Frame&& body,
                             Time now) {
    const Bytes bytes = body.bytes();
    const auto first = bytes.empty() ? std::byte{0} : bytes.front();
    if (first == std::byte{'{'}) return on_json(exchange, session, body, now);
    const bool data = first == static_cast<std::byte>(wire::FrameType::data);
    if (!data && first != static_cast<std::byte>(wire::FrameType::acks))
        return refuse(session, wire::Failed{.id = 0,
                                            .code = wire::Reject::malformed,
                                            .reason = "not a frame of BUS-LOCAL/1"});
    if (!exchange.knows(session)) {
        ++told_.counters.unknown_sessions;
        return reply(session, wire::Reset{.reason = "this session was not opened: say hello"});
    }
    if (data)
        on_data(exchange, session, std::move(body), now);
    else
        on_acks(exchange, session, body, now);
}

void LocalEndpoint::on_json(core::Exchange& exchange, core::SessionId session, const Frame& body,
                            Time now) {
    const auto command = wire::decode_command(as_text(body.bytes()));
    if (command) return exchange.on_command(session, *command, now);
    const wire::Malformed& why = command.error();
    refuse(session, wire::Failed{.id = why.id, .code = why.code, .reason = why.reason});
}

void LocalEndpoint::on_data(core::Exchange& exchange, core::SessionId session, Frame&& body,
                            Time now) {
    auto received = receive_app_batch(std::move(body));
    if (received)
        return exchange.on_batch(session, received->envelope, std::move(received->batch), now);
    const RefusedBatch& refused = received.error();
    const std::string reason{wire::to_text(refused.why)};
    if (refused.number)
        refuse(session,
               wire::Refused{.number = *refused.number, .code = refused.why, .reason = reason});
    else
        refuse(session, wire::Failed{.id = 0, .code = refused.why, .reason = reason});
}

void LocalEndpoint::on_acks(core::Exchange& exchange, core::SessionId session, const Frame& body,
                            Time now) {
    const auto acks = wire::decode_acks(body.bytes());
    if (acks) return exchange.on_acks(session, *acks, now);
    refuse(session, wire::Failed{.id = 0, .code = acks.error(), .reason = "an ack frame"});
}

void LocalEndpoint::send(const core::ToApp& out) {
    if (const auto* batch = std::get_if<core::SendBatch>(&out.what))
        return send_frame(out.session, frame_for(batch->envelope, batch->batch, batch->body_begin,
                                                 batch->body_end));
    if (const auto* receipts = std::get_if<wire::Receipts>(&out.what))
        return send_frame(out.session, Frame::copy_of(wire::encode_receipts(*receipts)));
    reply(out.session, std::get<wire::Reply>(out.what));
}

void LocalEndpoint::reply(core::SessionId session, const wire::Reply& reply) {
    send_frame(session, Frame::copy_of(as_bytes(wire::encode_reply(reply))));
}

void LocalEndpoint::refuse(core::SessionId session, const wire::Reply& answer) {
    ++told_.counters.malformed_local;
    reply(session, answer);
}

void LocalEndpoint::send_frame(core::SessionId session, Frame frame) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;  // the exchange is being told in this turn
    const Session& to = found->second;
    if (send_message(router_.socket(), to.routing_id, to.delimited, std::move(frame)) ==
        Sent::taken)
        return;
    // full ends the session as well: to skip one frame of an ordered stream would be a silent loss.
    ++told_.counters.unreachable;
    end(session);
}

void LocalEndpoint::close(core::SessionId session) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    by_routing_id_.erase(found->second.routing_id);
    sessions_.erase(found);
}

void LocalEndpoint::end(core::SessionId session) {
    if (!sessions_.contains(session)) return;
    close(session);
    gone_.push_back(session);
}

void LocalEndpoint::tell_gone(core::Exchange& exchange, Time now) {
    for (const core::SessionId session : gone_) exchange.on_session_gone(session, now);
    gone_.clear();
}

}  // namespace bus::io
