#include "faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cluster.h"

namespace bus::sim {

using namespace std::chrono_literals;

void Faults::strike(Character character) {
    static const std::vector<Fault> links{&Faults::cut_link,           &Faults::half_open,
                                          &Faults::renew_link,         &Faults::lose_frames,
                                          &Faults::lose_frames,        &Faults::lose_control_frame,
                                          &Faults::lose_control_frame, &Faults::partition_briefly};
    static const std::vector<Fault> crashes{&Faults::crash_host,
                                            &Faults::crash_host,
                                            &Faults::crash_host,
                                            &Faults::crash_two,
                                            &Faults::stop_host,
                                            &Faults::kill_app,
                                            &Faults::disconnect_app,
                                            &Faults::cut_link,
                                            &Faults::reboot_host,
                                            &Faults::kill_app_for_long,
                                            &Faults::crash_again_before_commit,
                                            &Faults::pause_subscription,
                                            &Faults::pause_subscription,
                                            &Faults::purge_subscription};
    static const std::vector<Fault> journals{&Faults::fill_disk,
                                             &Faults::crash_host,
                                             &Faults::crash_host,
                                             &Faults::spoil_row,
                                             &Faults::cut_link,
                                             &Faults::stop_host,
                                             &Faults::crash_before_full_disk,
                                             &Faults::stop_on_full_disk};
    static const std::vector<Fault> holds{&Faults::partition_briefly, &Faults::cut_link,
                                          &Faults::crash_host,        &Faults::partition_briefly,
                                          &Faults::kill_app,          &Faults::renew_link};
    static const std::vector<Fault> reloads{
        &Faults::remove_peer,         &Faults::retire_peer,
        &Faults::drain_host,          &Faults::cut_link,
        &Faults::crash_host,          &Faults::forget_subscription,
        &Faults::change_key,          &Faults::change_channel_bounds,
        &Faults::remove_subscription, &Faults::pause_subscription,
        &Faults::purge_subscription};
    static const std::vector<Fault> backups{&Faults::restore_without_clock,
                                            &Faults::restore_journal,
                                            &Faults::restore_without_clock, &Faults::clone_host};
    static const std::vector<Fault> routes{
        &Faults::cut_link,   &Faults::half_open,         &Faults::lose_frames,
        &Faults::crash_host, &Faults::partition_briefly, &Faults::partition_briefly,
        &Faults::stop_host,  &Faults::lose_hub,          &Faults::partition_for_days,
        &Faults::drain_host, &Faults::change_key,        &Faults::crash_again_before_commit};
    static const std::vector<Fault> everything = [] {
        std::vector<Fault> all{&Faults::jump_clock, &Faults::restore_journal,
                               &Faults::restore_without_clock, &Faults::partition_for_days,
                               &Faults::forget_subscription};
        for (const auto* some : {&links, &crashes, &journals, &reloads})
            all.insert(all.end(), some->begin(), some->end());
        return all;
    }();
    const std::vector<Fault>* kinds = nullptr;
    switch (character) {
        case Character::healthy:
            return;
        case Character::links:
            kinds = &links;
            break;
        case Character::crashes:
            kinds = &crashes;
            break;
        case Character::journals:
            kinds = &journals;
            break;
        case Character::holds:
            kinds = &holds;
            break;
        case Character::reloads:
            kinds = &reloads;
            break;
        case Character::backups:
            kinds = &backups;
            break;
        case Character::routes:
            kinds = &routes;
            break;
        case Character::everything:
            kinds = &everything;
            break;
    }
    (this->*cluster_.random().pick(*kinds))();
}

std::size_t Faults::any_address() {
    return cluster_.random().between(0, cluster_.plan().addresses.size() - 1);
}
std::size_t Faults::any_host() { return cluster_.random().between(0, cluster_.hosts().size() - 1); }

// ---- Links ---------------------------------------------------------------------

void Faults::cut_link() {
    const auto address = any_address();
    cluster_.note(fmt::format("fault: cut address {}", address));
    cluster_.network().cut(address, cluster_.random().between(0ms, 3s),
                           cluster_.random().between(0ms, 3s));
}

void Faults::half_open() {
    const auto address = any_address();
    cluster_.note(fmt::format("fault: half-open address {}", address));
    const bool dialler = cluster_.random().percent(50);
    cluster_.network().cut(address, dialler ? 0ms : 70s, dialler ? 70s : 0ms);
}

void Faults::renew_link() {
    const auto address = any_address();
    cluster_.note(fmt::format("fault: renew address {}", address));
    cluster_.network().renew(address, cluster_.random().between(0ms, 5s));
}

void Faults::lose_frames() {
    const auto address = any_address();
    const auto frames = static_cast<unsigned>(cluster_.random().between(1, 10));
    const int toward_listener = cluster_.random().percent(50) ? 1 : 0;
    cluster_.note(fmt::format("fault: lose {} frames of address {}", frames, address));
    cluster_.network().lose_run(address, toward_listener, frames);
}

void Faults::lose_control_frame() {
    static const std::vector<wire::FrameType> types{wire::FrameType::link_hello,
                                                    wire::FrameType::link_ack,
                                                    wire::FrameType::link_interest,
                                                    wire::FrameType::link_hold,
                                                    wire::FrameType::link_keepalive,
                                                    wire::FrameType::link_reset,
                                                    wire::FrameType::data};
    const auto address = any_address();
    const auto type = cluster_.random().pick(types);
    const int toward_listener = cluster_.random().percent(50) ? 1 : 0;
    cluster_.note(
        fmt::format("fault: lose a frame {} of address {}", static_cast<int>(type), address));
    cluster_.network().lose_one(address, toward_listener, type);
    if (cluster_.random().percent(50))
        cluster_.network().cut(address, cluster_.random().between(0ms, 1s), 1s);
}

void Faults::lose_the_last() {
    const Duration passing = 3 * cluster_.plan().weather.delay_max;
    for (std::size_t address = 0; address < cluster_.network().addresses().size(); ++address)
        for (const int toward_listener : {0, 1})
            cluster_.timeline().after(
                cluster_.random().between(0ms, passing), [this, address, toward_listener] {
                    cluster_.note(fmt::format("fault: address {} loses its last frames", address));
                    cluster_.network().lose_all(address, toward_listener, 1s);
                });
}

void Faults::partition_briefly() {
    const auto address = any_address();
    const auto [a, b] = cluster_.network().addresses()[address];
    cluster_.note(fmt::format("fault: partition {} and {}", a, b));
    cluster_.network().partition(a, b, true);
    if (cluster_.random().percent(50))
        cluster_.network().cut(address, cluster_.random().between(0ms, 5s),
                               cluster_.random().between(0ms, 5s));
    cluster_.timeline().after(cluster_.random().between(50ms, 20s), [this, a = a, b = b] {
        cluster_.note(fmt::format("partition of {} and {} heals", a, b));
        cluster_.network().partition(a, b, false);
    });
}

void Faults::partition_for_days() {
    const auto address = any_address();
    const auto [a, b] = cluster_.network().addresses()[address];
    cluster_.note(fmt::format("fault: partition {} and {} for days", a, b));
    cluster_.network().partition(a, b, true);
    cluster_.network().cut(address, 10s, 12s);
    // Others keep their links alive meanwhile every two seconds, and a full disk is tried every
    // second: with them it is minutes.
    const bool quiet = cluster_.hosts().size() == 2 && cluster_.plan().journal_capacity == 0;
    if (quiet && cluster_.random().percent(15))
        cluster_.endure(std::chrono::days{cluster_.random().between(1, 30)});
    else
        cluster_.endure(std::chrono::minutes{cluster_.random().between(1, 10)});
}

// ---- Hosts -----------------------------------------------------------------------

void Faults::down(std::size_t host, Duration how_long, const char* how) {
    auto& it = *cluster_.hosts()[host];
    if (!it.is_up()) return;
    cluster_.oracle().turbulence();
    it.crash(how);
    cluster_.timeline().after(how_long, [&it] { it.start(); });
}

void Faults::crash_host() {
    const bool long_gone = cluster_.random().percent(10);
    down(any_host(), cluster_.random().between(1ms, long_gone ? 50s : 2s), "fault: crashes");
}

// For longer than its neighbours wait before they go another way.
void Faults::lose_hub() {
    const auto& relays = cluster_.plan().relays;
    if (relays.empty()) return;
    const auto hub =
        std::next(relays.begin(),
                  static_cast<std::ptrdiff_t>(cluster_.random().between(0, relays.size() - 1)));
    down(static_cast<std::size_t>(*hub), cluster_.random().between(3s, 25s),
         "fault: a hub is lost");
}

void Faults::crash_two() {
    const auto first = any_host();
    down(first, cluster_.random().between(1ms, 3s), "fault: crashes with another");
    down((first + 1) % cluster_.hosts().size(), cluster_.random().between(1ms, 3s),
         "fault: crashes as well");
}

void Faults::reboot_host() {
    const auto host = any_host();
    if (!cluster_.hosts()[host]->is_up()) return;
    cluster_.oracle().turbulence();
    std::vector<std::size_t> killed;
    for (std::size_t app = 0; app < cluster_.apps(); ++app)
        if (cluster_.app(app) && &cluster_.app(app)->host() == cluster_.hosts()[host].get() &&
            !cluster_.app(app)->is_forgetting()) {
            cluster_.kill_app(app, 0ms);
            killed.push_back(app);
        }
    cluster_.hosts()[host]->crash("fault: loses its power");
    const auto back = cluster_.random().between(1s, 10s);
    cluster_.timeline().after(back, [this, host, killed] {
        if (cluster_.hosts()[host]->is_up()) return;
        cluster_.hosts()[host]->reboot();
        cluster_.hosts()[host]->start();
    });
    for (const auto app : killed)
        cluster_.timeline().after(back + 500ms, [this, app] { cluster_.start_app(app); });
}

void Faults::stop_host() {
    const auto host = any_host();
    cluster_.oracle().turbulence();
    cluster_.hosts()[host]->stop();
    cluster_.start_when_down(host);
}

void Faults::jump_clock() {
    const auto host = any_host();
    if (!cluster_.hosts()[host]->is_up()) return;  // it may just have been set
    auto hours = static_cast<std::int64_t>(cluster_.random().between(0, 48)) - 24;
    // Set back, it rightly keeps what is delayed for hours, and no cluster is watched that long.
    const auto& apps = cluster_.plan().apps;
    if (std::any_of(apps.begin(), apps.end(),
                    [](const auto& app) { return app.habits.delayed_per_mille > 0; }))
        hours = std::abs(hours);
    cluster_.note(fmt::format("fault: the wall clock of {} jumps by {} hours", host, hours));
    cluster_.oracle().on_clock_jump();
    cluster_.hosts()[host]->jump_wall(hours * 3600);
}

// ---- Apps --------------------------------------------------------------------------

void Faults::kill_app() {
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || cluster_.app(app)->is_forgetting()) return;
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: app {} is killed", app));
    cluster_.kill_app(app, cluster_.random().between(0ms, 200ms));
    cluster_.timeline().after(cluster_.random().between(1ms, 4s),
                              [this, app] { cluster_.start_app(app); });
}

