#include "host.h"

#include <fmt/format.h>

#include <algorithm>

#include "app.h"
#include "limits.h"
#include "plan.h"

namespace bus::sim {

using namespace core;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t wall_at_start = 1'700'000'000'000'000ull;  // microseconds

constexpr std::uint32_t uid_of(std::uint64_t app) { return static_cast<std::uint32_t>(1000 + app); }

std::string kind_and_channel(const wire::BatchHeader& header) {
    auto text = fmt::format("{} {} {}+{}", wire::to_text(header.kind), header.channel,
                            header.sequence, header.message_count);
    if (header.part) text += fmt::format(" part {}/{}", header.part->index, header.part->total);
    if ((header.flags & wire::batch_flag::abort) != 0) text += " abort";
    return text;
}

Frame encode(const SendBatch& send) {
    const Batch& batch = send.batch;
    const auto body = batch.body().subspan(send.body_begin, send.body_end - send.body_begin);
    Frame frame(wire::encoded_length(send.envelope));
    wire::encode_envelope(send.envelope, frame.data());
    const auto header = batch.bytes().first(batch.header().header_length);
    frame.insert(frame.end(), header.begin(), header.end());
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
}

Frame encode(const std::string& text) {
    const auto bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

template <class... Args>
void Host::note(const char* format, const Args&... args) const {
    around_.trace.step(around_.timeline.now(),
                       fmt::format("h{} {}", index_, fmt::format(fmt::runtime(format), args...)));
}

Host::Host(const Surroundings& around, int index, std::uint64_t journal_seed)
    : around_(around), index_(index), identity_(index), journal_(journal_seed) {
    settings_.agent = agent_of(index);
    settings_.name = fmt::format("host{}", index);
}

Host::Host(const Surroundings& around, int index, std::uint64_t journal_seed, const Host& original)
    : around_(around),
      index_(index),
      identity_(original.identity_),
      key_(original.key_),
      settings_(original.settings_),
      journal_(journal_seed) {
    journal_.restore(original.durable());
}

// ---- Keys ----------------------------------------------------------------------

std::string Host::key(int number) const {
    return fmt::format("key-{}-of-host-{}", number, identity_);
}

std::vector<std::string> Host::keys() const {
    std::vector<std::string> all{key(key_)};
    if (has_two_keys_) all.push_back(key(key_ + 1));
    return all;
}

std::string Host::proven_key(int peer, bool dialled) const {
    const Host& other = *around_.hosts.at(static_cast<std::size_t>(peer));
    const auto all = other.keys();
    const auto* known = settings_of(other);
    if (!dialled || known == nullptr) return all.front();
    const auto found =
        std::find_first_of(all.begin(), all.end(), known->keys.begin(), known->keys.end());
    return found == all.end() ? all.front() : *found;
}

void Host::begin_new_key() {
    note("makes another key");
    has_two_keys_ = true;
}

void Host::drop_old_key() {
    note("drops its old key");
    has_two_keys_ = false;
    ++key_;
}

void Host::learn_keys(const Host& peer) {
    auto* const known = settings_of(peer);
    if (known == nullptr) return;
    known->keys = peer.keys();
    reload();
}

// ---- Its life ------------------------------------------------------------------

std::uint64_t Host::wall_micros() const {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
        around_.timeline.now().time_since_epoch());
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(wall_at_start) + micros.count() +
                                      wall_offset_seconds_ * 1'000'000);
}

void Host::start() {
    if (is_up()) return;
    const auto before = journal_.visible().incarnation();
    incarnation_ = std::max(before + 1, wall_micros() / 1000);
    ++starts_;
    started_with_offset_ = wall_offset_seconds_;
    stopping_ = false;
    Recovered recovered = journal_.open(agent(), incarnation_);
    // Another one at each start, and as random as it is there: ids are made of it.
    recovered.nonce = Random{starts_ * 1000 + static_cast<unsigned>(index_)}.next();
    std::uint64_t entries = 0;
    for (const auto& stream : recovered.streams) entries += stream.entries;
    note("starts, {} entries recovered", entries);
    exchange_ = std::make_unique<Exchange>(settings_, incarnation_, std::move(recovered), now(),
                                           wall_micros());
    around_.network.host_started(index_);
    want_turn(0us);
}

