#include "oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan.h"

namespace bus::sim {

using namespace core;

namespace {

Run run_of(const wire::BatchHeader& header) {
    return {header.producer, header.sequence, header.message_count};
}

}  // namespace

int Oracle::host_of(const AgentId& agent) const {
    for (const auto* host : hosts_)
        if (host->agent() == agent) return host->index();
    throw Broken("identity", "an agent speaks of a peer that does not exist");
}

// ---- Apps ---------------------------------------------------------------------

void Oracle::on_settled(MessageId id, const session::Settled& settled) {
    Message& message = book[id];
    if (settled.outcome == session::Outcome::expired && !clocks_jumped_ &&
        timeline_.now() < message.expires_at - Expiries::tolerance)
        throw Broken("lifetimes: none expires before its time", describe(message));
    if (settled.outcome != session::Outcome::reached) {
        message.withdrawn = true;
        return;
    }
    if (++message.parts_promised < message.parts) return;
    message.promised = true;
    message.arrived = message.stage != wire::Stage::safe;
}

void Oracle::check_order(std::uint64_t consumer, const Message& message) {
    auto& last =
        order_[{consumer, message.producer, message.channel, message.lane, message.guaranteed}];
    if (message.order <= last)
        throw Broken("G3 first deliveries ascend",
                     fmt::format("{} is number {} on its channel and comes after {}",
                                 describe(message), message.order, last));
    last = message.order;
}

void Oracle::on_delivered(PlaceId place_id, std::uint64_t consumer,
                          const session::Received& received, bool first) {
    if (received.channel == dead_queue()) return on_went_on(received);
    const auto id = Book::payload_id(received.payload);
    if (!id || *id >= book.messages().size()) throw Broken("G4 intact", "a payload is not as sent");
    Message& message = book[*id];
    const Place& place = book.place(place_id);
    if (message.producer != received.producer || received.channel != message.channel.name)
        throw Broken("G4 intact", describe(message) + " came under another name");
    if (!wants(place, message))
        throw Broken("routing", describe(message) + " came to " + describe(place));
    if (timeline_.now() < message.due_at && !clocks_jumped_)
        throw Broken("delays: none comes before it is due", describe(message));
    auto& at = message.at(place_id);
    ++(received.redelivered ? at.marked : at.unmarked);
    if (at.unmarked > 1)
        throw Broken("G2 all deliveries but one are marked",
                     describe(message) + " came twice unmarked to " + describe(place));
    // What came to a queue's host has holes: of these it remembers only so many.
    const bool may_forget = (several_paths_ && place.is_shared()) || place.kept_at >= 0;
    if (!turbulent_ && !may_forget && at.unmarked + at.marked > 1)
        throw Broken("G2 once without a crash",
                     describe(message) + " came twice to " + describe(place));
    if (first && !received.redelivered && !message.is_delayed())
        check_order(order_of(place_id, consumer), message);
    if (calm_ && place.kept_at >= 0) check_key(*id);
}

// Whoever consumes it.
void Oracle::check_key(MessageId id) {
    const Message& message = book[id];
    if (message.key.empty() || !message.guaranteed) return;
    const auto [out, first] = keys_out_.try_emplace(message.key, id);
    if (!first)
        throw Broken("homed queues: of one key one is out at a time",
                     fmt::format("{} comes while another with key {} is: {}", describe(message),
                                 message.key, describe(book[out->second])));
}

void Oracle::on_ruled(PlaceId place, MessageId id) {
    if (book.place(place).kept_at >= 0) keys_out_.erase(book[id].key);
}

// Who came after a crash cannot know that another path was quicker before it.
std::uint64_t Oracle::order_of(PlaceId place, std::uint64_t consumer) const {
    const bool of_consumer = book.place(place).is_shared() || several_paths_;
    return of_consumer ? consumer : place;
}

void Oracle::on_begun(PlaceId place, std::uint64_t consumer, const session::Received& first_part) {
    const auto named = book.unit(first_part.producer, first_part.sequence);
    if (named && !first_part.redelivered)
        check_order(order_of(place, consumer), book[named->message]);
}

// ---- Where something is safe --------------------------------------------------------

// In the durable journal of `host`, owed to that place, or with `for_its_agent` to the place's
// agent.
bool Oracle::is_stored(int host, const Claim& claim, bool for_its_agent) const {
    const auto& disk = hosts_.at(static_cast<std::size_t>(host))->durable();
    const Place& place = book.place(claim.place);
    for (const auto* row : disk.rows_of(claim.unit.producer, claim.unit.first)) {
        if (row->damaged) continue;
        for (const auto& stream : row->owed_to) {
            const auto found = disk.destinations().find(stream.to);
            if (found == disk.destinations().end()) continue;
            const Destination& to = found->second;
            if (to.type == Destination::Type::delay) return true;
            if (to.type == Destination::Type::agent) {
                if (for_its_agent && row->batch.header().group == place.group() &&
                    (place.host < 0 || to.agent == hosts_.at(std::size_t(place.host))->agent()))
                    return true;
            } else if (to.name == place.name && (place.host < 0 || place.host == host)) {
                return true;
            }
        }
    }
    return false;
}

bool Oracle::is_stored_anywhere(const Run& unit) const {
    return std::any_of(hosts_.begin(), hosts_.end(), [&](const HostView* host) {
        return host->durable().holds(unit.producer, unit.first);
    });
}

bool Oracle::is_safe_there(int host, const Claim& claim) const {
    return claim.message.acked(claim.place) || is_stored(host, claim, false);
}

bool Oracle::is_safe_here(int host, const Claim& claim) const {
    if (claim.message.acked(claim.place) || is_stored(host, claim, true)) return true;
    if (several_paths_ && is_safe_on_its_way(-1, 0, claim)) return true;
    const int at = book.place(claim.place).host;
    return at < 0 ? is_stored_anywhere(claim.unit) : at != host && is_stored(at, claim, false);
}

// `safe` must hold for every claim that is not excused.
template <class Safe>
void Oracle::require(const Run& run, const char* invariant, const std::string& said,
                     Safe safe) const {
    for (std::uint32_t i = 0; i < run.count; ++i) {
        const Run unit{run.producer, run.first + i, 1};
        const auto named = book.unit(unit.producer, unit.first);
        if (!named) continue;
        const Message& message = book[named->message];
        if (!message.guaranteed || message.expires_at != never || message.withdrawn) continue;
        for (const auto& [place, at] : message.owed) {
            if (!at.excuse.empty() || book.place(place).ended) continue;
            if (!safe(Claim{message, unit, place}))
                throw Broken(invariant,
                             fmt::format("{}: {} is not safe for {}", said, describe(message),
                                         describe(book.place(place))));
        }
    }
}

void Oracle::require_safe_here(int host, const Run& run, const char* invariant,
                               const std::string& said) {
    require(run, invariant, said, [&](const Claim& claim) { return is_safe_here(host, claim); });
}

// `host` acknowledges what `from` sent it: it is safe there or, for another, at a host behind it.
void Oracle::require_safe_there(int from, int host, const Leg& leg, const char* invariant,
                                const std::string& said) {
    require(leg.run, invariant, said, [&](const Claim& claim) {
        const int at = book.place(claim.place).host;
        if (book.place(claim.place).group() != leg.group) return true;
        if (at >= 0 && !leg.finals.contains(at)) return true;
        // What is shared goes on from there to whoever works on it, where its disk is full.
        const bool is_final = leg.finals.size() == 1 && leg.finals.contains(host) && at >= 0;
        return is_safe_there(host, claim) ||
               (!is_final && is_safe_on_its_way(from, leg.sent, claim));
    });
}

// Anywhere but at `from`, which forgets what it has `sent`; unless it came back there since, by
// whatever way.
bool Oracle::is_safe_on_its_way(int from, std::uint64_t sent, const Claim& claim) const {
    if (claim.message.acked(claim.place)) return true;
    const int at = book.place(claim.place).host;
    const auto back = sent_to_.find({from, claim.unit.producer, claim.unit.first});
    const bool went_back = back != sent_to_.end() && back->second > sent;
    for (const auto* host : hosts_) {
        const int index = host->index();
        if (index == from && !went_back) continue;
        if (is_stored(index, claim, index != at)) return true;
    }
    return false;
}

void Oracle::require_arrived(int host, const Run& run) {
    require(run, "receipts: arrived everywhere", fmt::format("host {} says arrived", host),
            [&](const Claim& claim) {
                const int at = book.place(claim.place).host;
                return at < 0 ? is_safe_here(host, claim) : is_safe_there(at, claim);
            });
}

void Oracle::require_consumed(int host, const Run& run) {
    require(run, "receipts: consumed everywhere", fmt::format("host {} says consumed", host),
            [](const Claim& claim) { return claim.message.acked(claim.place); });
}

// ---- Agents -----------------------------------------------------------------------

void Oracle::on_taken(int host, std::uint64_t number, const Batch& batch) {
    const auto& header = batch.header();
    const auto ids = book.read(header, batch.body());
    last_values.on_taken(host, header);
    if (!header.guaranteed()) return;
    const Run run = run_of(header);
    unsaid_[header.producer].try_emplace(number, run);
    unmarked_[header.producer].try_emplace(number, run);
    unarrived_[header.producer].try_emplace(number, run);
    if (header.part && header.part->index > 0) return;
    for (const auto id : ids) {
        Message& message = book[id];
        const bool again = std::exchange(message.taken, true);
        for (PlaceId place = 0; place < book.places().size(); ++place) {
            const Place& candidate = book.place(place);
            if (candidate.ended || !wants(candidate, message)) continue;
            const bool known =
                candidate.stands && (candidate.type == Place::Type::queue ||
                                     candidate.host == host || is_known(host, candidate));
            if (known && !again) message.owed.try_emplace(place);
            if (known && cloned_ >= 0 &&
                (cloned_ == host || cloned_ == candidate.host || candidate.host < 0))
                message.owed[place].excuse_by("a host was cloned");
            if (!known && message.owed.contains(place))
                message.owed[place].excuse_by("not known when it was taken again");
        }
    }
}

void Oracle::on_handed_out(SessionId session, PlaceId place, const SendBatch& sent) {
    const auto& envelope = sent.envelope;
    if (envelope.number == 0 || wire::is_late_joiner(sent.batch.header().group)) return;
    if (sent.batch.header().guaranteed() && book.place(place).paused)
        throw Broken("subscriptions: paused, it hands out nothing", describe(book.place(place)));
    Tag tag{place, run_of(sent.batch.header()), envelope.first, envelope.messages,
            envelope.consumer};
    tags_.insert_or_assign({session.value, envelope.number}, tag);
}

void Oracle::on_acks(SessionId session, std::span<const wire::Ack> acks) {
    for (const auto& ack : acks) {
        if (ack.verdict != wire::Verdict::ack) continue;
        const auto named = tags_.find({session.value, ack.tag});
        if (named == tags_.end()) continue;
        const Tag& tag = named->second;
        acknowledge(tag, ack.through ? tag.first : ack.first, ack.first + ack.count);
        if (!ack.through) continue;
        for (auto at = tags_.lower_bound({session.value, 0}); at != named; ++at)
            if (at->second.consumer == tag.consumer)
                acknowledge(at->second, at->second.first, at->second.first + at->second.count);
    }
}

void Oracle::acknowledge(const Tag& tag, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) {
        const auto unit = book.unit(tag.batch.producer, tag.batch.first + i);
        if (unit) book[unit->message].at(tag.place).acked_parts.insert(unit->part);
    }
}