void Faults::kill_app_for_long() {
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || cluster_.app(app)->is_forgetting()) return;
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: app {} is killed for long", app));
    cluster_.kill_app(app, cluster_.random().between(0ms, 200ms));
    cluster_.timeline().after(cluster_.random().between(20s, 60s),
                              [this, app] { cluster_.start_app(app); });
}

void Faults::disconnect_app() {
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app)) return;
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: app {} loses its connection", app));
    cluster_.app(app)->disconnect(cluster_.random().between(0ms, 500ms),
                                  cluster_.random().between(0ms, 500ms));
}

// ---- Journals ------------------------------------------------------------------------

void Faults::fill_disk() {
    const auto host = any_host();
    cluster_.note(fmt::format("fault: the disk of {} is full", host));
    cluster_.hosts()[host]->journal().set_full(true);
    cluster_.timeline().after(cluster_.random().between(10ms, 15s), [this, host] {
        cluster_.note(fmt::format("the disk of {} has room again", host));
        cluster_.hosts()[host]->journal().set_full(false);
    });
}

// One agent crashes while what it has sent is safe at neither end: the other's disk is full and its
// consumers are away. What comes again there is a duplicate of a copy in memory.
void Faults::crash_before_full_disk() {
    auto [sender, receiver] = cluster_.network().addresses()[any_address()];
    if (cluster_.random().percent(50)) std::swap(sender, receiver);
    cluster_.note(fmt::format("fault: the disk of {} is full, its apps are away", receiver));
    cluster_.oracle().turbulence();
    Host& full = *cluster_.hosts()[std::size_t(receiver)];
    full.journal().set_full(true);
    cluster_.timeline().after(4s, [&full] { full.journal().set_full(false); });
    for (std::size_t app = 0; app < cluster_.apps(); ++app)
        if (cluster_.app(app) && &cluster_.app(app)->host() == &full)
            cluster_.app(app)->disconnect(3s, 0ms);
    cluster_.timeline().after(cluster_.random().between(100ms, 1s), [this, sender = sender] {
        down(static_cast<std::size_t>(sender), cluster_.random().between(1ms, 50ms),
             "fault: crashes before the full disk");
    });
}

