// The path vector by itself: who is reached by whom, and what happens when links go.
#include <doctest/doctest.h>

#include "core/paths.h"

using namespace bus;
using namespace bus::core;
using wire::LinkPaths;

namespace {

AgentId agent(std::uint64_t n) { return AgentId{{n, n}}; }
const AgentId self = agent(1);

LinkPaths::Path path(std::vector<AgentId> agents, std::uint32_t cost) {
    return {.agents = std::move(agents), .cost = cost, .name = "x"};
}

void tell(Paths& paths, const AgentId& by, std::vector<LinkPaths::Path> told,
          LinkPaths::Part part = LinkPaths::Part::snapshot_last) {
    REQUIRE(paths.told(by, {.part = part, .paths = std::move(told)}));
}

// Hubs 2 and 3, which relay; 9 lies behind both.
Paths behind_two_hubs() {
    Paths paths{self};
    for (const auto& hub : {agent(2), agent(3)}) {
        paths.put_neighbour(hub, 1, true);
        paths.set_up(hub);
        tell(paths, hub, {path({agent(9)}, 1)});
    }
    (void)paths.take_changed();
    return paths;
}

}  // namespace

TEST_CASE("the cheapest path is taken; of equal ones that of the lowest neighbour") {
    Paths paths = behind_two_hubs();
    CHECK(paths.best(agent(9))->neighbour() == agent(2));
    CHECK(paths.best(agent(9))->cost == 2);
    CHECK(paths.best(agent(9))->up());
    tell(paths, agent(2), {path({agent(9)}, 5)}, LinkPaths::Part::change);
    CHECK(paths.best(agent(9))->neighbour() == agent(3));
    CHECK(paths.take_changed() == std::set{agent(9)});
    CHECK(paths.ways(agent(9)).size() == 2);
}

TEST_CASE("a path that comes back here is none") {
    Paths paths{self};
    paths.put_neighbour(agent(2), 1, true);
    paths.set_up(agent(2));
    tell(paths, agent(2), {path({self, agent(9)}, 2)});
    CHECK(paths.best(agent(9)) == nullptr);
}

TEST_CASE("a link that is down makes its paths dear, and another one is taken if there is one") {
    Paths paths = behind_two_hubs();
    paths.set_down(agent(2));
    CHECK(paths.best(agent(9))->neighbour() == agent(3));
    paths.set_down(agent(3));
    REQUIRE(paths.best(agent(9)) != nullptr);  // what is for it waits for one of them
    CHECK_FALSE(paths.best(agent(9))->up());
}

TEST_CASE("what a neighbour told before it was away counts as down until it has told all anew") {
    Paths paths = behind_two_hubs();
    paths.set_down(agent(2));
    paths.set_up(agent(2));
    CHECK(paths.best(agent(9))->neighbour() == agent(3));
    tell(paths, agent(2), {path({agent(9)}, 1)});
    CHECK(paths.best(agent(9))->neighbour() == agent(2));
    tell(paths, agent(2), {});  // another snapshot, without it
    CHECK(paths.best(agent(9))->neighbour() == agent(3));
    CHECK(paths.digest(agent(2)) == 0);
}

TEST_CASE("a neighbour that does not relay is reached, and its word on others counts for nothing") {
    Paths paths{self};
    paths.put_neighbour(agent(2), 7, false);
    paths.set_up(agent(2));
    tell(paths, agent(2), {path({agent(9)}, 1)});
    CHECK(paths.best(agent(9)) == nullptr);
    CHECK(paths.best(agent(2))->cost == 7);
    CHECK(paths.best(agent(2))->up());
}

TEST_CASE("a direct link is better than a way round, and a way round than a link that is down") {
    Paths paths = behind_two_hubs();
    paths.put_neighbour(agent(9), 1, false);
    CHECK(paths.best(agent(9))->neighbour() == agent(2));  // not up yet
    paths.set_up(agent(9));
    CHECK(paths.best(agent(9))->neighbour() == agent(9));
    paths.drop_neighbour(agent(9));
    CHECK(paths.best(agent(9))->neighbour() == agent(2));
}

TEST_CASE("a path has a longest length") {
    Paths paths{self};
    paths.put_neighbour(agent(2), 1, true);
    paths.set_up(agent(2));
    std::vector<AgentId> far;
    for (std::uint64_t n = 10; far.size() < wire::path_agents_max; ++n) far.push_back(agent(n));
    tell(paths, agent(2), {path(far, 16)});
    CHECK(paths.best(far.back()) == nullptr);
    far.pop_back();
    tell(paths, agent(2), {path(far, 15)});
    REQUIRE(paths.best(far.back()) != nullptr);
    CHECK(paths.best(far.back())->agents.size() == wire::path_agents_max);
}

TEST_CASE("when a neighbour goes for good, so do the paths it told") {
    Paths paths = behind_two_hubs();
    paths.drop_neighbour(agent(2));
    paths.drop_neighbour(agent(3));
    CHECK(paths.best(agent(9)) == nullptr);
    CHECK(paths.best(agent(2)) == nullptr);
    CHECK(paths.size() == 0);
    CHECK(paths.take_changed() == std::set{agent(2), agent(3), agent(9)});
}