// Apps of the simulator do nothing that a rule forbids, so a refusal is a lack of room.
void Oracle::on_refused(int host, const ProducerId& producer, const wire::Refused& refused) {
    throw Broken("flow: nothing that has left is refused",
                 fmt::format("host {} refuses number {} of {}: {}", host, refused.number,
                             to_text(producer), refused.reason));
}

void Oracle::forget_number(const ProducerId& producer, std::uint64_t number) {
    unsaid_[producer].erase(number);
    unmarked_[producer].erase(number);
    unarrived_[producer].erase(number);
}

void Oracle::on_receipts(int host, const ProducerId& producer, const wire::Receipts& receipts) {
    auto& unsaid = unsaid_[producer];
    const auto say_safe = [&](Numbered::iterator at) {
        require_safe_here(host, at->second, "receipts: no receipt before it is safe",
                          fmt::format("host {} says safe of number {}", host, at->first));
        last_values.on_safe(host, at->second, hosts_.at(std::size_t(host))->durable());
        return unsaid.erase(at);
    };
    for (const auto& record : receipts.records) {
        if (record.fate != wire::Fate::reached) {
            forget_number(producer, record.number);
        } else if (record.stage == wire::Stage::safe) {
            if (const auto at = unsaid.find(record.number); at != unsaid.end()) say_safe(at);
        } else {
            auto& unarrived = unarrived_[producer];
            if (const auto at = unarrived.find(record.number); at != unarrived.end()) {
                require_arrived(host, at->second);
                if (record.stage == wire::Stage::consumed) require_consumed(host, at->second);
                unarrived.erase(at);
            }
        }
    }
    auto at = unsaid.begin();
    while (at != unsaid.end() && at->first <= receipts.safe_through) at = say_safe(at);
}