// It crashes again before anything that came since the last time is committed or acknowledged: of a
// third copy it knows as little as of the second.
void Faults::crash_again_before_commit() {
    const auto host = any_host();
    Host& it = *cluster_.hosts()[host];
    cluster_.note(fmt::format("fault: {} is slow, and crashes again", host));
    cluster_.oracle().turbulence();
    JournalTempo slow = cluster_.plan().tempo;
    slow.commit_min = 1s;
    slow.commit_max = 3s;
    it.journal().set_tempo(slow);
    Duration when{};
    for (int crash = 0; crash < 3; ++crash) {
        when += cluster_.random().between(300ms, 1500ms);
        cluster_.timeline().after(when, [this, host] {
            if (!cluster_.is_over())
                down(host, cluster_.random().between(1ms, 50ms), "fault: crashes again");
        });
    }
    for (std::size_t app = 0; app < cluster_.apps(); ++app)
        if (cluster_.app(app) && &cluster_.app(app)->host() == &it)
            cluster_.app(app)->keep_acks_until(cluster_.timeline().now() + when);
    cluster_.timeline().after(when + 1s, [this, &it] {
        if (!cluster_.is_over()) it.journal().set_tempo(cluster_.plan().tempo);
    });
}

// Told to stop when the disk is full, or it fills in the last commit: what is not safe by then
// cannot become so, and what was promised is safe.
void Faults::stop_on_full_disk() {
    const auto host = any_host();
    Host& it = *cluster_.hosts()[host];
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: the disk of {} is full when it is told to stop", host));
    if (cluster_.random().percent(50)) {
        it.journal().set_full(true);
        it.stop();
    } else {
        it.stop();
        cluster_.timeline().after(cluster_.random().between(0ms, 5ms),
                                  [&it] { it.journal().set_full(true); });
    }
    cluster_.start_when_down(host);
    cluster_.timeline().after(cluster_.random().between(100ms, 20s),
                              [&it] { it.journal().set_full(false); });
}

