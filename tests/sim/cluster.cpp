#include "cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace bus::sim {

using namespace std::chrono_literals;

namespace {

constexpr Duration patience = 15min;   // for everything to arrive once the faults are over
constexpr Duration calm = 36s;         // without anything left, before the next phase
constexpr Duration lapse_after = 20s;  // of absence; the agents' own limit is 30 s
// Of each host, and for each second. Who takes more keeps others busy and comes to no end.
constexpr std::uint64_t steps_max = 150'000, steps_per_second_max = 200;

std::string awaited_by(const App& app) {
    std::string awaited;
    for (const auto& range : app.producer().awaiting_arrival())
        awaited += fmt::format(" {}-{}", range.first, range.last);
    return awaited;
}

std::string describe_waiting(Host& host, const core::Account& account) {
    const Disk& disk = host.journal().visible();
    const auto found = disk.destinations().find(account.destination);
    const core::Destination to =
        found == disk.destinations().end() ? core::Destination{} : found->second;
    std::string way;
    for (const auto& agent : host.status().agents)
        if (to.type == core::Destination::Type::agent && agent.agent == to.agent)
            way = fmt::format(", {} by [{}] {}", to_text(to.agent), fmt::join(agent.path, " "),
                              agent.up ? "up" : "down");
    return fmt::format(
        "destination {} (type {}, name {}, filter {}{}) has {} messages waiting (recovered {}, "
        "taken {}, settled {}), {} batches in the journal",
        account.destination.value, static_cast<int>(to.type), to.name, to.filter, way,
        account.waiting, account.recovered, account.taken, account.settled, disk.rows().size());
}

}  // namespace

Cluster::Cluster(std::uint64_t seed, bool print, DrawPlan draw)
    : seed_(seed), random_(seed), trace_(print), plan_(draw(random_)) {
    if (draw == draw_plan) {
        draw_last_values(plan_, late_random_);
        draw_homes(plan_, late_random_);
    }
    build();
}

Cluster::~Cluster() = default;

void Cluster::build() {
    for (int index = 0; index < plan_.hosts; ++index) {
        const Host::Surroundings around{timeline_, random_, trace_, oracle_, network_, raw_hosts_};
        hosts_.push_back(std::make_unique<Host>(around, index, seed_ * 31 + std::uint64_t(index)));
        raw_hosts_.push_back(hosts_.back().get());
        views_.push_back(hosts_.back().get());
        owners_.push_back(hosts_.back().get());
    }
    for (const auto& [dialler, listener] : plan_.addresses) {
        if (!network_.are_linked(dialler, listener)) {
            hosts_[std::size_t(dialler)]->add_peer(*hosts_[std::size_t(listener)]);
            hosts_[std::size_t(listener)]->add_peer(*hosts_[std::size_t(dialler)]);
        }
        network_.add_address(dialler, listener);
    }
    for (const int relay : plan_.relays) hosts_[std::size_t(relay)]->set_relay();
    if (!plan_.relays.empty()) oracle_.several_paths();
    network_.set_weather(plan_.weather);
    for (auto& host : hosts_) host->journal().set_tempo(plan_.tempo);
    // One of them has little room.
    auto& narrow = *hosts_[random_.between(0, hosts_.size() - 1)];
    if (plan_.journal_capacity > 0) narrow.journal().set_capacity(plan_.journal_capacity);
    if (plan_.journal_bytes_max > 0) narrow.set_journal_bytes_max(plan_.journal_bytes_max);
    auto standing = plan_.retained;
    standing.insert(standing.end(), plan_.homes.begin(), plan_.homes.end());
    for (auto& host : hosts_)
        if (!standing.empty()) host->keep_settings(standing);
    for (const auto& kept : plan_.homes)
        oracle_.keep_queue(kept.channels.filter, plan_.home, plan_.faults == 0);
    oracle_.last_values.retain(plan_.retained);
    for (auto& host : hosts_)
        if (!plan_.channel_bounds.empty()) host->set_channel_bounds(plan_.channel_bounds);
    if (plan_.character == Character::healthy) oracle_.shares_suffice();
    for (const auto& queue : queues()) oracle_.book.queue(queue.name);
    if (plan_.dead_go_on) oracle_.book.queue(dead_queue());
    for (const auto& app : plan_.apps) {
        const auto& wanted = app.habits.subscriptions;
        const bool hasty = std::any_of(wanted.begin(), wanted.end(),
                                       [](const auto& one) { return one.ack_deadline_millis > 0; });
        if (app.habits.nack_per_mille > 0 || hasty) oracle_.turbulence();
        apps_.push_back({app.host, app.habits, nullptr, {}});
    }
}

