// Which way to every agent: a path vector. Each neighbour is one link away, and
// those that relay tell the whole paths that they can pass on by. The
// cheapest that does not come back here is taken, so no path has a loop. A link
// that is down makes its paths dear, not void: a hub keeps what is for a spoke
// that is away, and so sender and receiver need never be online together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/id.h"
#include "limits.h"
#include "wire/link.h"

namespace bus::core {

class Paths {
  public:
    struct Path {
        std::uint32_t cost = 0;
        std::vector<AgentId> agents;  // the neighbour first, the one it leads to last
        // All its links are up, as far as is known here.
        bool up() const { return cost < limits::down_link_cost; }
        const AgentId& neighbour() const { return agents.front(); }
        bool passes(const AgentId& agent) const;
        friend bool operator==(const Path&, const Path&) = default;
    };

    explicit Paths(const AgentId& self) : self_(self) {}

    // ---- Neighbours.
    // `relays`: what it tells of others counts.
    void put_neighbour(const AgentId& id, std::uint32_t cost, bool relays);
    void drop_neighbour(const AgentId& id);
    // Its session is open, and, if it relays, its paths come now: until then those it told before
    // count as down.
    void set_up(const AgentId& id);
    void set_down(const AgentId& id);
    bool is_up(const AgentId& id) const;

    // ---- What a neighbour tells.
    // false: more paths than any agent may tell.
    [[nodiscard]] bool told(const AgentId& by, const wire::LinkPaths& frame);
    // Of all it told in this session.
    std::uint64_t digest(const AgentId& by) const;
    // The interest of `agent` as that neighbour has it; nullptr: it knows no path.
    const wire::LinkPaths::Path* told_of(const AgentId& by, const AgentId& agent) const;

    // ---- What follows.
    // The way to take; nullptr: there is none.
    const Path* best(const AgentId& agent) const;
    // The neighbours by which it can be reached, whatever it costs.
    std::vector<AgentId> ways(const AgentId& agent) const;
    // Agents whose best path changed since the last call.
    std::set<AgentId> take_changed() { return std::exchange(changed_, {}); }
    std::size_t size() const { return agents_.size(); }

  private:
    struct Neighbour {
        std::uint32_t cost = 1;
        bool relays = false;
        bool up = false;
        bool complete = false;  // the snapshot of this session has come
        std::map<AgentId, wire::LinkPaths::Path> told;
        std::uint64_t digest = 0;
        std::set<AgentId> staged;
    };
    struct Known {
        std::set<AgentId> by;  // neighbours that told a path to it
        std::optional<Path> best;
    };

    void put(const AgentId& by, Neighbour& neighbour, const wire::LinkPaths::Path& path);
    void erase(const AgentId& by, Neighbour& neighbour, const AgentId& agent);
    void choose(const AgentId& agent);
    void choose_all_by(const AgentId& by);
    std::optional<Path> path_by(const AgentId& by, const AgentId& agent) const;

    const AgentId self_;
    std::map<AgentId, Neighbour> neighbours_;
    std::map<AgentId, Known> agents_;
    std::set<AgentId> changed_;
};

}  // namespace bus::core