void Oracle::on_sent(int from, int to, const SendBatch& sent) {
    const auto& envelope = sent.envelope;
    if (envelope.number == 0) return;
    Run run = run_of(sent.batch.header());
    if (envelope.messages > 0) run = {run.producer, run.first + envelope.first, envelope.messages};
    const Route route{from, to, hosts_.at(std::size_t(from))->incarnation()};
    Leg leg{run, std::string{envelope.group}, {to}, ++sent_};
    if (envelope.route != nullptr && !envelope.route->finals.empty()) {
        leg.finals.clear();
        for (const auto& agent : envelope.route->finals) leg.finals.insert(host_of(agent));
    }
    if (several_paths_ && !wire::is_late_joiner(envelope.group))
        for (std::uint32_t i = 0; i < run.count; ++i)
            sent_to_[{to, run.producer, run.first + i}] = sent_;
    if (const auto before = unacked_[route].find(envelope.number); before != unacked_[route].end())
        leg.sent = before->second.sent;
    const auto [at, fresh] = unacked_[route].insert_or_assign(envelope.number, leg);
    if (!fresh && (at->second.run.first != run.first || at->second.run.producer != run.producer))
        throw Broken("numbers: one batch each",
                     fmt::format("host {} gives number {} toward host {} to two batches", from,
                                 envelope.number, to));
    link_unmarked_[route].insert_or_assign(envelope.number, leg);
}