void Host::die(bool in_peace) {
    around_.oracle.check_accounts(index_, status());
    exchange_.reset();
    in_peace ? journal_.stop() : journal_.crash();
    for (const auto& transaction : journal_.take_applied())
        around_.oracle.on_durable(index_, transaction);
    turn_planned_ = false;
    wake_planned_ = never;
    sessions_.clear();
    links_.clear();
    met_.clear();
    around_.network.host_died(index_);
    around_.oracle.on_crash(index_);
    for (const auto& weak : std::exchange(attached_, {}))
        if (const auto attachment = weak.lock(); attachment && attachment->alive) {
            attachment->alive = false;
            attachment->app->on_host_died();
        }
}

void Host::crash(const char* how) {
    if (!is_up()) return;
    note("{}", how);
    die(false);
}

void Host::stop() {
    if (!is_up() || stopping_) return;
    note("is told to stop");
    stopping_ = true;
    exchange_->stop_accepting(now());
    want_turn(0us);
    const auto starts = starts_;
    around_.timeline.after(limits::stop_patience, [this, starts] {
        if (starts_ == starts) crash("gives up stopping in peace");
    });
}

void Host::add_peer(const Host& peer) {
    settings_.peers.push_back(
        {.name = peer.settings_.name, .keys = peer.keys(), .may = std::nullopt});
    around_.oracle.on_peer_added(index_, peer.index_);
    reload();
}

void Host::remove_peer(const Host& peer) {
    std::erase_if(settings_.peers,
                  [&](const PeerSettings& known) { return known.name == peer.settings_.name; });
    around_.oracle.on_peer_removed(index_, peer.index_);
    reload();
}

void Host::retire_peer(const Host& peer) {
    const Removal plan = exchange_->plan_removal(peer.name(), now());
    // Which agent that is, it does not know before it has met it; others may have told of it.
    const bool is_forgotten = !plan.stays_known() && !plan.agent.is_zero();
    around_.oracle.on_peer_retired(index_, peer.index_, is_forgotten);
    remove_peer(peer);
    exchange_->remove_agent(plan, true, now());
    if (!plan.stays_known()) trusted_.erase(peer.agent());  // they begin anew
}

SubscriptionChange Host::order(const SubscriptionOrder& order) {
    const auto change = exchange_->change_subscription(order, now());
    note("order {} on {}: verdict {}, {} messages", static_cast<int>(order.what), order.name,
         static_cast<int>(change.verdict), change.messages);
    want_turn(0us);
    return change;
}

void Host::tend_dead_letters(DeadLetterRequest::Act act) {
    if (!exchange_ || stopping_) return;
    exchange_->ask_dead_letters({.act = act,
                                 .find = {.filter = {},
                                          .letters_max = limits::dead_letters_page,
                                          .bytes_max = limits::dead_letters_page_bytes,
                                          .with_batches = act == DeadLetterRequest::Act::retry}},
                                now());
    want_turn(Duration{});
}

void Host::set_channel_bounds(std::vector<ChannelSettings> bounds) {
    settings_.app_bounds.clear();
    for (const auto& bound : bounds)
        if (bound.waiting.bytes % 5 == 1) {
            auto& of_app = settings_.app_bounds[uid_of(bound.waiting.bytes % 3)].waiting;
            of_app = bound.waiting;
            of_app.age = {};
        }
    settings_.channels = std::move(bounds);
    settings_.channels.insert(settings_.channels.end(), standing_.begin(), standing_.end());
    reload();
}

void Host::lift_ages() {
    for (auto& bound : settings_.channels) {
        bound.waiting.age = {};
        bound.max_deliveries = 0;
        bound.lapse.reset();
    }
    // More than there will be, whatever the journal's size.
    const ChannelFilter everything{wire::Kind::topic, "**"};
    auto said = std::find_if(settings_.channels.begin(), settings_.channels.end(),
                             [&](const auto& one) { return one.channels == everything; });
    if (said == settings_.channels.end())
        said = settings_.channels.insert(said, {.channels = everything, .waiting = {}});
    said->lapse = Bound{.bytes = 1ull << 40, .age = 1000 * 24h};
    reload();
}

void Host::reload() {
    if (!is_up()) return;
    note("reloads {} peers", settings_.peers.size());
    exchange_->reload(settings_, now());
    want_turn(0us);
}

