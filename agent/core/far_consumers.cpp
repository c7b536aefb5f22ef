// Consumers of this host of queues that other agents keep: their agent says to
// the home that they are there, hands them what comes, and passes on what they
// decide. It has custody of nothing.

#include <algorithm>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

namespace {

// Relays tell of the way to agents that want something.
const wire::InterestItem presence{.kind = wire::Kind::service,
                                  .durable = false,
                                  .name = {},
                                  .group = {},
                                  .filter = std::string{wire::homed_channel}};

}  // namespace

// false: the queue floats, or is kept here.
bool State::consume_elsewhere(Session& session, const wire::Subscribe& command) {
    const QueueHome home = home_of(command.filter);
    using Where = QueueHome::Where;
    if (home.where == Where::nowhere || home.where == Where::here) return false;
    if (home.where == Where::unknown) {
        fail(session.id, command.id, wire::Reject::unavailable, home.why);
        return true;
    }
    const ConsumerId id{session.id, command.id};
    FarConsumer& added = far_consumers[id];
    added.local = id;
    added.queue = command.filter;
    added.home = home.remote->agent();
    added.terms = {.id = {},
                   .messages_max = command.prefetch_messages,
                   .bytes_max = command.prefetch_bytes,
                   .ack_deadline_millis = command.ack_deadline_millis,
                   .rate = command.rate,
                   .by_parts = command.parts,
                   .queue = command.filter};
    keep_name(*home.remote);
    own_interest.add(presence);
    // What was handed out in part before the queue had that home does not leave: it is for who
    // consumes here.
    Group* const left = find_group(Destination::Type::queue, command.filter);
    if (left != nullptr && left->waiting().entries > 0) {
        left->join(id, terms_of(command));
        session.subscriptions.emplace(command.id, left->id());
        touch(*left);
    }
    reply(session.id, wire::Subscribed{command.id});
    attach_anew(added);
    return true;
}

// Under a new number: nothing that is still on its way can be taken for its own.
void State::attach_anew(FarConsumer& consumer) {
    detach(consumer, false);
    far_consumers_by_number.erase(consumer.terms.id.number);
    last_far_consumer = last_far_consumer % (far_numbers_max - 1) + 1;
    consumer.terms.id = {.life = incarnation, .number = last_far_consumer};
    consumer.terms.acks = 0;
    consumer.attached = consumer.said = false;
    consumer.heard = 0;
    // Who is ended again and again comes less and less often.
    const bool is_again = now - consumer.made < Duration{limits::attachment_retry_max};
    consumer.pause = is_again ? std::clamp(2 * consumer.pause, Duration{limits::attachment_retry},
                                           Duration{limits::attachment_retry_max})
                              : Duration{};
    consumer.made = now;
    far_consumers_by_number[last_far_consumer] = &consumer;
    consumer.attach_at = now + consumer.pause;
    if (consumer.pause == Duration{}) attach(consumer);
}

// What it has decided counts.
void State::detach(FarConsumer& consumer, bool lost) {
    tell_acks(consumer);
    if (consumer.said) (void)say(consumer.home, wire::Detach{consumer.terms.id, lost});
}

void State::attach(FarConsumer& consumer) {
    const Remote* const home = find_remote(consumer.home);
    if (home == nullptr || home->via == nullptr || !home->up) return;
    const Peer& by = *peers_by_outbound.at(home->via);
    if (!by.may_give(wire::Kind::queue, consumer.queue))
        return refuse_far_consumer(
            consumer, wire::Reject::not_allowed,
            denial_of_peer(by, Act::give, wire::Kind::queue, consumer.queue).refusal());
    if (!consumer.attached)
        consumer.retry = std::clamp(2 * consumer.retry, Duration{limits::attachment_retry},
                                    Duration{limits::attachment_retry_max});
    consumer.attach_at =
        now + (consumer.attached ? Duration{limits::attachment_refresh} : consumer.retry);
    consumer.said = say(consumer.home, consumer.terms) || consumer.said;
}

void State::end_far_consumer(ConsumerId id, bool lost) {
    const auto found = far_consumers.find(id);
    if (found == far_consumers.end()) return;
    FarConsumer& gone = found->second;
    detach(gone, lost);
    far_consumers_by_number.erase(gone.terms.id.number);
    far_consumers.erase(found);
    own_interest.remove(presence);
}

void State::end_far_consumers(const Session& session, bool lost) {
    std::vector<ConsumerId> gone;
    for (auto at = far_consumers.lower_bound({session.id, 0});
         at != far_consumers.end() && at->first.session == session.id; ++at)
        gone.push_back(at->first);
    for (const ConsumerId& id : gone) end_far_consumer(id, lost);
}