void Oracle::on_link_ack(int to, int from, std::uint64_t incarnation, const wire::LinkAck& ack) {
    auto& unacked = unacked_[{from, to, incarnation}];
    const Route route{from, to, incarnation};
    const auto settle = [&](std::uint64_t first, std::uint64_t last) {
        auto at = unacked.lower_bound(first);
        while (at != unacked.end() && at->first <= last) {
            // It went another way, and never came: a hole in the numbers.
            const bool is_hole = several_paths_ && !received_.contains({route, at->first});
            if (!is_hole)
                require_safe_there(
                    from, to, at->second, "links: an ACK implies committed or consumed",
                    fmt::format("host {} acknowledges number {} of host {}", to, at->first, from));
            at = unacked.erase(at);
        }
    };
    settle(0, ack.through);
    for (const auto& range : ack.ranges) settle(range.first, range.last);
}

void Oracle::on_link_refuse(int to, int from, const wire::LinkRefuse& refuse) {
    throw Broken("flow: nothing that has left is refused",
                 fmt::format("host {} refuses number {} of host {}: {}", to, refuse.number, from,
                             refuse.reason));
}

void Oracle::on_hold(int from, int to, const wire::LinkHold& hold) {
    auto& held = held_[{from, to}];
    held.insert(hold.hold.begin(), hold.hold.end());
    for (const auto& channel : hold.resume) held.erase(channel);
}