const PeerSettings* Host::settings_of(const Host& peer) const {
    const auto found =
        std::find_if(settings_.peers.begin(), settings_.peers.end(),
                     [&](const PeerSettings& known) { return known.name == peer.settings_.name; });
    return found == settings_.peers.end() ? nullptr : &*found;
}

PeerSettings* Host::settings_of(const Host& peer) {
    return const_cast<PeerSettings*>(std::as_const(*this).settings_of(peer));
}

bool Host::accepts(int peer) const {
    const Host& other = *around_.hosts.at(static_cast<std::size_t>(peer));
    const auto all = other.keys();
    const auto* known = settings_of(other);
    return known != nullptr && std::find_first_of(all.begin(), all.end(), known->keys.begin(),
                                                  known->keys.end()) != all.end();
}

// ---- Turns --------------------------------------------------------------------------

void Host::want_turn(Duration delay) {
    if (std::exchange(turn_planned_, true)) return;
    around_.timeline.after(delay, [this, starts = starts_] {
        if (!is_up() || starts_ != starts) return;
        turn_planned_ = false;
        turn();
    });
}

void Host::wake_at(Time when) {
    if (when >= wake_planned_) return;
    wake_planned_ = when;
    around_.timeline.at(when, [this, when, starts = starts_] {
        if (!is_up() || starts_ != starts || wake_planned_ != when) return;
        wake_planned_ = never;
        turn();
    });
}

void Host::turn() {
    ++turns_;
    const auto answers = journal_.advance(around_.timeline.now());
    for (const auto& transaction : journal_.take_applied())
        around_.oracle.on_durable(index_, transaction);
    for (const auto& answer : answers) {
        if (const auto* committed = std::get_if<Committed>(&answer))
            note("journal: committed through {}", committed->through.value);
        else if (const auto* failed = std::get_if<Failed>(&answer))
            note("journal: failed {} {}", failed->number.value, failed->reason);
        else if (const auto* undecided = std::get_if<Undecided>(&answer))
            note("journal: undecided {}", undecided->number.value);
        else if (const auto* loaded = std::get_if<Loaded>(&answer))
            note("journal: loaded {}", loaded->entries.size());
        else if (const auto* found = std::get_if<DeadLettersFound>(&answer))
            note("journal: found {} dead letters", found->letters.size());
        else if (std::holds_alternative<Watched>(answer))
            note("journal: watched");
        else
            note("journal: damaged");
        exchange_->on_journal(answer, now());
    }
    exchange_->advance(now());
    exchange_->finish_turn(now());
    carry_out();
    check_limits();
    if (stopping_ && exchange_->is_quiet()) {
        note("stops in peace");
        return die(true);
    }
    const Time deadline = exchange_->next_deadline();
    if (deadline != never)
        wake_at(std::max(deadline + boot_zero_.time_since_epoch(),
                         around_.timeline.now() + Duration{1us}));
    wake_at(journal_.next_due());
}

void Host::carry_out() {
    Effects& effects = exchange_->effects();
    for (const auto& event : effects.events)
        if (event.kind == Event::Kind::batch_lapsed) {
            note("lapsed of {}: {}", event.subject, kind_and_channel(event.batch.header()));
            around_.oracle.on_lapsed(index_, event.subject, event.batch.header());
        }
    for (auto& transaction : effects.transactions) {
        note("submits {} with {} changes{}", transaction.number.value, transaction.changes.size(),
             transaction.urgent ? ", urgent" : "");
        around_.oracle.on_submitted(index_, transaction);
        journal_.submit(std::move(transaction), around_.timeline.now());
    }
    for (const auto& event : effects.events) {
        if (event.kind == Event::Kind::channel_resumed)
            around_.oracle.on_resumed(index_, event.subject);
        if (event.kind == Event::Kind::batch_dead_lettered && event.batch)
            around_.oracle.on_dead(index_, event);
    }
    for (const auto& read : effects.reads) journal_.read(read, around_.timeline.now());
    for (auto& find : effects.finds) journal_.find(std::move(find), around_.timeline.now());
    for (const auto& answer : effects.dead_letters) {
        if (answer.request.act == DeadLetterRequest::Act::purge)
            for (const auto& letter : answer.found.letters) around_.oracle.on_purged(letter);
        note("has {} {} dead messages, {} stay",
             answer.request.act == DeadLetterRequest::Act::retry ? "retried" : "purged",
             answer.done.messages, answer.left.size());
    }
    for (const auto& to : effects.to_apps) send_to_app(to);
    for (const auto& to : effects.to_links) send_to_link(to);
    for (const auto session : effects.close_sessions) {
        const auto found = sessions_.find(session);
        if (found == sessions_.end()) continue;
        found->second->session = SessionId{};
        sessions_.erase(found);
    }
    for (const auto& close : effects.close_links) {
        note("closes link {}{}", close.link.value, close.parked ? ", parked" : "");
        links_.erase(close.link);
        around_.network.close(close.link, close.parked);
    }
    for (const auto& event : effects.events)
        if (!is_batch_event(event.kind))
            note("event {} {}: {}", static_cast<int>(event.kind), event.subject, event.words);
    effects.clear();
}