void Cluster::clone(std::size_t host, Duration life) {
    BUS_ASSERT(!clone_);
    const Host& original = *hosts_[host];
    const Host::Surroundings around{timeline_, random_, trace_, oracle_, network_, raw_hosts_};
    const auto index = static_cast<int>(raw_hosts_.size());
    clone_ = std::make_unique<Host>(around, index, seed_ * 31 + raw_hosts_.size(), original);
    raw_hosts_.push_back(clone_.get());
    views_.push_back(clone_.get());
    owners_.push_back(clone_.get());
    for (const auto& [a, b] : plan_.addresses)
        if (a == original.index() || b == original.index())
            network_.add_address(index, a == original.index() ? b : a);
    clone_->start();
    timeline_.after(life, [this] { clone_->crash("is found out and ended"); });
}

Result Cluster::run() {
    note(fmt::format("seed {}, character {}, {} hosts, {} apps", seed_, to_text(plan_.character),
                     hosts_.size(), apps_.size()));
    for (auto& host : hosts_)
        timeline_.after(random_.between(0ms, 300ms), [&host] { host->start(); });
    for (std::size_t index = 0; index < apps_.size(); ++index) {
        const bool late = apps_[index].habits.declared;
        if (late) declare_subscriptions(index);
        timeline_.after(late ? random_.between(1s, 4s) : random_.between(0ms, 600ms),
                        [this, index] { start_app(index); });
    }
    Faults faults{*this};
    for (std::uint64_t i = 0; i < plan_.faults; ++i)
        timeline_.at(Time{random_.between(700ms, plan_.busy + 700ms)}, [this, &faults] {
            if (!over_) faults.strike(plan_.character);
        });
    if (!plan_.channel_bounds.empty())  // where messages die
        for (auto& host : hosts_) faults.tend_dead_letters(*host);
    watch();
    run_until(Time{plan_.busy + 1s});
    if (endure_ > Duration{0}) {
        enduring_ = true;
        for (auto& slot : apps_)
            if (slot.app) slot.app->publish_rarely(endure_ / 50);
        watch_every_ = std::clamp(endure_ / 100, Duration{1s}, Duration{6h});
        run_until(timeline_.now() + endure_);
        watch_every_ = 1s;
    }
    end_of_faults();
    settle("after the faults");
    publish_probes();
    if (plan_.loses_last) faults.lose_the_last();
    settle("after the last messages");
    check_probes();
    check_end();
    if (oracle_.last_values.are_kept()) join_late();
    std::uint64_t written = 0, memory_most = 0, refusals = 0, stale_refusals = 0;
    for (const auto& host : hosts_) {
        written += host->journal().batches_written();
        refusals += host->refusals();
        stale_refusals += host->stale_refusals();
        memory_most = std::max(memory_most, host->memory_bytes_most());
    }
    return {.hash = trace_.hash(),
            .steps = trace_.steps(),
            .messages = oracle_.book.messages().size(),
            .simulated = simulated(),
            .batches_written = written,
            .memory_bytes_most = memory_most,
            .refusals = refusals,
            .stale_refusals = stale_refusals,
            .last_values = oracle_.last_values.given()};
}

void Cluster::run_until(Time when) {
    timeline_.at(when, [] {});
    while (timeline_.next() <= when) {
        timeline_.step();
        check_calm();
    }
}

void Cluster::check_calm() const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(simulated()).count();
    const auto most =
        hosts_.size() * (steps_max + steps_per_second_max * static_cast<std::uint64_t>(seconds));
    if (trace_.steps() > most)
        throw Broken("liveness: calm", fmt::format("{} steps, and no end", trace_.steps()));
}

// ---- Apps --------------------------------------------------------------------------