void Oracle::on_hello(int from, int to, const wire::LinkHello& hello) {
    std::set<wire::ChannelKey> named{hello.held.begin(), hello.held.end()};
    for (const auto& channel : held_[{from, to}])
        if (!named.contains(channel))
            throw Broken(
                "flow: HOLD outlives a reconnect",
                fmt::format("host {} no longer tells host {} to hold {}", from, to, channel.name));
    held_[{from, to}] = std::move(named);
}

void Oracle::on_resumed(int host, const std::string& channel) {
    for (auto& [pair, held] : held_)
        if (pair.first == host)
            std::erase_if(held, [&](const auto& key) { return key.name == channel; });
}

// ---- Shares of durable subscriptions ---------------------------------------------------

void Oracle::on_lapsed(int host, const std::string& name, const wire::BatchHeader& header) {
    for (PlaceId id = 0; id < book.places().size(); ++id) {
        const Place& place = book.place(id);
        const bool is_it = place.host == host || place.type == Place::Type::group;
        if (!is_it || place.name != name || place.ended) continue;
        if (shares_suffice_)
            throw Broken("shares: nothing lapses within its share", describe(place));
        const bool is_told = place.type != Place::Type::group;
        if (is_told && (!header.part || header.part->index == 0))
            lapsed_[id] += header.message_count;
        for (std::uint64_t at = 0; at < header.message_count; ++at)
            if (const auto unit = book.unit(header.producer, header.sequence + at)) {
                auto& owed = book[unit->message].at(id);
                owed.excuse = "it lapsed";
                owed.is_gone = true;
                owed.is_dead = false;  // an operator had given it back
            }
    }
}

void Oracle::on_told_gap(PlaceId place, const wire::Gap& gap) {
    auto& told = told_missed_[place];
    if (gap.untold > gap.total || (!turbulent_ && gap.total < told))
        throw Broken("G3 a gap is reported",
                     fmt::format("{} is told of {} messages, {} in all, and was told of {} before",
                                 describe(book.place(place)), gap.untold, gap.total, told));
    told = gap.total;
}

// ---- Journals ------------------------------------------------------------------------

void Oracle::on_submitted(int host, const Transaction& transaction) {
    for (const auto& change : transaction.changes) {
        if (const auto* put = std::get_if<PutInterest>(&change)) on_interest(host, *put);
        if (const auto* drop = std::get_if<DropInterest>(&change)) on_interest_dropped(host, *drop);
        if (const auto* drop = std::get_if<DropPeer>(&change)) on_peer_dropped(host, drop->id);
        if (const auto* given = std::get_if<GiveUp>(&change)) on_given_up(*given);
        if (const auto* buried = std::get_if<Bury>(&change)) on_burying(host, *buried);
        if (const auto* put = std::get_if<PutDestination>(&change))
            destinations_[{host, put->destination.id}] = put->destination;
        if (const auto* drop = std::get_if<DropDestination>(&change))
            on_destination_dropped(host, *drop);
    }
}

// Its producer died before all of it was promised: what came of it is dropped by right.
void Oracle::on_given_up(const GiveUp& given) {
    const auto unit = book.unit(given.producer, given.first_sequence);
    if (unit && !book[unit->message].promised) book[unit->message].withdrawn = true;
}