namespace {

// What producers and links may have under way, what streams keep of what waits, and what consumers
// have in hand.
std::uint64_t memory_bound(const Status& status) {
    constexpr std::uint64_t of_streams = wire::lane_count * limits::stream_memory;
    constexpr std::uint64_t of_producer = limits::producer_window + 2 * limits::frame_bytes_max;
    constexpr std::uint64_t of_link = 2 * (limits::link_window_max + limits::frame_bytes_max);
    constexpr std::uint64_t of_consumer =
        wire::Subscribe::prefetch_bytes_default + limits::frame_bytes_max;
    std::uint64_t bytes = status.sessions * of_producer + status.links.size() * of_link;
    for (const auto& link : status.links) bytes += std::min(of_streams, link.backlog_bytes);
    for (const auto& group : status.groups)
        bytes += std::min(of_streams + group.consumers * of_consumer, group.waiting_bytes);
    return bytes;
}

}  // namespace

void Host::check_limits() {
    if (turns_ % 32 != 0) return;
    const auto current = status();
    around_.oracle.check_accounts(index_, current);
    memory_bytes_most_ = std::max(memory_bytes_most_, current.memory_bytes);
    const std::uint64_t memory_max = memory_bound(current);
    if (current.memory_bytes > memory_max)
        throw Broken("G6 bounded", fmt::format("host {} holds {} bytes in memory, and its windows "
                                               "and streams allow {}",
                                               index_, current.memory_bytes, memory_max));
}

// ---- Links ---------------------------------------------------------------------------

void Host::on_link_up(LinkId link, int peer, bool dialled) {
    note("link {} to h{} up, {}", link.value, peer, dialled ? "dialled" : "accepted");
    links_[link] = {.peer = peer, .dialled = dialled};
    exchange_->on_link_up(link, proven_key(peer, dialled), dialled, now());
    want_turn(around_.random.between(0us, 50us));
}

void Host::on_link_down(LinkId link) {
    if (links_.erase(link) == 0) return;
    note("link {} down", link.value);
    exchange_->on_link_down(link, now());
    want_turn(around_.random.between(0us, 50us));
}

void Host::on_link_frame(LinkId link, int peer, Frame frame) {
    if (!links_.contains(link)) return;
    want_turn(around_.random.between(0us, 50us));
    if (frame.empty() || frame[0] != std::byte{static_cast<std::uint8_t>(wire::FrameType::data)}) {
        const auto decoded = wire::decode_link(frame);
        if (!decoded) return exchange_->on_link_malformed(link, decoded.error(), now());
        const auto* hello = std::get_if<wire::LinkHello>(&decoded->body);
        if (hello != nullptr) {
            links_[link].peer_incarnation = hello->incarnation;
            links_[link].wants_tickets = hello->tickets;
        }
        if (const auto* taken = std::get_if<wire::LinkTicketTaken>(&decoded->body))
            links_[link].confirmed |= taken->ticket == links_[link].ticket;
        note_link_control(peer, link, *decoded);
        const std::size_t events_before = exchange_->effects().events.size();
        exchange_->on_link_frame(link, *decoded, now());
        if (hello != nullptr) check_identity(peer, links_.at(link), *hello, events_before);
        return;
    }
    const auto decoded = wire::decode_envelope(frame);
    if (!decoded) return exchange_->on_link_malformed(link, decoded.error(), now());
    auto batch = OwnedBatch::make({decoded->batch.begin(), decoded->batch.end()});
    if (!batch) return exchange_->on_link_malformed(link, wire::Reject::malformed, now());
    note("<h{} number {} {}{}", peer, decoded->envelope.number, kind_and_channel(batch->header()),
         decoded->envelope.resent() ? " resent" : "");
    around_.oracle.on_received(peer, index_, links_[link].peer_incarnation,
                               decoded->envelope.number);
    exchange_->on_link_batch(link, decoded->envelope, std::move(*batch), now());
}

