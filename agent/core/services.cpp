// Requests and their replies. A service is a queue whose messages live in
// memory and no longer than their senders wait for an answer: whoever has a
// responder with room gets them, this host first. A reply goes to the address
// that its request brought along, which names an agent and a producer.
//
// Where no answer can come any more, an agent says so in the responder's place.

#include <algorithm>

#include "core/state.h"
#include "wire/standard_headers.h"

namespace bus::core {

using State = Exchange::State;

void State::take_service(const Arrival& arrival, Batch batch) {
    const auto& header = batch.header();
    if (arrival.intake != nullptr && arrival.number > 0)
        keeper.attach_safe(arrival.intake, arrival.number, 1);
    for (Remote* to : arrival.pass_on) (void)pass_on_service(arrival, batch, *to);
    if (!arrival.for_this_host) return;
    if (wire::is_homed_channel(header.kind, header.channel)) return on_homed(arrival, batch);
    if (wire::is_reserved(header.channel)) return take_reply(arrival, batch);
    std::uint8_t flags = 0;
    if (arrival.from_peer && was_seen(arrival, header, flags)) return;
    if ((header.flags & wire::batch_flag::to_all) != 0) return ask_all(arrival, batch);
    take_request(arrival, batch, flags);
}

bool State::was_seen(const Arrival& arrival, const wire::BatchHeader& header, std::uint8_t& flags) {
    const bool rerouted = (arrival.flags & wire::envelope_flag::rerouted) != 0;
    const bool flagged = rerouted || (arrival.flags & wire::envelope_flag::resent) != 0;
    if (flagged && keeper.seen.look(header, true) == Seen::Answer::taken) {
        ++duplicates_dropped;
        return true;
    }
    if (flagged) flags |= entry_flag::redelivered;
    keeper.seen.take(header, {.flagged = flagged, .rerouted = rerouted});
    return false;
}

Entry State::owe_fleeting(const Arrival& arrival, const Batch& batch, DestinationId to,
                          std::uint8_t flags) {
    const auto& header = batch.header();
    const bool is_delivery = wire::is_homed_address(header.group);
    Time expires = is_delivery ? never : expiry(arrival, header);
    if (expires == never)
        expires =
            now + (is_delivery ? Duration{limits::delivery_life} : Duration{limits::request_life});
    const bool is_homed = is_delivery || wire::is_homed_channel(header.kind, header.channel);
    return {keeper.take_fleeting(batch, {{{to, header.lane}, flags}}, expires, arrival.came_from,
                                 arrival.hops,
                                 is_homed ? Keeper::Account::none : Keeper::Account::counted),
            0};
}

bool State::pass_on_service(const Arrival& arrival, const Batch& batch, Remote& to) {
    if (to.fleeting_bytes() + batch.size() > limits::service_backlog_max) {
        ++replies_dropped;
        return false;
    }
    to.offer(owe_fleeting(arrival, batch, to.id(), flags_on_the_way(arrival)));
    wake(to);
    return true;
}

std::vector<Remote*> State::responders_elsewhere(std::string_view service) const {
    std::vector<Remote*> found;
    find_wanting(wire::Kind::service, service, found);
    std::erase_if(found, [&](const Remote* remote) {
        return !works_on(*remote, wire::Kind::service, service);
    });
    return found;
}

// What a peer sent is for this host: only the agent that takes a request from its app looks
// further.
void State::take_request(const Arrival& arrival, const Batch& batch, std::uint8_t flags) {
    const std::string name{batch.header().channel};
    Group* group = find_group(Destination::Type::service, name);
    const bool here = group != nullptr && group->consumers() > 0;
    // What comes again may have been carried out before.
    const auto refuse = [&](std::string_view error) {
        const bool again = (flags & entry_flag::redelivered) != 0;
        answer_with_error(batch, 0, batch.messages(),
                          again ? wire::request_error::responder_lost : error);
    };
    if (!here && (arrival.from_peer || responders_elsewhere(name).empty()))
        return refuse(wire::request_error::no_responders);
    if (group == nullptr) group = &service(name);
    if (group->queued_bytes() + batch.size() > limits::service_backlog_max)
        return refuse(wire::request_error::busy);
    if (arrival.from_peer) flags |= entry_flag::pinned;
    group->offer(owe_fleeting(arrival, batch, group->id(), flags));
    touch(*group);
}

void State::ask_all(const Arrival& arrival, const Batch& batch) {
    const auto& header = batch.header();
    std::size_t reached = 0;
    bool here = false;
    if (Group* const group = find_group(Destination::Type::service, std::string{header.channel})) {
        const auto custody =
            keeper.take_loose(batch, {{{group->id(), header.lane}, 0}}, expiry(arrival, header));
        reached = group->offer_to_all(custody, 0, effects);
        here = group->consumers() > 0;
    }
    if (arrival.from_peer) return;
    for (Remote* const to : responders_elsewhere(header.channel)) {
        (void)pass_on_service(arrival, batch, *to);
        ++reached;
    }
    if (reached == 0)
        answer_with_error(batch, 0, batch.messages(),
                          here ? wire::request_error::busy : wire::request_error::no_responders);
}

// ---- Replies ---------------------------------------------------------------------------------

void State::take_reply(const Arrival& arrival, const Batch& batch) {
    const auto address = wire::read_reply_address(batch.header().channel);
    BUS_ASSERT(address.has_value());
    if (address->agent == settings.agent)
        return give_reply(address->producer, batch, arrival.lifetime_millis);
    Remote* const to = arrival.from_peer ? nullptr : find_remote(address->agent);
    if (to == nullptr || to->via == nullptr) {
        ++replies_dropped;
        return;
    }
    (void)pass_on_service(arrival, batch, *to);
}

void State::give_reply(const ProducerId& to, const Batch& batch, std::uint64_t lifetime_millis) {
    const auto asker = producers.find(to);
    if (asker == producers.end() || !asker->second.session) {
        ++replies_dropped;
        return;
    }
    const wire::Envelope envelope{
        .attempt = 1, .lifetime_millis = lifetime_millis, .messages = batch.messages()};
    effects.to_apps.push_back(
        {*asker->second.session, SendBatch{envelope, batch, 0, batch.header().body_length}});
}

void State::answer_unanswered(Group& group) {
    if (group.consumers() == 0) group.give_up_waiting(!group.takers.empty());
    for (const auto& request : group.take_unanswered())
        answer_with_error(request.entry.batch(), request.first, request.count,
                          request.begun ? wire::request_error::responder_lost
                                        : wire::request_error::no_responders);
}

// One message of this agent's own, to another.
Batch State::make_fleeting(std::string_view channel, Bytes headers, Bytes payload) {
    const std::uint64_t sequence = ++fleeting_made;
    const auto size = wire::message_overhead + headers.size() + payload.size();
    const wire::BatchHeader header{.kind = wire::Kind::service,
                                   .mode = wire::Mode::best_effort,
                                   .message_count = 1,
                                   .producer = ProducerId{settings.agent.words},
                                   .sequence = sequence,
                                   .channel_sequence = sequence,
                                   .ttl_millis = static_cast<std::uint64_t>(
                                       std::chrono::milliseconds{limits::request_life}.count()),
                                   .body_length = static_cast<std::uint32_t>(size),
                                   .channel = channel};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + header.body_length);
    wire::encode_header(header, bytes.data());
    wire::encode_message(bytes.data() + length, sequence, headers, payload);
    auto batch = OwnedBatch::make(std::move(bytes));
    BUS_ASSERT(batch.has_value());
    return *batch;
}

// Only a request that says where its answer goes is answered.
void State::answer_with_error(const Batch& request, std::uint32_t first, std::uint32_t count,
                              std::string_view error) {
    wire::MessageWalk walk{wire::cut_body(request.body(), first, count),
                           request.header().sequence + first, wire::MessageWalk::Check::form};
    while (const auto message = walk.next()) {
        const auto address = wire::find_header(message->headers, wire::header_key::reply_to);
        if (!address || !wire::is_reply_address(wire::Kind::service, *address)) continue;
        const auto correlation =
            wire::find_header(message->headers, wire::header_key::correlation_id);
        std::vector<std::byte> headers;
        if (correlation && !correlation->empty())
            wire::append_header(headers, wire::header_key::correlation_id, *correlation);
        wire::append_header(headers, wire::header_key::bus_error, error);
        take_reply({}, make_fleeting(*address, headers, {}));
    }
}

}  // namespace bus::core