void Faults::spoil_row() {
    const auto host = any_host();
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: a row of {} is damaged", host));
    if (cluster_.hosts()[host]->journal().spoil(cluster_.random().next()))
        cluster_.oracle().excuse_rows(static_cast<int>(host), "its row was damaged");
}

void Faults::restore_journal() {
    if (!cluster_.choose_past(Cluster::Past::restored)) return;
    const auto host = any_host();
    auto& it = *cluster_.hosts()[host];
    cluster_.oracle().turbulence();
    Disk backup = it.durable();
    cluster_.note(fmt::format("a backup of {} is made", host));
    cluster_.timeline().after(cluster_.random().between(100ms, 2s), [this, &it, host, backup] {
        if (!it.is_up() || cluster_.is_over()) return;
        it.crash("fault: its journal is restored from a backup");
        it.restore(backup);
        it.set_clock_right();  // its incarnation must be higher than what its peers have seen
        cluster_.oracle().excuse_host(static_cast<int>(host), "a journal was restored");
        cluster_.timeline().after(cluster_.random().between(1ms, 2s), [this, &it] {
            it.start();
            rejoin(it, cluster_.random().between(100ms, 20s));
        });
    });
}

// Its operator has read what its agent and its peers say.
void Faults::rejoin(Host& host, Duration after) {
    cluster_.timeline().after(after, [this, &host] {
        if (!host.is_up() || host.is_stopping()) return rejoin(host, 1s);
        host.rejoin();
    });
}