// A restored backup, or a clone, must not pass for what this agent has met.
void Host::check_identity(int peer, const LinkAt& link, const wire::LinkHello& hello,
                          std::size_t events_before) {
    const auto& events = exchange_->effects().events;
    const auto has_said = [&](Event::Kind kind) {
        return std::any_of(events.begin() + static_cast<std::ptrdiff_t>(events_before),
                           events.end(), [&](const Event& event) { return event.kind == kind; });
    };
    auto& met = met_[hello.agent];
    const bool refused = has_said(Event::Kind::link_refused);
    if (hello.incarnation >= met) {
        if (has_said(Event::Kind::link_up)) met = hello.incarnation;
        return check_ticket(hello, has_said(Event::Kind::link_up), refused);
    }
    refusals_ += refused ? 1 : 0;
    const bool must_answer = !link.dialled && !hello.answer && accepts(peer) && !stopping_;
    if (has_said(Event::Kind::link_up) || (must_answer && !refused))
        throw Broken("identity: an older incarnation is refused by name",
                     fmt::format("host {} has met incarnation {} of host {} and does not refuse {}",
                                 index_, met, peer, hello.incarnation));
}

// Who has had data has a ticket of that session. Whoever starts again with an older one was
// restored from a backup, or is a clone.
void Host::check_ticket(const wire::LinkHello& hello, bool accepted, bool refused) {
    const auto known = trusted_.find(hello.agent);
    if (known == trusted_.end() || known->second.incarnation == hello.incarnation ||
        hello.rejoins || rejoining_.contains(hello.agent) || hello.ticket.is_zero())
        return;
    const wire::Ticket& had = known->second.ticket;
    if (hello.ticket == had || hello.ticket.words[0] > had.words[0]) return;
    stale_refusals_ += refused ? 1 : 0;
    if (accepted)
        throw Broken("identity: a stale ticket is refused by name",
                     fmt::format("host {} gave data to {} under ticket {} and accepts {}", index_,
                                 hello.name, had.words[0], hello.ticket.words[0]));
}

// Data leaves on that link.
void Host::trust(LinkAt& link, int peer) {
    if (!link.wants_tickets) return;
    if (!link.confirmed)
        throw Broken("identity: data waits until the peer has its new ticket",
                     fmt::format("host {} sends to host {}", index_, peer));
    const AgentId agent = around_.hosts.at(static_cast<std::size_t>(peer))->agent();
    trusted_[agent] = {link.ticket, link.peer_incarnation};
    rejoining_.erase(agent);
}

void Host::restore(const Disk& backup) {
    journal_.restore(backup);
    trusted_.clear();
}

void Host::rejoin() {
    if (!is_up()) return;
    for (const auto& peer : settings_.peers) {
        const auto answer = exchange_->rejoin(peer.name, now());
        note("rejoins {}: {}", peer.name, static_cast<int>(answer));
        if (answer != Rejoin::done) continue;
        for (const auto& other : around_.hosts)
            if (other->name() == peer.name) rejoining_.insert(other->agent());
    }
    want_turn(0us);
}

