// What a seed makes of a run: how many hosts, who links to whom, what the apps
// do, how the disks behave and which kinds of faults strike.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "app.h"
#include "core/settings.h"
#include "fake_journal.h"
#include "network.h"

namespace bus::sim {

// A run has one character, so that each kind of trouble also comes alone, where its invariants are
// sharpest.
enum class Character {
    healthy,
    links,
    crashes,
    journals,
    holds,
    reloads,
    backups,
    routes,
    everything
};

const char* to_text(Character character);

struct Plan {
    Character character = Character::everything;
    int hosts = 2;
    std::vector<std::pair<int, int>> addresses;  // dialler, listener
    std::set<int> relays;                        // hosts that pass on what is for others
    struct AppPlan {
        int host = 0;
        Habits habits;
    };
    std::vector<AppPlan> apps;
    Weather weather;
    JournalTempo tempo;
    std::uint64_t journal_bytes_max = 0;                // 0: the default
    std::uint64_t journal_capacity = 0;                 // of the disk; 0: no end
    std::vector<core::ChannelSettings> channel_bounds;  // of all hosts
    std::vector<core::ChannelSettings> retained;        // of all hosts: last values
    // Of all hosts: queues that one of them keeps, and which.
    std::vector<core::ChannelSettings> homes;
    int home = -1;
    bool dead_go_on = false;  // to dead_queue()
    Duration busy{};          // publishing and faults
    std::uint64_t faults = 0;
    bool loses_last = false;  // also frames of the last messages
};

Plan draw_plan(Random& random);
// One in which journals are restored from backups.
Plan draw_backups_plan(Random& random);
// One with many hosts, most of which reach each other through others.
Plan draw_routes_plan(Random& random);
// One in which far more waits than may be in memory: the one subscriber is slow and far away.
Plan draw_flood_plan(Random& random);
// One in which nothing has to wait: every host has quick consumers of all there is before the first
// message comes, links are short and nothing fails.
Plan draw_quiet_plan(Random& random);

// Some channels retain their last message, and some apps ask for it. `random` is not what the rest
// of the plan was drawn from.
void draw_last_values(Plan& plan, Random& random);

// One agent keeps a queue. `random` is not what the rest of the plan was drawn from.
void draw_homes(Plan& plan, Random& random);
AgentId agent_of(int host);

// Limits of what may wait on channels: small, and short.
std::vector<core::ChannelSettings> draw_channel_bounds(Random& random);

// The channels of every run.
const std::vector<wire::ChannelKey>& topics();
const std::vector<wire::ChannelKey>& queues();
// Where dead letters go on to, in some.
const std::string& dead_queue();

}  // namespace bus::sim
