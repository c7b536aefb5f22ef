#include "plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace bus::sim {

using namespace std::chrono_literals;

const char* to_text(Character character) {
    switch (character) {
        case Character::healthy:
            return "healthy";
        case Character::links:
            return "links";
        case Character::crashes:
            return "crashes";
        case Character::journals:
            return "journals";
        case Character::holds:
            return "holds";
        case Character::reloads:
            return "reloads";
        case Character::backups:
            return "backups";
        case Character::routes:
            return "routes";
        case Character::everything:
            return "everything";
    }
    return "?";
}

const std::vector<wire::ChannelKey>& topics() {
    static const std::vector<wire::ChannelKey> all{{wire::Kind::topic, "plant.temperature"},
                                                   {wire::Kind::topic, "plant.pressure"},
                                                   {wire::Kind::topic, "yard.gate.open"}};
    return all;
}

const std::vector<wire::ChannelKey>& queues() {
    static const std::vector<wire::ChannelKey> all{{wire::Kind::queue, "orders"},
                                                   {wire::Kind::queue, "plant.temperature"}};
    return all;
}

const std::string& dead_queue() {
    static const std::string name = "undeliverable";
    return name;
}

namespace {

void draw_addresses(Plan& plan, Random& random) {
    const bool full = random.percent(60);
    for (int a = 0; a < plan.hosts; ++a)
        for (int b = a + 1; b < plan.hosts; ++b) {
            if (!full && b != a + 1) continue;  // a chain
            const auto who = random.between(0, 3);
            if (who != 1) plan.addresses.emplace_back(a, b);
            if (who != 0 && who != 3) plan.addresses.emplace_back(b, a);
        }
}

void link_hosts(Plan& plan, Random& random, int a, int b) {
    const auto who = random.between(0, 3);
    if (who != 1) plan.addresses.emplace_back(a, b);
    if (who != 0 && who != 3) plan.addresses.emplace_back(b, a);
}

// A chain, a hub with spokes, two hubs, a ring, or any graph that holds together.
void draw_topology(Plan& plan, Random& random) {
    plan.addresses.clear();
    const int last = plan.hosts - 1;
    switch (random.between(0, 4)) {
        case 0:
            for (int a = 0; a < last; ++a) link_hosts(plan, random, a, a + 1);
            for (int a = 1; a < last; ++a) plan.relays.insert(a);
            break;
        case 1:
            for (int spoke = 1; spoke <= last; ++spoke) link_hosts(plan, random, 0, spoke);
            plan.relays.insert(0);
            break;
        case 2:
            for (int spoke = 2; spoke <= last; ++spoke)
                for (const int hub : {0, 1}) link_hosts(plan, random, hub, spoke);
            if (random.percent(50)) link_hosts(plan, random, 0, 1);
            plan.relays = {0, 1};
            break;
        case 3:
            for (int a = 0; a < last; ++a) link_hosts(plan, random, a, a + 1);
            if (last > 1) link_hosts(plan, random, 0, last);
            for (int a = 0; a <= last; ++a) plan.relays.insert(a);
            break;
        default:
            for (int a = 1; a <= last; ++a)
                link_hosts(plan, random, static_cast<int>(random.between(0, std::uint64_t(a) - 1)),
                           a);
            for (int a = 0; a <= last; ++a) {
                const auto b = static_cast<int>(random.between(0, std::uint64_t(last)));
                const auto linked = [&](const auto& address) {
                    return std::minmax(address.first, address.second) == std::minmax(a, b);
                };
                if (a != b && std::none_of(plan.addresses.begin(), plan.addresses.end(), linked))
                    link_hosts(plan, random, a, b);
                plan.relays.insert(a);
            }
    }
}

std::vector<WantedSubscription> draw_subscriptions(Random& random, std::size_t app) {
    static const std::vector<std::string> filters{"plant.**", "plant.temperature", "*.pressure",
                                                  "yard.gate.*", "plant.*"};
    std::vector<WantedSubscription> wanted;
    const auto count = random.between(0, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
        WantedSubscription one;
        const auto sort = random.between(0, 2);
        one.kind = sort == 2 ? wire::Kind::queue : wire::Kind::topic;
        one.filter = sort == 2 ? random.pick(queues()).name : random.pick(filters);
        if (sort == 1) one.durable = fmt::format("durable-{}-{}", app, i);
        one.prefetch_messages =
            random.percent(30) ? static_cast<std::uint32_t>(random.between(1, 5)) : 1000;
        one.parts = (app + i) % 3 == 0;
        wanted.push_back(std::move(one));
    }
    return wanted;
}

Habits draw_habits(const Plan& plan, Random& random, std::size_t app) {
    Habits habits;
    habits.subscriptions = draw_subscriptions(random, app);
    habits.publishes = app < 2 || random.percent(50);
    habits.publish_every = random.between(5ms, 150ms);
    habits.burst_max = random.between(1, 6);
    for (const auto& channel : topics())
        if (random.percent(60)) habits.channels.push_back(channel);
    for (const auto& channel : queues())
        if (random.percent(60)) habits.channels.push_back(channel);
    if (habits.channels.empty()) habits.channels.push_back(topics().front());
    habits.payload_max = static_cast<std::uint32_t>(random.between(8, 400));
    habits.large_per_mille = random.percent(25) ? 15 : 0;
    habits.best_effort_per_mille = random.percent(30) ? 100 : 0;
    habits.expiring_per_mille = random.percent(15) ? 50 : 0;
    habits.other_lane_per_mille = random.percent(40) ? 300 : 0;
    habits.arrived_per_mille = random.percent(60) ? 300 : 0;
    habits.work_max = random.percent(20) ? random.between(10ms, 300ms) : random.between(0ms, 3ms);
    if (plan.character == Character::crashes || plan.character == Character::everything) {
        habits.nack_per_mille = random.percent(20) ? 20 : 0;
        habits.slow_to_subscribe = random.percent(30) ? random.between(100ms, 4s) : Duration{0};
    }
    return habits;
}

Character draw_character(Random& random) {
    static const std::vector<Character> weighted{
        Character::healthy,    Character::links,      Character::links,     Character::crashes,
        Character::crashes,    Character::crashes,    Character::journals,  Character::journals,
        Character::holds,      Character::holds,      Character::reloads,   Character::backups,
        Character::routes,     Character::routes,     Character::routes,    Character::everything,
        Character::everything, Character::everything, Character::everything};
    return random.pick(weighted);
}

void draw_journals(Plan& plan, Random& random) {
    if (random.percent(25)) plan.tempo.commit_max = random.between(10ms, 400ms);
    const bool mixed = plan.character == Character::everything;
    if (plan.character == Character::journals || (mixed && random.percent(30))) {
        plan.tempo.in_doubt_per_mille = random.between(0, 60);
        plan.tempo.failed_per_mille = random.between(0, 60);
        if (random.percent(30)) plan.journal_capacity = random.between(4'000, 60'000);
    }
    if (plan.character == Character::holds || (mixed && random.percent(20)))
        plan.journal_bytes_max = random.between(20'000, 120'000);
}

}  // namespace