// The backup is from an earlier start, and the clock is behind: the host's incarnation does not
// rise above what its peers have seen, so they refuse it, until somebody sets the clock.
void Faults::restore_without_clock() {
    if (!cluster_.choose_past(Cluster::Past::restored)) return;
    const auto host = any_host();
    Host& it = *cluster_.hosts()[host];
    if (!it.is_up()) return;
    cluster_.oracle().turbulence();
    Disk backup = it.durable();
    cluster_.note(fmt::format("a backup of {} is made", host));
    it.crash("starts once more after its backup");
    it.set_clock_right();
    cluster_.timeline().after(cluster_.random().between(50ms, 500ms), [&it] { it.start(); });
    cluster_.timeline().after(cluster_.random().between(1s, 3s), [this, &it, host, backup] {
        if (!it.is_up() || cluster_.is_over()) return;
        it.crash("fault: its journal is restored from a backup, and its clock is behind");
        it.restore(backup);
        cluster_.oracle().on_clock_jump();
        it.jump_wall(-3600);
        cluster_.oracle().excuse_host(static_cast<int>(host), "a journal was restored");
        it.start();
        serve_its_own(it, it.starts());
        cluster_.timeline().after(cluster_.random().between(6s, 20s),
                                  [this, &it] { set_clock_and_restart(it); });
    });
}

// Two machines with one identity. What was owed to it, or was its own, goes to either.
void Faults::clone_host() {
    if (!cluster_.choose_past(Cluster::Past::cloned) || cluster_.has_clone()) return;
    const auto host = any_host();
    Host& it = *cluster_.hosts()[host];
    if (!it.is_up()) return;
    cluster_.oracle().turbulence();
    cluster_.note(fmt::format("fault: {} is cloned", host));
    cluster_.oracle().on_cloned(static_cast<int>(host));
    const auto life = cluster_.random().between(2s, 15s);
    cluster_.clone(host, life);
    cluster_.timeline().after(life + 1ms, [this, &it, host] {
        cluster_.oracle().on_clone_ended();
        set_clock_and_restart(it);
    });
}

// Whatever its peers think of it.
void Faults::serve_its_own(Host& host, std::uint64_t starts) {
    cluster_.timeline().after(5s, [this, &host, starts] {
        if (!host.is_up() || host.is_stopping() || host.starts() != starts) return;
        const Time since = cluster_.timeline().now() - 4s;
        for (std::size_t app = 0; app < cluster_.apps(); ++app)
            if (const App* one = cluster_.app(app); one && &one->host() == &host)
                if (!one->is_welcome() && one->lost_since() < since)
                    throw Broken("identity: who is refused serves its own apps",
                                 fmt::format("app {} has no session", app));
    });
}

void Faults::set_clock_and_restart(Host& host) {
    cluster_.note(fmt::format("the clock of {} is set", host.index()));
    host.set_clock_right();
    host.crash("is restarted by its operator");
    cluster_.timeline().after(cluster_.random().between(10ms, 1s), [this, &host] {
        host.start();
        rejoin(host, cluster_.random().between(100ms, 20s));
    });
}

// ---- Configuration ---------------------------------------------------------------------

void Faults::change_channel_bounds() {
    Host& host = *cluster_.hosts()[any_host()];
    cluster_.note(fmt::format("fault: {} has other limits of channels", host.index()));
    host.set_channel_bounds(draw_channel_bounds(cluster_.random()));
    tend_dead_letters(host);
}

void Faults::tend_dead_letters(Host& host) {
    using Act = core::DeadLetterRequest::Act;
    const auto at = [&](Duration when, Act act) {
        cluster_.timeline().after(when, [&host, act] { host.tend_dead_letters(act); });
    };
    for (const Duration when : {1s, 2s, 2s, 3s, 5s, 8s, 12s, 20s}) at(when, Act::retry);
    at(30s, Act::purge);
}

void Faults::remove_peer() { take_out(&Host::remove_peer); }

void Faults::retire_peer() {
    cluster_.oracle().turbulence();  // what it had of queues goes to others
    take_out(&Host::retire_peer);
}

void Faults::take_out(void (Host::*how)(const Host&)) {
    auto [a, b] = cluster_.network().addresses()[any_address()];
    if (cluster_.random().percent(50)) std::swap(a, b);
    Host& from = *cluster_.hosts()[std::size_t(a)];
    Host& peer = *cluster_.hosts()[std::size_t(b)];
    if (!from.is_up() || !from.has_peer(peer)) return;
    cluster_.note(fmt::format("fault: {} removes its peer {}", a, b));
    (from.*how)(peer);
    cluster_.timeline().after(cluster_.random().between(10ms, 5s), [&from, &peer] {
        if (!from.has_peer(peer)) from.add_peer(peer);
    });
}