void Host::note_link_control(int peer, LinkId link, const wire::LinkFrame& frame) {
    struct Words {
        std::string operator()(const wire::LinkHello& hello) const {
            return fmt::format("HELLO taken {} held {} ticket {}{}{}", hello.your_taken,
                               hello.held.size(), hello.ticket.words[0],
                               hello.rejoins ? " rejoins" : "", hello.answer ? " answer" : "");
        }
        std::string operator()(const wire::LinkAck& ack) const {
            return fmt::format("ACK {}{}", ack.through, ack.ranges.empty() ? "" : " and ranges");
        }
        std::string operator()(const wire::LinkInterest& interest) const {
            std::string items;
            for (const auto& item : interest.items)
                items +=
                    fmt::format(" {}{}:{}:{}", item.op == wire::InterestItem::Op::add ? '+' : '-',
                                wire::to_text(item.kind), item.name, item.filter);
            return fmt::format("INTEREST part {} version {}{}", static_cast<int>(interest.part),
                               interest.version, items);
        }
        std::string operator()(const wire::LinkPaths& told) const {
            std::string paths;
            for (const auto& path : told.paths) {
                paths += fmt::format(" {}:", path.cost);
                for (const auto& agent : path.agents) paths += fmt::format(" {}", agent.words[0]);
            }
            return fmt::format("PATHS part {}{}", static_cast<int>(told.part), paths);
        }
        std::string operator()(const wire::LinkAsk& ask) const {
            return fmt::format("ASK {}", ask.agents.size());
        }
        std::string operator()(const wire::LinkArrived& arrived) const {
            return fmt::format("ARRIVED {}", arrived.batches.size());
        }
        std::string operator()(const wire::LinkTicket& ticket) const {
            return fmt::format("TICKET {}", ticket.ticket.words[0]);
        }
        std::string operator()(const wire::LinkTicketTaken& taken) const {
            return fmt::format("TICKET_TAKEN {}", taken.ticket.words[0]);
        }
        std::string operator()(const wire::LinkQuery& query) const {
            return fmt::format("QUERY {}", query.id);
        }
        std::string operator()(const wire::LinkAnswer& answer) const {
            return fmt::format("ANSWER {}", answer.id);
        }
        std::string operator()(const wire::LinkUnknown&) const { return "?"; }
        std::string operator()(const wire::LinkHold& hold) const {
            return fmt::format("HOLD {} RESUME {}", hold.hold.size(), hold.resume.size());
        }
        std::string operator()(const wire::LinkKeepalive&) const { return "KEEPALIVE"; }
        std::string operator()(const wire::LinkReset& reset) const {
            return fmt::format("RESET {}", reset.reason);
        }
        std::string operator()(const wire::LinkRefuse& refuse) const {
            return fmt::format("REFUSE {} {}", refuse.number, refuse.reason);
        }
        std::string operator()(const wire::LinkUnfinished& message) const {
            return fmt::format("UNFINISHED {} {} part {}/{}", message.channel,
                               message.part.first_sequence, message.part.index, message.part.total);
        }
    };
    note("<h{} link {} count {} {}", peer, link.value, frame.head.count,
         std::visit(Words{}, frame.body));
}

void Host::send_to_link(const ToLink& to) {
    const auto found = links_.find(to.link);
    if (found == links_.end()) return;
    const int peer = found->second.peer;
    if (const auto* send = std::get_if<SendBatch>(&to.what)) {
        note(">h{} number {} {}{}", peer, send->envelope.number,
             kind_and_channel(send->batch.header()), send->envelope.resent() ? " resent" : "");
        if (send->batch.header().kind != wire::Kind::service)
            around_.oracle.on_sent(index_, peer, *send);
        trust(found->second, peer);
        return around_.network.send(to.link, encode(*send));
    }
    const auto& frame = std::get<wire::LinkFrame>(to.what);
    if (const auto* ack = std::get_if<wire::LinkAck>(&frame.body))
        around_.oracle.on_link_ack(index_, peer, found->second.peer_incarnation, *ack);
    if (const auto* refuse = std::get_if<wire::LinkRefuse>(&frame.body))
        around_.oracle.on_link_refuse(index_, peer, *refuse);
    if (const auto* hold = std::get_if<wire::LinkHold>(&frame.body))
        around_.oracle.on_hold(index_, peer, *hold);
    if (const auto* hello = std::get_if<wire::LinkHello>(&frame.body)) {
        found->second.confirmed = false;
        around_.oracle.on_hello(index_, peer, *hello);
    }
    if (const auto* ticket = std::get_if<wire::LinkTicket>(&frame.body))
        found->second.ticket = ticket->ticket;
    around_.network.send(to.link, wire::encode_link(frame));
}

// ---- Apps ------------------------------------------------------------------------------