std::vector<core::ChannelSettings> draw_channel_bounds(Random& random) {
    static const std::vector<core::ChannelFilter> filters{{std::nullopt, "plant.**"},
                                                          {std::nullopt, "plant.temperature"},
                                                          {wire::Kind::queue, "orders"},
                                                          {wire::Kind::topic, "**"}};
    std::vector<core::ChannelSettings> bounds;
    for (const auto& filter : filters) {
        if (random.percent(50)) continue;
        auto& bound = bounds.emplace_back(core::ChannelSettings{filter, {}});
        if (random.percent(60)) bound.waiting.bytes = random.between(2'000, 40'000);
        // Of what was drawn already: another draw would make other clusters of all seeds.
        if (bound.waiting.bytes % 3 == 1) bound.waiting.messages = bound.waiting.bytes / 500;
        if (bound.waiting.bytes % 4 == 1)
            bound.waiting.rate = static_cast<std::uint32_t>(bound.waiting.bytes / 50);
        if (random.percent(70)) bound.waiting.age = random.between(300ms, 5s);
        if (filter.kind == wire::Kind::queue || random.percent(50)) continue;
        bound.lapse = core::Bound{.bytes = random.between(500, 20'000)};
        if (random.percent(50)) bound.lapse->age = random.between(300ms, 5s);
    }
    return bounds;
}

namespace {

Plan draw_without_bounds(Random& random) {
    Plan plan;
    plan.character = draw_character(random);
    plan.hosts = static_cast<int>(random.percent(50) ? 2 : random.between(2, 5));
    draw_addresses(plan, random);
    const bool mixed = plan.character == Character::everything && random.percent(25);
    if (plan.character == Character::routes || mixed) {
        plan.hosts = static_cast<int>(random.between(3, mixed ? 6 : 9));
        draw_topology(plan, random);
    }
    plan.weather.delay_max =
        random.percent(30) ? random.between(10ms, 300ms) : random.between(200us, 3ms);
    draw_journals(plan, random);
    const auto apps = random.between(2, 2 + static_cast<std::uint64_t>(plan.hosts));
    for (std::size_t app = 0; app < apps; ++app)
        plan.apps.push_back({static_cast<int>(app) % plan.hosts, draw_habits(plan, random, app)});
    plan.busy = random.between(1s, 8s);
    if (plan.character != Character::healthy) plan.faults = random.between(1, 12);
    plan.loses_last = plan.character == Character::links ||
                      (plan.character == Character::everything && random.percent(50));
    return plan;
}

}  // namespace

namespace {

// Consumers with little patience, or that acknowledge many at once, and what is dead after a few
// deliveries.
void draw_consuming(Plan& plan, Random& random) {
    for (auto& app : plan.apps) {
        app.habits.through_per_mille = random.percent(25) ? 100 : 0;
        app.habits.extend_per_mille = random.percent(25) ? 100 : 0;
        for (auto& wanted : app.habits.subscriptions) {
            if (random.percent(15))
                wanted.ack_deadline_millis = static_cast<std::uint32_t>(random.between(100, 3'000));
            if (random.percent(10))
                wanted.rate = static_cast<std::uint32_t>(random.between(100, 1'000));
        }
    }
    if (random.percent(40))
        plan.channel_bounds.push_back(
            {.channels = {std::nullopt, "**"},
             .waiting = {},
             .max_deliveries = static_cast<std::uint32_t>(random.between(1, 4)),
             .bury_expired = random.percent(50)});
    if (random.percent(40))
        plan.channel_bounds.push_back(
            {.channels = {wire::Kind::queue, "orders"},
             .waiting = {},
             .return_after = random.between(Duration{500ms}, Duration{3s})});
}

// Apps anywhere share a group, or several.
void draw_groups(Plan& plan, Random& random) {
    static const std::vector<std::pair<std::string, std::string>> groups{
        {"crew", "plant.**"}, {"press", "*.pressure"}, {"night", "plant.temperature"}};
    for (auto& app : plan.apps) {
        if (random.percent(40)) continue;
        const auto& [name, filter] = random.pick(groups);
        const auto prefetch = random.percent(40) ? random.between(1, 5) : 1000;
        app.habits.subscriptions.push_back(
            {.filter = filter,
             .durable = {},
             .prefetch_messages = static_cast<std::uint32_t>(prefetch),
             .group = name});
    }
}

// Some ask, some answer, some do both.
void draw_requests(Plan& plan, Random& random) {
    for (auto& app : plan.apps) {
        if (random.percent(50)) app.habits.ask_every = random.between(5ms, 200ms);
        for (const auto& service : services())
            if (random.percent(40)) app.habits.serves.push_back(service);
        app.habits.serve_prefetch = static_cast<std::uint32_t>(random.between(1, 10));
    }
}

}  // namespace

namespace {

// What dies goes on to a queue, on which some app may work from the beginning.
void draw_dead_queue(Plan& plan, Random& random) {
    plan.dead_go_on = random.percent(40);
    if (!plan.dead_go_on) return;
    plan.channel_bounds.push_back({.channels = {std::nullopt, "**"}, .waiting = {}});
    plan.channel_bounds.back().dead_letter_to = dead_queue();
    if (random.percent(50)) {
        auto& app = plan.apps[random.between(0, plan.apps.size() - 1)];
        app.habits.subscriptions.push_back({wire::Kind::queue, dead_queue(), {}, 1000});
    }
}

}  // namespace

Plan draw_plan(Random& random) {
    Plan plan = draw_without_bounds(random);
    const bool bounded = plan.character == Character::holds ? random.percent(80)
                                                            : plan.faults > 0 && random.percent(30);
    if (bounded) plan.channel_bounds = draw_channel_bounds(random);
    if (plan.character == Character::crashes || plan.character == Character::everything)
        draw_consuming(plan, random);
    for (auto& app : plan.apps) app.habits.declared = random.percent(20);
    if (!plan.channel_bounds.empty()) draw_dead_queue(plan, random);
    for (auto& app : plan.apps) app.habits.delayed_per_mille = random.percent(20) ? 80 : 0;
    if (random.percent(40)) draw_requests(plan, random);
    if (random.percent(40)) draw_groups(plan, random);
    for (auto& app : plan.apps) app.habits.consumed_per_mille = random.percent(40) ? 300 : 0;
    return plan;
}

// Where messages die, or come again by right, apps get last values only when all that is over: what
// becomes of each message is judged by its owed copies.
void draw_last_values(Plan& plan, Random& random) {
    static const std::vector<core::ChannelFilter> filters{{wire::Kind::topic, "plant.temperature"},
                                                          {wire::Kind::topic, "yard.**"}};
    if (random.percent(60)) return;
    for (const auto& filter : filters)
        if (random.percent(70))
            plan.retained.push_back({.channels = filter, .waiting = {}, .retain_last = true});
    if (plan.retained.empty() || !plan.channel_bounds.empty()) return;
    for (auto& app : plan.apps)
        for (auto& wanted : app.habits.subscriptions)
            wanted.last = wanted.kind == wire::Kind::topic && wanted.group.empty() &&
                          app.habits.nack_per_mille == 0 && wanted.ack_deadline_millis == 0 &&
                          random.percent(50);
}

AgentId agent_of(int host) { return AgentId{{0xA6E47u, static_cast<std::uint64_t>(host) + 1}}; }

namespace {

// By links, and through those that relay.
bool reach_all(const Plan& plan, int from) {
    std::set<int> reached{from};
    std::vector<int> next{from};
    while (!next.empty()) {
        const int at = next.back();
        next.pop_back();
        if (at != from && !plan.relays.contains(at)) continue;
        for (const auto& [a, b] : plan.addresses)
            for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}})
                if (one == at && reached.insert(other).second) next.push_back(other);
    }
    return reached.size() == static_cast<std::size_t>(plan.hosts);
}

}  // namespace

void draw_homes(Plan& plan, Random& random) {
    if (random.percent(70)) return;
    const int host =
        static_cast<int>(random.between(0, static_cast<std::uint64_t>(plan.hosts) - 1));
    if (!reach_all(plan, host)) return;
    plan.home = host;
    plan.homes.push_back({.channels = {wire::Kind::queue, "orders"}, .waiting = {}});
    plan.homes.back().home = to_text(agent_of(host));
    plan.homes.back().exclusive = random.percent(30);
    // Where one consumer has everything, keys are not looked at.
    if (*plan.homes.back().exclusive || random.percent(20)) return;
    for (auto& app : plan.apps) app.habits.keyed_per_mille = random.percent(70) ? 800 : 0;
}

namespace {

Habits draw_quiet_habits(Random& random, std::size_t app) {
    Habits habits;
    for (const auto& queue : queues())
        habits.subscriptions.push_back({wire::Kind::queue, queue.name, {}, 1000});
    habits.subscriptions.push_back({wire::Kind::topic, "**", fmt::format("durable-{}", app), 1000});
    habits.subscriptions.push_back({wire::Kind::topic, "plant.**", {}, 1000});
    habits.publishes = true;
    habits.publish_after = 2s;
    habits.publish_every = random.between(1ms, 30ms);
    habits.burst_max = random.between(1, 6);
    for (const auto* channels : {&topics(), &queues()})
        habits.channels.insert(habits.channels.end(), channels->begin(), channels->end());
    habits.other_lane_per_mille = 100;
    habits.arrived_per_mille = 300;
    habits.work_max = 1ms;
    return habits;
}

}  // namespace

Plan draw_quiet_plan(Random& random) {
    Plan plan;
    plan.character = Character::healthy;
    plan.hosts = static_cast<int>(random.between(2, 4));
    draw_addresses(plan, random);
    plan.weather.delay_max = random.between(200us, 1ms);
    for (int host = 0; host < plan.hosts; ++host)
        plan.apps.push_back({host, draw_quiet_habits(random, std::size_t(host))});
    plan.busy = 6s;
    return plan;
}

Plan draw_backups_plan(Random& random) {
    Plan plan = draw_plan(random);
    plan.character = Character::backups;
    plan.busy = 8s;
    plan.faults = 3;
    return plan;
}

Plan draw_routes_plan(Random& random) {
    Plan plan = draw_without_bounds(random);
    plan.character = Character::routes;
    plan.hosts = static_cast<int>(random.between(20, 50));
    plan.relays.clear();
    draw_topology(plan, random);
    plan.apps.clear();
    for (int host = 0; host < plan.hosts; ++host)
        if (random.percent(50))
            plan.apps.push_back({host, draw_habits(plan, random, plan.apps.size())});
    plan.journal_capacity = plan.journal_bytes_max = 0;
    plan.busy = 4s;
    plan.faults = 8;
    return plan;
}

Plan draw_flood_plan(Random& random) {
    Plan plan;
    plan.character = Character::healthy;
    plan.addresses.emplace_back(0, 1);
    Habits publisher;
    publisher.publishes = true;
    publisher.publish_after = 2s;
    publisher.publish_every = 2ms;
    publisher.burst_max = 4;
    publisher.channels.push_back(topics().front());
    publisher.payload_max = 60'000;
    Habits subscriber;
    subscriber.subscriptions.push_back({wire::Kind::topic, topics().front().name, "slow", 1});
    subscriber.work_max = random.between(20ms, 60ms);
    plan.apps = {{0, publisher}, {1, subscriber}};
    plan.busy = 4s;
    return plan;
}

}  // namespace bus::sim