void Cluster::kill_app(std::size_t index, Duration host_notices) {
    auto& slot = apps_[index];
    if (!slot.app) return;
    slot.app->die(host_notices);
    slot.down_since = timeline_.now();
    graveyard_.push_back(std::move(slot.app));
}

void Cluster::start_app(std::size_t index) {
    auto& slot = apps_[index];
    if (slot.app) return;
    const App::Surroundings around{timeline_, random_, trace_, oracle_, places_};
    slot.app = std::make_unique<App>(around, static_cast<int>(index), ++instances_,
                                     *hosts_[std::size_t(slot.host)], slot.habits);
    if (enduring_) slot.app->publish_rarely(endure_ / 50);
    if (over_) {
        slot.app->stop_publishing();
        slot.app->work_normally();
    }
    slot.app->connect();
}

void Cluster::start_when_down(std::size_t host) {
    timeline_.after(100ms, [this, host] {
        auto& it = *hosts_[host];
        if (it.is_up() && it.is_stopping()) return start_when_down(host);
        it.start();
    });
}

// ---- Who may lapse --------------------------------------------------------------------

// Marks the anonymous subscriptions whose app, or whose link, has been away for long.
void Cluster::watch() {
    const Time now = timeline_.now();
    for (auto& slot : apps_) {
        if (!slot.app || slot.app->is_welcome() || now - slot.app->lost_since() < lapse_after)
            continue;
        for (const auto place : slot.app->anonymous_places())
            for (const auto& host : hosts_) oracle_.may_lapse(place, host->index());
    }
    for (const auto& [a, b] : plan_.addresses) watch_pair(a, b);
    timeline_.after(watch_every_, [this] { watch(); });
}

void Cluster::watch_pair(int a, int b) {
    const Time now = timeline_.now();
    auto& host = *hosts_[std::size_t(a)];
    auto& peer = *hosts_[std::size_t(b)];
    const auto is_up_at = [](Host& at, const Host& other) {
        if (!at.is_up()) return false;
        const auto links = at.status().links;
        return std::any_of(links.begin(), links.end(), [&](const core::LinkStatus& link) {
            return link.peer == other.name() && link.state == "up";
        });
    };
    auto& last = linked_at_[std::minmax(a, b)];
    if (is_up_at(host, peer) && is_up_at(peer, host)) last = now;
    if (now - last < lapse_after) return;
    for (PlaceId id = 0; id < oracle_.book.places().size(); ++id) {
        const Place& place = oracle_.book.place(id);
        if (place.type != Place::Type::anonymous) continue;
        if (place.host == a) oracle_.may_lapse(id, b);
        if (place.host == b) oracle_.may_lapse(id, a);
    }
}

// ---- The end ------------------------------------------------------------------------------

void Cluster::end_of_faults() {
    note("the faults are over");
    over_ = true;
    network_.calm();
    for (auto& host : hosts_) {
        host->journal().set_tempo({});
        host->journal().set_full(false);
        host->journal().set_capacity(UINT64_MAX);
        host->set_clock_right();
        if (host->is_behind()) host->crash("is restarted, for its clock was behind");
        if (!host->is_up()) host->start();
        host->lift_ages();
    }
    for (const auto& [a, b] : plan_.addresses) {
        auto& dialler = *hosts_[std::size_t(a)];
        auto& listener = *hosts_[std::size_t(b)];
        if (!dialler.has_peer(listener)) dialler.add_peer(listener);
        if (!listener.has_peer(dialler)) listener.add_peer(dialler);
    }
    for (std::size_t index = 0; index < apps_.size(); ++index) {
        if (apps_[index].app) apps_[index].app->stop_publishing();
        if (apps_[index].app) apps_[index].app->work_normally();
        start_app(index);
    }
    resume_subscriptions();
    // Every queue gets a consumer everywhere, so that nothing has a right to wait.
    for (int host = 0; host < plan_.hosts; ++host) {
        Habits habits;
        for (const auto& queue : queues())
            habits.subscriptions.push_back({wire::Kind::queue, queue.name, {}, 1000});
        if (plan_.dead_go_on)
            habits.subscriptions.push_back({wire::Kind::queue, dead_queue(), {}, 1000});
        for (const auto& place : oracle_.book.places())
            if (place.type == Place::Type::group)
                habits.subscriptions.push_back(
                    {.filter = place.filter,
                     .durable = {},
                     .prefetch_messages = 1000,
                     .group = place.name.substr(0, place.name.find(' '))});
        apps_.push_back({host, habits, nullptr, {}});
        start_app(apps_.size() - 1);
    }
}

