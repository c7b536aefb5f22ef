#include "bench/agent_pair.h"

#include <fmt/format.h>
#include <poll.h>

#include <nlohmann/json.hpp>

#include "bench/loopback.h"
#include "failure.h"

namespace bus::bench {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;
constexpr auto look_again = 20ms;  // the agent has no event for this yet that a tool could await

bool link_is_up(const std::string& status) {
    const auto links = nlohmann::json::parse(status).at("status").at("links");
    return !links.empty() && links.at(0).at("state") == "up";
}

std::uint64_t waiting(const std::string& status) {
    std::uint64_t messages = 0;
    const auto json = nlohmann::json::parse(status).at("status");
    for (const auto& account : json.at("accounts"))
        messages += account.at("waiting").get<std::uint64_t>();
    return messages;
}

}  // namespace

Role bus_role(const char* name, const Load& load, const PrivateAgent& at, unsigned channel) {
    return {.name = name,
            .size = load.size,
            .single = load.single,
            .best_effort = load.best_effort,
            .runtime = at.runtime(),
            .channel = fmt::format("bench.run-{}", channel)};
}

AgentPair::AgentPair(const std::filesystem::path& folder, const std::filesystem::path& executable,
                     std::uint64_t journal_bytes_max, int interruption)
    : interruption_(interruption),
      link_(free_loopback_endpoint()),
      near_({.name = "near", .folder = folder / "near", .executable = executable}),
      far_({.name = "far", .folder = folder / "far", .executable = executable, .listen = link_}) {
    near_.configure({.name = "far", .key = far_.public_key(), .address = link_}, journal_bytes_max);
    far_.configure({.name = "near", .key = near_.public_key()}, journal_bytes_max);
    far_.start(interruption_);
    near_.start(interruption_);
    await_link(true);
}

void AgentPair::await(const std::function<bool()>& condition, const char* what) const {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > give_up)
            throw Error(fmt::format("{} after {} s", what, patience.count()));
        pollfd told{interruption_, POLLIN, 0};
        if (::poll(&told, 1, static_cast<int>(look_again.count())) > 0) throw cli::Interrupted{};
    }
}

void AgentPair::await_link(bool up) {
    await([&] { return link_is_up(near_.status()) == up; },
          up ? "the link is not up" : "the link is not down");
}

void AgentPair::await_settled() {
    await([&] { return waiting(near_.status()) + waiting(far_.status()) == 0; },
          "not everything is settled");
}

std::unique_ptr<Process> AgentPair::start(const char* name, const Load& load,
                                          const PrivateAgent& at) {
    return start_role(bus_role(name, load, at, channel_));
}

std::unique_ptr<Process> AgentPair::start_producer(const Load& load) {
    return start(load.request    ? "requester"
                 : load.streamed ? "stream-producer"
                                 : "producer",
                 load, near_);
}
std::unique_ptr<Process> AgentPair::start_consumer(const Load& load) {
    return start(load.request    ? "responder"
                 : load.streamed ? "stream-consumer"
                                 : "consumer",
                 load, far_);
}
std::vector<const Process*> AgentPair::middle() const {
    return {&near_.process(), &far_.process()};
}

}  // namespace bus::bench
