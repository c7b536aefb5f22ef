#include "core/paths.h"

#include <algorithm>
#include <tuple>

#include "base/mutation.h"

namespace bus::core {

bool Paths::Path::passes(const AgentId& agent) const {
    return std::find(agents.begin(), agents.end(), agent) != agents.end();
}

// ---- Neighbours ----------------------------------------------------------------------------

void Paths::put_neighbour(const AgentId& id, std::uint32_t cost, bool relays) {
    Neighbour& neighbour = neighbours_[id];
    if (neighbour.cost == cost && neighbour.relays == relays && agents_.contains(id)) return;
    neighbour.cost = cost;
    neighbour.relays = relays;
    choose_all_by(id);
}

void Paths::drop_neighbour(const AgentId& id) {
    const auto found = neighbours_.find(id);
    if (found == neighbours_.end()) return;
    const auto told = std::move(found->second.told);
    neighbours_.erase(found);
    for (const auto& [agent, path] : told) {
        agents_[agent].by.erase(id);
        choose(agent);
    }
    choose(id);
}

void Paths::set_up(const AgentId& id) {
    Neighbour& neighbour = neighbours_.at(id);
    neighbour.up = true;
    neighbour.complete = !neighbour.relays;
    neighbour.staged.clear();
    choose_all_by(id);
}

void Paths::set_down(const AgentId& id) {
    const auto found = neighbours_.find(id);
    if (found == neighbours_.end() || !std::exchange(found->second.up, false)) return;
    choose_all_by(id);
}

bool Paths::is_up(const AgentId& id) const {
    const auto found = neighbours_.find(id);
    return found != neighbours_.end() && found->second.up;
}

// ---- What a neighbour tells -----------------------------------------------------------------

bool Paths::told(const AgentId& by, const wire::LinkPaths& frame) {
    const auto found = neighbours_.find(by);
    if (found == neighbours_.end() || !found->second.relays) return true;
    Neighbour& neighbour = found->second;
    for (const auto& path : frame.paths) {
        if (frame.part != wire::LinkPaths::Part::change) neighbour.staged.insert(path.to());
        if (path.cost == wire::no_path)
            erase(by, neighbour, path.to());
        else if (neighbour.told.contains(path.to()) || neighbour.told.size() < limits::agents_max)
            put(by, neighbour, path);
        else
            return false;
    }
    if (frame.part != wire::LinkPaths::Part::snapshot_last) return true;
    std::vector<AgentId> gone;
    for (const auto& [agent, path] : neighbour.told)
        if (!neighbour.staged.contains(agent)) gone.push_back(agent);
    for (const AgentId& agent : gone) erase(by, neighbour, agent);
    neighbour.staged.clear();
    neighbour.complete = true;
    choose_all_by(by);
    return true;
}

void Paths::put(const AgentId& by, Neighbour& neighbour, const wire::LinkPaths::Path& path) {
    const auto [at, is_new] = neighbour.told.try_emplace(path.to(), path);
    if (!is_new) {
        neighbour.digest ^= wire::digest(at->second);
        at->second = path;
    }
    neighbour.digest ^= wire::digest(path);
    agents_[path.to()].by.insert(by);
    choose(path.to());
}

void Paths::erase(const AgentId& by, Neighbour& neighbour, const AgentId& agent) {
    const auto found = neighbour.told.find(agent);
    if (found == neighbour.told.end()) return;
    neighbour.digest ^= wire::digest(found->second);
    neighbour.told.erase(found);
    agents_[agent].by.erase(by);
    choose(agent);
}

std::uint64_t Paths::digest(const AgentId& by) const {
    const auto found = neighbours_.find(by);
    return found == neighbours_.end() ? 0 : found->second.digest;
}

const wire::LinkPaths::Path* Paths::told_of(const AgentId& by, const AgentId& agent) const {
    const auto neighbour = neighbours_.find(by);
    if (neighbour == neighbours_.end()) return nullptr;
    const auto found = neighbour->second.told.find(agent);
    return found == neighbour->second.told.end() ? nullptr : &found->second;
}

// ---- What follows ------------------------------------------------------------------------------

std::optional<Paths::Path> Paths::path_by(const AgentId& by, const AgentId& agent) const {
    const Neighbour& neighbour = neighbours_.at(by);
    const std::uint32_t down = neighbour.up ? 0 : limits::down_link_cost;
    if (by == agent) return Path{neighbour.cost + down, {by}};
    const auto& told = neighbour.told.at(agent);
    const bool comes_back =
        std::find(told.agents.begin(), told.agents.end(), self_) != told.agents.end() ||
        std::find(told.agents.begin(), told.agents.end(), by) != told.agents.end();
    const bool too_far = told.agents.size() >= wire::path_agents_max ||
                         told.cost >= wire::path_agents_max * limits::down_link_cost;
    if ((comes_back && !mutated(Mutation::path_may_loop)) || too_far) return std::nullopt;
    const std::uint32_t unsure = neighbour.complete ? 0 : limits::down_link_cost;
    Path path{told.cost + neighbour.cost + std::max(down, unsure), {by}};
    path.agents.insert(path.agents.end(), told.agents.begin(), told.agents.end());
    return path;
}

// The cheapest; of equal ones the shortest; of those the neighbour with the lowest id, so that all
// agents who know the same decide the same.
void Paths::choose(const AgentId& agent) {
    const auto found = agents_.try_emplace(agent).first;
    Known& known = found->second;
    std::optional<Path> best;
    const auto consider = [&](const AgentId& by) {
        auto path = path_by(by, agent);
        if (!path) return;
        const auto rank = [](const Path& p) {
            return std::tuple{p.cost, p.agents.size(), p.neighbour()};
        };
        if (!best || rank(*path) < rank(*best)) best = std::move(path);
    };
    if (neighbours_.contains(agent)) consider(agent);
    for (const AgentId& by : known.by) consider(by);
    if (best == known.best) {
        if (!best && known.by.empty()) agents_.erase(found);
        return;
    }
    known.best = std::move(best);
    changed_.insert(agent);
    if (!known.best && known.by.empty()) agents_.erase(found);
}

void Paths::choose_all_by(const AgentId& by) {
    choose(by);
    std::vector<AgentId> told;
    for (const auto& [agent, path] : neighbours_.at(by).told) told.push_back(agent);
    for (const AgentId& agent : told) choose(agent);
}

const Paths::Path* Paths::best(const AgentId& agent) const {
    const auto found = agents_.find(agent);
    return found == agents_.end() || !found->second.best ? nullptr : &*found->second.best;
}

std::vector<AgentId> Paths::ways(const AgentId& agent) const {
    std::vector<AgentId> ways;
    if (neighbours_.contains(agent)) ways.push_back(agent);
    const auto found = agents_.find(agent);
    if (found == agents_.end()) return ways;
    for (const AgentId& by : found->second.by)
        if (by != agent && path_by(by, agent)) ways.push_back(by);
    return ways;
}

}  // namespace bus::core
