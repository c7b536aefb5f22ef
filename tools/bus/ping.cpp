// bus ping: how long a frame to a peer and its answer take. Of an agent behind
// others the first link is measured; the way is shown.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "interruption.h"
#include "question.h"
#include "subcommands.h"
#include "usage.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 10s;  // a dead link has been found by then
constexpr std::chrono::milliseconds glance_max = 200ms;

struct Options {
    Attachment attachment;
    std::string name;
    std::uint64_t count = 1;
};

Json status_of(const Attachment& attachment) {
    return ask_agent(attachment, {{"request", "status"}});
}

const Json* find(const Json& list, const char* key, const std::string& value) {
    for (const Json& one : list)
        if (one.at(key) == value) return &one;
    return nullptr;
}

// The names on the way, the agent itself last.
std::vector<std::string> way_to(const std::string& name, const Json& status) {
    if (find(status.at("links"), "peer", name) != nullptr) return {name};
    const Json* const agent = find(status.at("agents"), "name", name);
    if (agent == nullptr)
        throw Failure(
            ExitCode::failed,
            fmt::format("no agent {} is known here; `bus status` shows those that are", name));
    auto path = agent->at("path").get<std::vector<std::string>>();
    if (path.empty()) throw Failure(ExitCode::failed, fmt::format("no way to {} is known", name));
    return path;
}

Json link_to(const std::string& peer, const Attachment& attachment) {
    const Json status = status_of(attachment);
    const Json* const link = find(status.at("links"), "peer", peer);
    if (link == nullptr) throw Failure(ExitCode::failed, fmt::format("{} is no peer", peer));
    return *link;
}

// In milliseconds.
double measure(const std::string& peer, const Options& o, const Interruption& interruption) {
    const auto before = link_to(peer, o.attachment).at("rtt_measured").get<std::uint64_t>();
    (void)ask_agent(o.attachment, {{"request", "ping"}, {"peer", peer}});
    const auto give_up = Clock::now() + patience;
    for (auto glance = 2ms; Clock::now() < give_up; glance = std::min(2 * glance, glance_max)) {
        const Json link = link_to(peer, o.attachment);
        if (link.at("rtt_measured").get<std::uint64_t>() > before)
            return link.at("rtt_micros").get<double>() / 1000;
        if (interruption.comes_within(glance)) throw Interrupted{};
    }
    throw Failure(ExitCode::failed,
                  fmt::format("{} gave no answer within {} s", peer, patience.count()));
}

void print_way(const std::vector<std::string>& way) {
    if (way.size() == 1) return;
    std::string hops;
    for (const auto& name : way) hops += (hops.empty() ? "" : " > ") + name;
    std::cout << fmt::format("{}: {} hops away: {}; the first is measured\n", way.back(),
                             way.size(), hops);
}

int ping(const Options& o, const Interruption& interruption) {
    const auto way = way_to(o.name, status_of(o.attachment));
    print_way(way);
    std::vector<double> times;
    for (std::uint64_t n = 0; n < o.count; ++n) {
        if (n > 0 && interruption.comes_within(1s)) throw Interrupted{};
        times.push_back(measure(way.front(), o, interruption));
        std::cout << fmt::format("{}: {:.2f} ms\n", way.front(), times.back()) << std::flush;
        if (!std::cout) return static_cast<int>(ExitCode::output);
    }
    std::sort(times.begin(), times.end());
    if (times.size() > 1)
        std::cout << fmt::format("{}: least {:.2f}, median {:.2f}, most {:.2f} ms\n", way.front(),
                                 times.front(), times[times.size() / 2], times.back())
                  << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_ping(CLI::App& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    CLI::App* command = bus.add_subcommand("ping", "Measure the round trip to a peer");
    command->add_option("PEER", options->name, "The peer, or an agent behind one")->required();
    command->add_option("--count", options->count, "So many times, one a second")
        ->check(whole_number_above_zero())
        ->type_name("N")
        ->capture_default_str();
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return ping(*options, interruption); };
    });
}

}  // namespace bus::cli
