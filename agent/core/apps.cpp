// The app side of the exchange: sessions, producers, subscriptions.

#include <algorithm>
#include <unordered_set>

#include "core/state.h"
#include "wire/name_fault.h"

namespace bus::core {

using wire::Reject;

void Exchange::State::reply(SessionId session, wire::Reply answer) {
    auto& to = effects.to_apps.emplace_back();
    to.session = session;
    to.what = std::move(answer);
}

void Exchange::State::fail(SessionId session, std::uint64_t id, Reject code, std::string reason) {
    reply(session, wire::Failed{id, code, std::move(reason)});
}

// ---- Hello ---------------------------------------------------------------------------------

Exchange::State::Producer& Exchange::State::producer(const ProducerId& id, std::uint32_t uid) {
    auto& producer = producers[id];
    if (!producer.intake) {
        producer.id = id;
        producer.uid = uid;
        producer.intake = std::make_shared<Intake>(id, 0);
    }
    return producer;
}

std::uint64_t Exchange::State::grant_window(bool bulk) const {
    std::uint64_t granted = 0;
    for (const auto& [id, one] : producers)
        if (one.session) granted += one.window;
    const auto free =
        limits::producer_windows_sum - std::min(limits::producer_windows_sum, granted);
    return std::clamp(free / 4, limits::producer_window_min,
                      bulk ? limits::producer_window : limits::producer_window_quick);
}

// What has left before it heard of a smaller window is taken.
std::uint64_t Exchange::State::window_held_to(const Producer& own) const {
    const bool lately = own.window_changed && now - *own.window_changed < limits::session_linger;
    return lately ? limits::producer_window : own.window;
}

// Large while its batches have to be committed, so that commits are large; small while they settle
// by themselves, so that they do so within their grace.
void Exchange::State::adapt_window(Producer& own) {
    const bool bulk = own.bulk_at && now - *own.bulk_at < limits::bulk_calm;
    if (bulk == own.bulk) return;
    own.bulk = bulk;
    own.window_changed = now;
    own.window = 0;  // not counted in what is granted
    own.window = grant_window(bulk);
    reply(*own.session, wire::Window{own.window});
}

std::vector<wire::HeldChannel> Exchange::State::held_for(const ProducerId& id) const {
    std::vector<wire::HeldChannel> held;
    for (const auto& [channel, causes] : holds.causes_of(id)) {
        const bool everything = channel.name == "**";
        held.push_back({everything ? std::nullopt : std::optional{channel.kind}, channel.name,
                        bound_words(*causes.begin())});
    }
    return held;
}

void Exchange::State::on_hello(Session& session, const wire::Hello& hello) {
    if (hello.protocol_min > wire::protocol_max || hello.protocol_max < wire::protocol_min)
        return fail(session.id, 0, Reject::bad_version,
                    "this agent speaks BUS-LOCAL/" + std::to_string(wire::protocol_max));
    if (sessions.size() > limits::sessions_max)
        return fail(session.id, 0, Reject::limit, "too many sessions (limits::sessions_max)");
    if (session.open && session.producer != hello.producer) close_session(session);

    wire::Welcome welcome{
        .agent = settings.agent, .name = settings.name, .incarnation = incarnation};
    if (hello.producer) {
        Producer& own = producer(*hello.producer, session.uid);
        if (own.uid == producer_uid_unknown) own.uid = session.uid;
        if (own.uid != session.uid)
            return fail(session.id, 0, Reject::not_allowed,
                        "this producer belongs to another user");
        if (own.session && *own.session != session.id) {
            const auto old = sessions.find(*own.session);
            if (old != sessions.end()) close_session(old->second);
        }
        if (!own.session) own.window = grant_window(own.bulk);
        own.session = session.id;
        own.tell = false;
        note_unfinished(own, hello);
        if (everything_held) (void)holds.hold(own.id, every_channel, full_journal);
        if (draining) (void)holds.hold(own.id, every_channel, drain_cause);
        hold_if_reached(own);
        welcome.taken = own.intake->taken();
        own.keeps = hello.keep;
        keep_mark(own);
        welcome.safe = awaits_mark(own) ? own.intake->durable() : own.intake->safe_through();
        welcome.window = own.window;
        welcome.held = held_for(own.id);
    }
    session.producer = hello.producer;
    session.app = hello.app;
    if (!session.open) event(Event::Kind::session_opened, session.app, "session opened");
    session.open = true;
    reply(session.id, std::move(welcome));
    if (hello.producer) {
        Producer& own = producers[*hello.producer];
        answer_awaiting(own, hello.awaiting);
        if (!own.receipts.empty()) {
            own.tell = true;
            producers_to_tell.push_back(&own);
        }
    }
}

// What is on its way will be told. What is not was told to a session that is gone, or is known to
// an earlier incarnation only.
void Exchange::State::answer_awaiting(Producer& own,
                                      const std::vector<wire::NumberRange>& awaiting) {
    std::unordered_set<std::uint64_t> to_tell;
    for (const auto& receipt : own.receipts)
        if (receipt.stage != wire::Stage::safe) to_tell.insert(receipt.number);
    for (const auto& range : awaiting) {
        // What was not taken comes again, or its app knows that it was lost with a journal.
        const auto last = std::min(range.last, own.intake->taken());
        for (auto number = range.first; number <= last; ++number) {
            if (own.receipts.size() >= limits::receipts_kept_max) return;
            if (keeper.awaits_arrival(own.id, number) || to_tell.contains(number)) continue;
            own.receipts.push_back(
                {.number = number, .stage = wire::Stage::arrived, .fate = wire::Fate::unknown});
        }
    }
}

// ---- Subscriptions -----------------------------------------------------------------------------

namespace {

std::optional<std::string> why_no_last(const wire::Subscribe& command) {
    if (!command.last) return std::nullopt;
    if (command.kind != wire::Kind::topic)
        return "only topics keep last values: a queue or a service has none for \"last\"";
    if (!command.group.empty())
        return "last values are for a subscription of one's own: \"last\" or \"group\", not both";
    if (command.filter.size() > limits::late_joiner_filter_bytes_max)
        return "with \"last\" a filter has at most " +
               std::to_string(limits::late_joiner_filter_bytes_max) + " characters";
    return std::nullopt;
}

std::optional<std::string> why_no_group(const wire::Subscribe& command) {
    if (command.group.empty()) return std::nullopt;
    if (wire::is_late_joiner(command.group)) return "\"_last.\" is the agents' own";
    if (command.kind != wire::Kind::topic)
        return "the consumers of a queue or a service share it by themselves: no \"group\"";
    if (!command.durable.empty())
        return "a group outlives its programs by itself: \"durable\" or \"group\", not both";
    if (!wire::is_name(command.group))
        return "\"" + command.group + "\" is no group name: tokens of A-Z a-z 0-9 _ -";
    if (const auto fault = wire::group_fault(command.group, command.filter); !fault.empty())
        return fault;
    return std::nullopt;
}

}  // namespace

std::optional<std::string> Exchange::State::why_not(const Session& session,
                                                    const wire::Subscribe& command,
                                                    Reject& code) const {
    const bool to_queue = command.kind != wire::Kind::topic;
    code = Reject::bad_name;
    if (to_queue ? !wire::is_channel(command.filter) : !wire::is_filter(command.filter))
        return "\"" + command.filter + "\" is no " +
               (command.kind == wire::Kind::service ? "service name"
                : to_queue                          ? "queue name"
                                                    : "filter") +
               ": tokens of A-Z a-z 0-9 _ - joined by dots" +
               (to_queue ? "" : "; * is one token, a last ** the rest");
    if (!command.durable.empty() && !wire::is_name(command.durable))
        return "\"" + command.durable + "\" is no subscription name: tokens of A-Z a-z 0-9 _ -";
    code = Reject::malformed;
    if (command.id == 0) return "id 0 is reserved";
    if (to_queue && !command.durable.empty())
        return "a queue keeps its messages by itself: no \"durable\"";
    if (const auto reason = why_no_group(command)) return reason;
    if (const auto reason = why_no_last(command)) return reason;
    if (command.declare && command.durable.empty() && command.group.empty())
        return "what is declared outlives its session, so it is \"durable\" or a \"group\"";
    if (command.prefetch_messages == 0 || command.prefetch_bytes == 0)
        return "prefetch_messages and prefetch_bytes are at least 1";
    code = Reject::in_use;
    if (session.subscriptions.contains(command.id) ||
        far_consumers.contains({session.id, command.id}))
        return "this id is in use in this session";
    code = Reject::limit;
    const auto elsewhere =
        std::distance(far_consumers.lower_bound({session.id, 0}),
                      far_consumers.upper_bound({session.id, ~std::uint64_t{0}}));
    if (session.subscriptions.size() + static_cast<std::size_t>(elsewhere) >=
        limits::subscriptions_per_session_max)
        return "too many subscriptions in one session";
    if (groups.size() >= limits::subscriptions_max) return "too many subscriptions at this agent";
    code = Reject::not_allowed;
    if (!rules.may_consume(session.uid, command.kind, command.filter))
        return denial_of_uid(session.uid, Act::take, command.kind, command.filter).refusal();
    return std::nullopt;
}

// The group that serves this subscription, new or found; nullptr with a code if it cannot be.
Group* Exchange::State::group_for(const Session& session, const wire::Subscribe& command,
                                  Reject& code) {
    if (command.kind == wire::Kind::queue) return &queue(command.filter);
    if (command.kind == wire::Kind::service) return &service(command.filter);
    const std::string& standing = command.group.empty() ? command.durable : command.group;
    const Group* const of_name = standing.empty() ? nullptr : find_standing(standing);
    const Owner owner = owner_of(session.uid);
    if (of_name != nullptr && of_name->is_shared() == command.group.empty()) {
        code = Reject::in_use;
        return nullptr;
    }
    if (!command.group.empty()) {
        if (of_name != nullptr && of_name->destination().filter != command.filter) {
            code = Reject::in_use;
            return nullptr;
        }
        Group& group = shared(command.group, command.filter);
        declare_shared(group, owner);
        return &group;
    }
    const bool durable = !command.durable.empty();
    const auto type = durable ? Destination::Type::durable : Destination::Type::anonymous;
    // An app that comes back within the linger finds its own: the producer and its id name it.
    const std::string name = durable
                                 ? command.durable
                                 : (session.producer ? to_text(*session.producer)
                                                     : "session" + std::to_string(incarnation) +
                                                           "-" + std::to_string(session.id.value)) +
                                       "." + std::to_string(command.id);
    if (Group* const found = find_group(type, name)) {
        if (found->destination().filter == command.filter) return found;
        code = Reject::in_use;
        return nullptr;
    }
    // Nobody else asks by that name, nor did before: the next destination has this number.
    const std::string asks_as =
        command.last ? wire::late_joiner_name(incarnation, last_destination.next().value) : "";
    return &add_subscription({.type = type,
                              .kind = command.kind,
                              .name = name,
                              .filter = command.filter,
                              .group = asks_as,
                              .owner = durable ? owner : Owner{}});
}

ConsumerTerms Exchange::State::terms_of(const wire::Subscribe& command) {
    return {.messages_max = std::min(command.prefetch_messages, limits::prefetch_messages_max),
            .bytes_max = std::min(command.prefetch_bytes, limits::prefetch_bytes_max),
            .ack_deadline = std::chrono::milliseconds{command.ack_deadline_millis},
            .rate = command.rate,
            .by_parts = command.parts};
}

void Exchange::State::on_subscribe(Session& session, const wire::Subscribe& command) {
    Reject code = Reject::none;
    if (const auto reason = why_not(session, command, code)) {
        if (code == Reject::not_allowed) {
            (void)refuse_by_rule(
                denial_of_uid(session.uid, Act::take, command.kind, command.filter), 0);
        }
        return fail(session.id, command.id, code, *reason);
    }
    if (const auto reason = why_no_more(session, command))
        return fail(session.id, command.id, Reject::limit, *reason);
    if (command.kind == wire::Kind::queue && consume_elsewhere(session, command)) return;
    const DestinationId before = last_destination;
    Group* const group = group_for(session, command, code);
    if (group == nullptr)
        return fail(session.id, command.id, code,
                    "the name \"" + (command.group.empty() ? command.durable : command.group) +
                        "\" is in use here, with another filter or for another kind of "
                        "subscription (`bus subscription list`)");
    if (!command.declare) {
        group->join({session.id, command.id}, terms_of(command));
        touch(*group);
        session.subscriptions.emplace(command.id, group->id());
    }
    group->behind = false;  // there is one more
    group->is_shared() ? note_consumers(*group) : show_interest(*group);
    if (command.last && group->id() > before) hand_last_values(*group);
    if (group->stored_by > keeper.committed_through())
        pending_replies.push_back({group->stored_by, session.id, wire::Subscribed{command.id}});
    else
        reply(session.id, wire::Subscribed{command.id});
    if (!command.declare) (void)tell_gaps(*group);
}

void Exchange::State::on_unsubscribe(Session& session, const wire::Unsubscribe& command) {
    const bool was_elsewhere = far_consumers.contains({session.id, command.id});
    end_far_consumer({session.id, command.id}, false);
    const auto found = session.subscriptions.find(command.id);
    if (found == session.subscriptions.end() && was_elsewhere)
        return reply(session.id, wire::Unsubscribed{command.id});
    if (found == session.subscriptions.end())
        return fail(session.id, command.id, Reject::not_found, "no subscription has this id");
    Group& group = *groups.at(found->second);
    session.subscriptions.erase(found);
    const bool for_good = command.forget && (group.is_durable() || group.is_declared());
    leave_group(group, {session.id, command.id}, command.forget);
    if (for_good) apply_subscriptions();  // what the configuration declares begins anew
    if (for_good)  // a crash before the commit would bring it back with nobody to end it
        pending_replies.push_back(
            {keeper.pending_submission(), session.id, wire::Unsubscribed{command.id}});
    else
        reply(session.id, wire::Unsubscribed{command.id});
}

// An explicit end: an anonymous subscription goes at once, a durable one only if told to.
void Exchange::State::leave_group(Group& group, ConsumerId consumer, bool forget) {
    group.leave(consumer, Group::Parting::left);
    touch(group);
    if (group.consumers() > 0) return;
    switch (group.destination().type) {
        case Destination::Type::anonymous:
            return drop_group(group.id());
        case Destination::Type::queue:
            return hide_interest(group);
        case Destination::Type::service:
            return hide_interest(group);
        case Destination::Type::shared:
            return forget ? end_shared(group) : hide_interest(group);
        case Destination::Type::durable:
            break;
        case Destination::Type::agent:
        case Destination::Type::delay:
            return;
    }
    if (forget) end_durable(group);
}

// ---- The end of a session
// ------------------------------------------------------------------------

void Exchange::State::close_session(Session& session, Group::Parting how) {
    for (const auto& [id, destination] : session.subscriptions) {
        Group& group = *groups.at(destination);
        group.leave({session.id, id}, how);
        touch(group);
        if (group.is_service()) {  // whoever asks shall not wait for it to come back
            if (group.consumers() == 0) hide_interest(group);
            continue;
        }
        // Interest outlives the session for a while: an app that restarts misses nothing.
        if (group.consumers() > 0 || group.destination().type == Destination::Type::durable)
            continue;
        group.linger_until = now + limits::session_linger;
        restless.insert(group.id());
    }
    session.subscriptions.clear();
    end_far_consumers(session, how == Group::Parting::lost);
    if (session.producer) {
        const auto own = producers.find(*session.producer);
        if (own != producers.end() && own->second.session == session.id) {
            own->second.session.reset();
            own->second.gone_since = now;
        }
    }
    session.producer.reset();
    if (session.open) event(Event::Kind::session_closed, session.app, "session closed");
    session.open = false;
}

// ---- Receipts and holds
// -----------------------------------------------------------------------------

// What settles by itself never touches the disk, and then no commit takes the mark along.
void Exchange::State::keep_mark(Producer& own) {
    const auto safe = own.intake->safe_through();
    if (!own.keeps || safe <= std::max(own.kept, own.intake->durable())) return;
    own.kept = safe;
    own.kept_by = keeper.pending_submission();
    keeper.change(ProducerMark{own.id, safe, keeper.wall_micros(now)}, true);
}

bool Exchange::State::awaits_mark(const Producer& own) const {
    return own.keeps && keeper.committed_through() < own.kept_by;
}

void Exchange::State::flush_receipts() {
    for (const auto& arrival : keeper.arrived) {
        const auto* const producer = std::get_if<ProducerId>(&arrival.source->source());
        if (producer == nullptr) {
            note_arrival(arrival);
            continue;
        }
        const auto found = producers.find(*producer);
        if (found == producers.end()) continue;
        Producer& to = found->second;
        if (to.receipts.size() >= limits::receipts_kept_max) to.receipts.erase(to.receipts.begin());
        to.receipts.push_back(
            {.number = arrival.number,
             .stage = arrival.consumed ? wire::Stage::consumed : wire::Stage::arrived,
             .fate = arrival.fate});
        if (!std::exchange(to.tell, true)) producers_to_tell.push_back(&to);
    }
    keeper.arrived.clear();

    for (Producer* to : std::exchange(producers_to_tell, {})) {
        to->tell = false;
        if (!to->session) continue;
        keep_mark(*to);
        if (awaits_mark(*to)) {
            to->tell = true;
            producers_to_tell.push_back(to);
            continue;
        }
        to->intake->mark_durable(to->kept);
        adapt_window(*to);
        for (std::size_t at = 0; at == 0 || at < to->receipts.size();
             at += wire::receipts_per_frame_max) {
            const auto end = std::min(to->receipts.size(), at + wire::receipts_per_frame_max);
            wire::Receipts frame{.safe_through = to->intake->safe_through()};
            frame.records.assign(to->receipts.begin() + static_cast<std::ptrdiff_t>(at),
                                 to->receipts.begin() + static_cast<std::ptrdiff_t>(end));
            auto& told = effects.to_apps.emplace_back();
            told.session = *to->session;
            told.what = std::move(frame);
        }
        to->receipts.clear();
    }
}

void Exchange::State::tell_hold(const SourceId& source, const wire::ChannelKey& channel,
                                const std::string& reason) {
    event(Event::Kind::channel_held, channel.name, reason);
    send_hold(source, channel, reason);
}

void Exchange::State::send_hold(const SourceId& source, const wire::ChannelKey& channel,
                                const std::string& reason) {
    if (const auto* id = std::get_if<ProducerId>(&source)) {
        const auto found = producers.find(*id);
        if (found == producers.end() || !found->second.session) return;
        const bool everything = channel.name == "**";
        reply(*found->second.session,
              wire::Hold{{{everything ? std::nullopt : std::optional{channel.kind}, channel.name,
                           reason}}});
        return;
    }
    Peer* const peer = peer_by_id(std::get<AgentId>(source));
    if (peer != nullptr && peer->active != nullptr)
        send(*peer->active, wire::LinkHold{.hold = {channel}, .resume = {}});
}

void Exchange::State::tell_resume(const SourceId& source, const wire::ChannelKey& channel) {
    event(Event::Kind::channel_resumed, channel.name, "there is room again");
    send_resume(source, channel);
}

void Exchange::State::send_resume(const SourceId& source, const wire::ChannelKey& channel) {
    if (const auto* id = std::get_if<ProducerId>(&source)) {
        const auto found = producers.find(*id);
        if (found == producers.end() || !found->second.session) return;
        const bool everything = channel.name == "**";
        reply(*found->second.session,
              wire::Resume{
                  {{everything ? std::nullopt : std::optional{channel.kind}, channel.name, ""}}});
        return;
    }
    Peer* const peer = peer_by_id(std::get<AgentId>(source));
    if (peer != nullptr && peer->active != nullptr)
        send(*peer->active, wire::LinkHold{.hold = {}, .resume = {channel}});
}

}  // namespace bus::core