// By an operator, before their app comes for the first time.
void Cluster::declare_subscriptions(std::size_t app) {
    const auto& slot = apps_[app];
    for (const auto& wanted : slot.habits.subscriptions) {
        if (wanted.durable.empty()) continue;
        const PlaceId place = places_.enter(slot.host, wanted, {});
        operators_.order(*hosts_[std::size_t(slot.host)],
                         {.what = core::SubscriptionOrder::What::add,
                          .name = wanted.durable,
                          .filter = wanted.filter},
                         {},
                         [this, place, host = slot.host] { oracle_.on_subscribed(place, host); });
    }
}

// A journal that was restored may know one as paused that was resumed since.
void Cluster::resume_subscriptions() {
    for (PlaceId id = 0; id < oracle_.book.places().size(); ++id) {
        const Place& place = oracle_.book.place(id);
        if (place.type != Place::Type::durable || place.ended) continue;
        operators_.order(*hosts_[std::size_t(place.host)],
                         {.what = core::SubscriptionOrder::What::resume, .name = place.name},
                         [this, id](const auto&) { oracle_.on_paused(id, false); });
    }
}

void Cluster::settle(const std::string& phase) {
    const Time give_up = timeline_.now() + patience;
    // A half-open link passes for up until it has been silent for limits::link_silence_max, and
    // what is on its way, such as interest, shows nowhere: nothing must be left for longer.
    for (Time since = timeline_.now(); timeline_.now() - since < calm;) {
        run_until(timeline_.now() + 2s);
        const std::string left = what_is_left();
        if (!left.empty()) since = timeline_.now();
        if (timeline_.now() > give_up) throw Broken("liveness: drained " + phase, left);
    }
}

// Of each app and host the first thing.
std::string Cluster::what_is_left() {
    std::string left;
    const auto add = [&](const std::string& one) { left += (left.empty() ? "" : "; ") + one; };
    for (std::size_t index = 0; index < apps_.size(); ++index)
        if (const auto of_app = left_of(index); !of_app.empty())
            add(fmt::format("app {} {}", index, of_app));
    for (auto& host : hosts_)
        if (const auto of_host = left_at(*host); !of_host.empty())
            add(fmt::format("host {}: {}", host->index(), of_host));
    return left;
}

std::string Cluster::left_of(std::size_t index) {
    if (!apps_[index].app) return "is not running";
    App& app = *apps_[index].app;
    if (!app.is_subscribed()) return "is not subscribed";
    if (app.is_idle()) return {};
    return fmt::format("has {} unsafe messages, {} bytes, arrivals awaited:{}",
                       app.producer().unsafe_messages(), app.producer().outbox_bytes(),
                       awaited_by(app));
}

std::string Cluster::left_at(Host& host) {
    if (!host.is_up()) return "it is down";
    const auto status = host.status();
    for (const auto& account : status.accounts)
        if (account.waiting > 0) return describe_waiting(host, account);
    if (status.unsafe_batches > 0) return fmt::format("{} batches unsafe", status.unsafe_batches);
    if (!host.journal().visible().rows().empty())
        return fmt::format("{} batches in the journal", host.journal().visible().rows().size());
    if (status.memory_bytes > 0) return fmt::format("{} bytes in memory", status.memory_bytes);
    if (!status.held_producers.empty()) return "held: " + status.held_producers.front();
    for (const auto& link : status.links) {
        if (link.state != "up") return fmt::format("link to {} is {}", link.peer, link.state);
        if (link.in_flight_bytes > 0)
            return fmt::format("{} bytes in flight", link.in_flight_bytes);
        if (!link.held.empty()) return "held back: " + link.held.front();
    }
    return {};
}