// `bus identity rotate`: its peers are told the next key while both are good, most of them in time;
// then the old one is dropped, with all that was linked by it.
void Faults::change_key() {
    const auto host = static_cast<int>(any_host());
    Host& it = *cluster_.hosts()[std::size_t(host)];
    if (it.has_two_keys()) return;
    cluster_.note(fmt::format("fault: {} changes its key", host));
    it.begin_new_key();
    const auto tell = [this, host](Duration within) {
        for (auto& other : cluster_.hosts())
            if (other->index() != host)
                cluster_.timeline().after(
                    cluster_.random().between(0ms, within), [&other = *other, this, host] {
                        other.learn_keys(*cluster_.hosts()[std::size_t(host)]);
                    });
    };
    tell(5s);
    cluster_.timeline().after(cluster_.random().between(3s, 6s), [this, &it, host, tell] {
        it.drop_old_key();
        for (std::size_t at = 0; at < cluster_.network().addresses().size(); ++at) {
            const auto [dialler, listener] = cluster_.network().addresses()[at];
            if (dialler == host || listener == host)
                cluster_.network().cut(at, cluster_.random().between(0ms, 2s),
                                       cluster_.random().between(0ms, 2s));
        }
        tell(3s);
    });
}

void Faults::drain_host() {
    Host& host = *cluster_.hosts()[any_host()];
    if (!host.is_up() || host.is_stopping()) return;
    cluster_.note(fmt::format("fault: {} is drained", host.index()));
    cluster_.oracle().turbulence();  // queues give away what peers sent to them
    host.drain(true);
    cluster_.timeline().after(cluster_.random().between(10ms, 8s), [&host] {
        if (host.is_up()) host.drain(false);
    });
}

void Faults::forget_subscription() {
    if (!cluster_.choose_past(Cluster::Past::ended)) return;
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || !cluster_.app(app)->is_subscribed()) return;
    if (cluster_.app(app)->forget_one())
        cluster_.note(fmt::format("app {} ends a durable subscription for good", app));
}

void Faults::remove_subscription() {
    if (!cluster_.choose_past(Cluster::Past::ended)) return;
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || !cluster_.app(app)->is_subscribed()) return;
    if (cluster_.app(app)->lose_one(cluster_.operators()))
        cluster_.note(fmt::format("a durable subscription of app {} is removed", app));
}

// Its app may be away meanwhile, or its agent crash.
void Faults::pause_subscription() {
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || cluster_.app(app)->durables().empty()) return;
    const auto [name, place] = cluster_.random().pick(cluster_.app(app)->durables());
    Host& host = cluster_.app(app)->host();
    cluster_.note(fmt::format("the subscription {} is paused", name));
    using What = core::SubscriptionOrder::What;
    const auto order = [this, &host, name = name, place = place](What what, Operators::Done done) {
        const auto told = [this, what, place](const core::SubscriptionChange& change) {
            if (change.verdict != core::SubscriptionChange::Verdict::unknown)
                cluster_.oracle().on_paused(place, what == What::pause);
        };
        cluster_.operators().order(host, {.what = what, .name = name}, told, std::move(done));
    };
    order(What::pause, [this, order] {
        cluster_.timeline().after(cluster_.random().between(10ms, 10s),
                                  [order] { order(What::resume, {}); });
    });
}

void Faults::purge_subscription() {
    const auto app = cluster_.random().between(0, cluster_.apps() - 1);
    if (!cluster_.app(app) || cluster_.app(app)->durables().empty()) return;
    const auto [name, place] = cluster_.random().pick(cluster_.app(app)->durables());
    cluster_.note(fmt::format("the subscription {} is purged", name));
    cluster_.operators().order(cluster_.app(app)->host(),
                               {.what = core::SubscriptionOrder::What::purge, .name = name},
                               [this, place = place](const auto& change) {
                                   if (change.verdict == core::SubscriptionChange::Verdict::done)
                                       cluster_.oracle().on_purged(place);
                               });
}

}  // namespace bus::sim