void Oracle::on_durable(int host, const Transaction& transaction) {
    for (const auto& change : transaction.changes) {
        if (const auto* buried = std::get_if<Bury>(&change)) on_buried(host, *buried);
        if (const auto* mark = std::get_if<ProducerMark>(&change)) {
            auto& unmarked = unmarked_[mark->producer];
            while (!unmarked.empty() && unmarked.begin()->first <= mark->number) {
                require_safe_here(
                    host, unmarked.begin()->second, "marks: no mark ahead of the durable prefix",
                    fmt::format("host {} marks a producer's number {}", host, mark->number));
                unmarked.erase(unmarked.begin());
            }
        } else if (const auto* peer = std::get_if<PeerMark>(&change)) {
            auto& unmarked = link_unmarked_[{host_of(peer->peer), host, peer->incarnation}];
            const Route route{host_of(peer->peer), host, peer->incarnation};
            while (!unmarked.empty() && unmarked.begin()->first <= peer->number) {
                if (!several_paths_ || received_.contains({route, unmarked.begin()->first}))
                    require_safe_there(
                        host_of(peer->peer), host, unmarked.begin()->second,
                        "marks: no mark ahead of the durable prefix",
                        fmt::format("host {} marks a peer's number {}", host, peer->number));
                unmarked.erase(unmarked.begin());
            }
        }
    }
}

// ---- Faults that lose by right ------------------------------------------------------------

void Oracle::excuse_host(int host, const std::string& why) {
    last_values.excuse(host);
    for (auto& message : book.messages())
        for (auto& [place, at] : message.owed)
            // With relays anything may have been in its custody.
            if (several_paths_ || message.host == host || book.place(place).host == host ||
                book.place(place).host < 0)
                at.excuse_by(why);
    for (PlaceId id = 0; id < book.places().size(); ++id)
        if (book.place(id).host == host) on_place_lost(id);
    recall_interest(host);
    recall_destinations(host);
}

void Oracle::on_cloned(int host) {
    cloned_ = host;
    excuse_host(host, "a host was cloned");
}

void Oracle::on_clone_ended() {
    excuse_host(cloned_, "a host was cloned");
    cloned_ = -1;
}

void Oracle::excuse_rows(int host, const std::string& why) {
    for (const auto& [id, row] : hosts_.at(std::size_t(host))->durable().rows()) {
        if (!row.damaged) continue;
        const Run run = run_of(row.batch.header());
        for (std::uint32_t i = 0; i < run.count; ++i)
            if (const auto unit = book.unit(run.producer, run.first + i))
                for (auto& [place, at] : book[unit->message].owed) at.excuse_by(why);
        excuse_what_went_on(row.batch, why);
    }
}

// ---- Totals -----------------------------------------------------------------------------

void Oracle::check_accounts(int host, const Status& status) {
    expiries_.observe(host, status, [this](const AgentId& agent) { return host_of(agent); });
    if (!turbulent_) expiries_.check_none_too_many(timeline_.now());
    for (const auto& account : status.accounts)
        if (!account.balances() || account.waiting > (1ull << 62))
            throw Broken(
                "G5 conservation",
                fmt::format("host {}, destination {}: recovered {} + taken {} is not settled {} "
                            "+ filtered {} + expired {} + lapsed {} + dead {} + purged {} + "
                            "moved {} + waiting {}",
                            host, account.destination.value, account.recovered, account.taken,
                            account.settled, account.filtered, account.expired, account.lapsed,
                            account.dead_lettered, account.purged, account.moved, account.waiting));
}

void Oracle::check_delivered() const {
    for (const auto& [place, messages] : lapsed_) {
        const auto told = told_missed_.find(place);
        if (turbulent_ || book.place(place).ended) continue;
        if (told == told_missed_.end() || told->second < messages)
            throw Broken("G3 a gap is reported",
                         fmt::format("{} messages have lapsed at {}, and its app was told of {}",
                                     messages, describe(book.place(place)),
                                     told == told_missed_.end() ? 0 : told->second));
    }
    expiries_.check_accounted();
    for (const auto& message : book.messages()) {
        if (!message.promised || message.withdrawn || message.expires_at != never) continue;
        for (const auto& [id, at] : message.owed) {
            const Place& place = book.place(id);
            if (!at.excuse.empty() || place.ended || at.unmarked + at.marked > 0) continue;
            throw Broken("G1 no loss", describe(message) + " never came to " + describe(place));
        }
    }
}

}  // namespace bus::sim