void State::refuse_far_consumer(const FarConsumer& consumer, wire::Reject code,
                                std::string reason) {
    const ConsumerId id = consumer.local;
    end_far_consumer(id, false);
    // It may have had what was left here as well.
    auto& subscriptions = sessions.at(id.session).subscriptions;
    if (const auto left = subscriptions.find(id.id); left != subscriptions.end()) {
        leave_group(*groups.at(left->second), id, false);
        subscriptions.erase(left);
    }
    fail(id.session, id.id, code, std::move(reason));
}

// A home that was out of reach may have ended what it had of them.
void State::tend_far_consumers() {
    std::vector<ConsumerId> all;
    for (const auto& [id, one] : far_consumers) all.push_back(id);
    for (const ConsumerId& id : all) {
        FarConsumer& one = far_consumers.at(id);
        const Remote* const home = find_remote(one.home);
        if (home == nullptr || home->via == nullptr || !home->up) {
            if (std::exchange(one.attached, false)) one.retry = {};
            one.attach_at = now + one.pause;
            continue;
        }
        if (now >= one.attach_at) attach(one);
    }
}

// It may have started anew, and know of nobody.
void State::look_at_home(const AgentId& agent) {
    for (auto& [id, one] : far_consumers)
        if (one.home == agent) look_at(one);
}

// A relay may have taken something along.
void State::look_at_homes_by(const Outbound& outbound) {
    for (auto& [id, one] : far_consumers) {
        const Remote* const home = find_remote(one.home);
        if (home != nullptr && home->via == &outbound) look_at(one);
    }
}

void State::look_at(FarConsumer& consumer) {
    consumer.attached = false;
    consumer.retry = {};
    consumer.attach_at = std::min(consumer.attach_at, now + consumer.pause);
}

// nullptr: there is none, or it is not that agent's, or of an earlier start of that.
FarConsumer* State::find_far_consumer(const AgentId& home, const wire::AttachmentId& id) {
    const auto found = far_consumers_by_number.find(id.number);
    if (id.life != incarnation || found == far_consumers_by_number.end() ||
        found->second->home != home)
        return nullptr;
    // The home's own start is known from what it says first.
    auto& known = found->second->terms.id.home;
    if (known == 0) known = id.home;
    return known == id.home ? found->second : nullptr;
}

// ---- What the home says ------------------------------------------------------------------------

void State::take_delivery(const Arrival& arrival, const Batch& batch) {
    const auto& header = batch.header();
    if (arrival.intake != nullptr && arrival.number > 0)
        keeper.attach_safe(arrival.intake, arrival.number, 1);
    for (Remote* to : arrival.pass_on) (void)pass_on_service(arrival, batch, *to);
    if (!arrival.for_this_host) return;
    const auto delivery = wire::read_homed_address(header.group);
    const Remote* const from = find_remote(arrival.came_from);
    const Peer* const by = peer_by_id(std::get<AgentId>(arrival.source));
    if (!delivery || from == nullptr || by == nullptr || !is_from(*by, *from)) {
        ++malformed;
        return;
    }
    FarConsumer* const to = find_far_consumer(from->agent(), delivery->to);
    if (to == nullptr || to->queue != header.channel) {
        (void)say(from->agent(), wire::Detach{delivery->to, false});
        return;
    }
    if (delivery->count <= to->heard) {
        ++duplicates_dropped;
        return;
    }
    const bool is_next = delivery->count == to->heard + 1 && delivery->count < far_counts_max;
    if (!is_next) return attach_anew(*to);
    to->heard = delivery->count;
    const std::uint16_t flags =
        delivery->redelivered ? wire::envelope_flag::redelivered : std::uint16_t{0};
    effects.to_apps.push_back(
        {to->local.session, SendBatch{{.flags = flags,
                                       .attempt = delivery->attempt,
                                       .number = far_tag(delivery->to.number, delivery->count),
                                       .lifetime_millis = delivery->lifetime_millis,
                                       .messages = batch.messages(),
                                       .consumer = to->local.id},
                                      batch,
                                      0,
                                      header.body_length}});
}

// Frames keep their order, so what was handed out before this was said is here, or lost.
void State::on_attached(const Remote& home, const wire::Attached& frame) {
    FarConsumer* const consumer = find_far_consumer(home.agent(), frame.id);
    if (consumer == nullptr) return;
    if (frame.given > consumer->heard) return attach_anew(*consumer);
    consumer->attached = true;
    consumer->retry = {};
    consumer->attach_at = now + limits::attachment_refresh;
}