void Host::on_app_frame(const std::shared_ptr<Attachment>& from, Frame frame) {
    if (!is_up() || frame.empty() || stopping_) return;
    want_turn(around_.random.between(0us, 50us));
    if (from->session.value == 0) {
        // Unique in the cluster: the oracle knows deliveries by session and tag.
        from->session = SessionId{(static_cast<std::uint64_t>(index_ + 1) << 32) | ++last_session_};
        sessions_[from->session] = from;
        exchange_->on_session(from->session, uid_of(from->app->index()), now());
    }
    const SessionId session = from->session;
    if (frame[0] == std::byte{'{'}) return on_app_command(from, frame);
    if (!exchange_->knows(session))
        return send_to_app({session, wire::Reply{wire::Reset{"say hello first"}}});
    if (frame[0] == std::byte{static_cast<std::uint8_t>(wire::FrameType::acks)}) {
        const auto acks = wire::decode_acks(frame);
        BUS_ASSERT(acks.has_value());
        for (const auto& ack : *acks)
            note("<a{} verdict {} on tag {} first {} count {}", from->app->index(),
                 static_cast<int>(ack.verdict), ack.tag, ack.first, ack.count);
        around_.oracle.on_acks(session, *acks);
        return exchange_->on_acks(session, *acks, now());
    }
    on_app_batch(session, frame);
}

void Host::on_app_batch(SessionId session, const Frame& frame) {
    const auto decoded = wire::decode_envelope(frame);
    BUS_ASSERT(decoded.has_value());
    auto batch = OwnedBatch::make({decoded->batch.begin(), decoded->batch.end()});
    BUS_ASSERT(batch.has_value());
    note("<a{} number {} {}{}", sessions_.at(session)->app->index(), decoded->envelope.number,
         kind_and_channel(batch->header()), decoded->envelope.resent() ? " resent" : "");
    if (batch->header().kind != wire::Kind::service)
        around_.oracle.on_taken(index_, decoded->envelope.number, *batch);
    exchange_->on_batch(session, decoded->envelope, std::move(*batch), now());
}

void Host::on_app_command(const std::shared_ptr<Attachment>& from, const Frame& frame) {
    const auto command = wire::decode_command(as_text(frame));
    BUS_ASSERT(command.has_value());
    note("<a{} {}", from->app->index(), as_text(frame));
    if (!std::holds_alternative<wire::Hello>(*command) && !exchange_->knows(from->session))
        return send_to_app({from->session, wire::Reply{wire::Reset{"say hello first"}}});
    exchange_->on_command(from->session, *command, now());
}

void Host::on_app_gone(const std::shared_ptr<Attachment>& from) {
    if (!is_up() || sessions_.erase(from->session) == 0) return;
    note("session {} gone", from->session.value);
    exchange_->on_session_gone(from->session, now());
    want_turn(around_.random.between(0us, 50us));
}

void Host::send_to_app(const ToApp& to) {
    const auto found = sessions_.find(to.session);
    if (found == sessions_.end()) return;
    const auto attachment = found->second;
    if (!attachment->alive) return;
    App& app = *attachment->app;
    Frame frame;
    if (const auto* send = std::get_if<SendBatch>(&to.what)) {
        note(">a{} tag {} {} first {} messages {}{}", app.index(), send->envelope.number,
             kind_and_channel(send->batch.header()), send->envelope.first, send->envelope.messages,
             send->envelope.redelivered() ? " redelivered" : "");
        if (send->batch.header().kind != wire::Kind::service)
            around_.oracle.on_handed_out(to.session, app.place_of(send->envelope.consumer), *send);
        frame = encode(*send);
    } else if (const auto* receipts = std::get_if<wire::Receipts>(&to.what)) {
        note(">a{} receipts through {} and {}", app.index(), receipts->safe_through,
             receipts->records.size());
        around_.oracle.on_receipts(index_, app.producer().producer(), *receipts);
        frame = wire::encode_receipts(*receipts);
    } else {
        const auto& reply = std::get<wire::Reply>(to.what);
        if (const auto* refused = std::get_if<wire::Refused>(&reply))
            around_.oracle.on_refused(index_, app.producer().producer(), *refused);
        const auto text = wire::encode_reply(reply);
        note(">a{} {}", app.index(), text);
        frame = encode(text);
    }
    auto& last = attachment->last_to_app;
    last = std::max(last, around_.timeline.now() + around_.random.between(Duration{10us}, 100us));
    around_.timeline.at(last, [attachment, frame = std::move(frame)] {
        if (attachment->alive) attachment->app->on_frame(frame);
    });
}

}  // namespace bus::sim