void Cluster::publish_probes() {
    note("the last messages");
    first_probe_ = oracle_.book.messages().size();
    for (auto& slot : apps_)
        for (const auto* channels : {&topics(), &queues()})
            for (const auto& channel : *channels)
                for (const auto lane : {wire::Lane::normal, wire::Lane::high})
                    (void)slot.app->publish(channel, 32, wire::Stage::arrived, lane,
                                            wire::Mode::guaranteed, 0);
    for (auto& slot : apps_)
        for (const auto& service : services())
            if (is_served(service, slot.host)) slot.app->ask(service, true);
}

bool Cluster::is_served(const std::string& service, int for_host) const {
    return std::any_of(apps_.begin(), apps_.end(), [&](const auto& slot) {
        const auto& serves = slot.habits.serves;
        return std::find(serves.begin(), serves.end(), service) != serves.end() &&
               is_within_reach(for_host, slot.host);
    });
}

// Over links between relays.
bool Cluster::is_within_reach(int from, int to) const {
    std::set<int> found{from};
    std::vector<int> next{from};
    while (!next.empty()) {
        const int at = next.back();
        next.pop_back();
        if (at == to) return true;
        if (at != from && !plan_.relays.contains(at)) continue;
        for (int other = 0; other < plan_.hosts; ++other)
            if (network_.are_linked(at, other) && found.insert(other).second) next.push_back(other);
    }
    return false;
}

bool Cluster::is_within_reach(int from, const Place& place) const {
    if (place.type != Place::Type::group) return is_within_reach(from, place.host);
    return std::any_of(place.declared.begin(), place.declared.end(),
                       [&](int by) { return is_within_reach(from, by); });
}

// The last messages were owed to all who want them and are linked, and came once.
void Cluster::check_probes() {
    const auto& book = oracle_.book;
    for (std::size_t id = first_probe_; id < book.messages().size(); ++id) {
        const Message& message = book[static_cast<MessageId>(id)];
        if (!message.promised || !message.arrived)
            throw Broken("liveness: receipts", fmt::format("message {} has no receipt", id));
        for (PlaceId at = 0; at < book.places().size(); ++at) {
            const Place& place = book.place(at);
            if (place.ended || place.type == Place::Type::queue ||
                message.channel.kind != wire::Kind::topic ||
                !wire::matches(place.filter, message.channel.name))
                continue;
            if (!is_within_reach(message.host, place)) continue;
            const auto owed = message.owed.find(at);
            if (owed == message.owed.end() || !owed->second.excuse.empty())
                throw Broken(
                    "interest: known wherever it is linked",
                    fmt::format("a message of host {} on {} is not owed to {} at host {}: {}",
                                message.host, message.channel.name, place.name, place.host,
                                owed == message.owed.end() ? "not known" : owed->second.excuse));
        }
    }
}

// On channels that have become quiet, behind a crash of some agents.
void Cluster::join_late() {
    note("late joiners");
    for (auto& host : hosts_) {
        if (late_random_.percent(50)) continue;
        host->crash("before anybody joins late");
        timeline_.after(late_random_.between(1ms, 5s), [&host] { host->start(); });
    }
    const std::size_t first = apps_.size();
    for (int host = 0; host < plan_.hosts; ++host) {
        Habits habits;
        habits.subscriptions.push_back(
            {.filter = "**", .durable = {}, .prefetch_messages = 1000, .last = true});
        apps_.push_back({host, habits, nullptr, {}});
        timeline_.after(late_random_.between(1ms, 10s),
                        [this, index = apps_.size() - 1] { start_app(index); });
    }
    run_until(timeline_.now() + 10s);
    settle("after the late joiners");
    for (std::size_t index = first; index < apps_.size(); ++index) {
        std::vector<core::PutLastValue> values;
        for (auto& host : hosts_) {
            oracle_.last_values.check(host->index(), host->durable());
            if (!is_within_reach(apps_[index].host, host->index())) continue;
            for (const auto& [channel, value] : host->durable().last_values())
                if (value.expires_wall_micros == 0) values.push_back(value);
        }
        oracle_.last_values.check_joined(apps_[index].app->consumer(), values);
    }
}

void Cluster::check_end() {
    oracle_.questions.check_probes();
    for (auto& host : hosts_) oracle_.check_accounts(host->index(), host->status());
    oracle_.check_delivered();
    oracle_.check_dead();
}

}  // namespace bus::sim