void State::on_attachment_ended(const Remote& home, const wire::AttachmentEnded& frame) {
    const auto found = far_consumers_by_number.find(frame.id.number);
    if (frame.id.life != incarnation || found == far_consumers_by_number.end() ||
        found->second->home != home.agent())
        return;
    FarConsumer& consumer = *found->second;
    consumer.said = false;  // nothing of it is there
    if (frame.code == wire::Reject::none) return attach_anew(consumer);
    event(Event::Kind::subscription_changed, consumer.queue, frame.reason);
    refuse_far_consumer(consumer, frame.code, frame.reason);
}

// ---- What they decide --------------------------------------------------------------------------

// true: it is none of this agent's own deliveries.
bool State::ack_elsewhere(SessionId session, const wire::Ack& ack) {
    if (!is_far_tag(ack.tag)) return false;
    const auto found = far_consumers_by_number.find(number_of_far_tag(ack.tag));
    if (found == far_consumers_by_number.end() || found->second->local.session != session) {
        ++late_acks;
        return true;
    }
    FarConsumer& consumer = *found->second;
    if (consumer.acks.empty()) far_acks_due.push_back(consumer.local);
    consumer.acks.push_back(ack);
    consumer.acks.back().tag = count_of_far_tag(ack.tag);
    return true;
}

void State::flush_far_acks() {
    for (const ConsumerId& id : std::exchange(far_acks_due, {}))
        if (const auto found = far_consumers.find(id); found != far_consumers.end())
            tell_acks(found->second);
}

void State::tell_acks(FarConsumer& consumer) {
    wire::HomedAcks frame{.id = consumer.terms.id};
    std::size_t bytes = 0;
    const auto tell = [&] {
        frame.count = ++consumer.terms.acks;
        (void)say(consumer.home, frame);
        frame.acks.clear();
        bytes = 0;
    };
    for (wire::Ack& ack : std::exchange(consumer.acks, {})) {
        const auto more = wire::homed_ack_bytes(ack);
        if (bytes + more > wire::homed_acks_bytes_max ||
            frame.acks.size() == wire::acks_per_frame_max)
            tell();
        bytes += more;
        frame.acks.push_back(std::move(ack));
    }
    if (!frame.acks.empty()) tell();
}

// ---- Between both ------------------------------------------------------------------------------

// false: there is no way. What gets lost on it shows in the counts.
bool State::say(const AgentId& to, const wire::HomedFrame& frame) {
    Remote* const remote = find_remote(to);
    if (remote == nullptr || remote->via == nullptr) return false;
    return pass_on_service({}, make_fleeting(wire::homed_channel, {}, wire::encode_homed(frame)),
                           *remote);
}

// Whose words a neighbour brings besides its own, it has to be trusted for.
bool State::is_from(const Peer& by, const Remote& from) {
    return by.remote == &from || by.settings.relays;
}

void State::on_homed(const Arrival& arrival, const Batch& batch) {
    Remote* const from = arrival.from_peer ? find_remote(arrival.came_from) : nullptr;
    wire::MessageWalk walk{batch.body(), batch.header().sequence,
                           wire::MessageWalk::Check::checksum};
    const auto message = walk.next();
    const auto frame =
        message && message->intact
            ? wire::decode_homed(message->payload)
            : Expected<wire::HomedFrame, wire::Reject>{Unexpected{wire::Reject::bad_checksum}};
    const Peer* const by =
        from == nullptr ? nullptr : peer_by_id(std::get<AgentId>(arrival.source));
    if (by == nullptr || !frame || !is_from(*by, *from)) {
        ++malformed;
        return;
    }
    if (const auto* attach = std::get_if<wire::Attach>(&*frame))
        return on_attach(*by, *from, *attach);
    if (const auto* acks = std::get_if<wire::HomedAcks>(&*frame)) return on_far_acks(*from, *acks);
    if (const auto* detach = std::get_if<wire::Detach>(&*frame)) {
        if (const Attachment* const gone = find_attachment(from->agent(), detach->id))
            end_attachment(gone->consumer.session,
                           detach->lost ? Group::Parting::lost : Group::Parting::left);
        return;
    }
    if (const auto* attached = std::get_if<wire::Attached>(&*frame))
        on_attached(*from, *attached);
    else if (const auto* ended = std::get_if<wire::AttachmentEnded>(&*frame))
        on_attachment_ended(*from, *ended);
}

}  // namespace bus::core
