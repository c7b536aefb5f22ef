#include "bench/role.h"

#include <bus/error.h>
#include <fmt/format.h>

#include "command.h"
#include "subcommands.h"

namespace bus::bench {

std::vector<std::string> Role::arguments() const {
    std::vector<std::string> all{"bench-role", name, "--size", std::to_string(size)};
    if (single) all.emplace_back("--single");
    if (best_effort) all.emplace_back("--best-effort");
    const auto add = [&all](const char* option, const std::string& value) {
        // One word each: a Z85 key may begin with a dash.
        if (!value.empty()) all.push_back(fmt::format("--{}={}", option, value));
    };
    add("runtime", runtime);
    add("channel", channel);
    add("local", local);
    add("link", link);
    add("public-key", public_key);
    add("secret-key", secret_key);
    return all;
}

}  // namespace bus::bench

namespace bus::cli {
namespace {

using bench::Role;

int play(const Role& role) {
    static const std::map<std::string, void (*)(const Role&)> parts{
        {"producer", bench::run_bus_producer},
        {"consumer", bench::run_bus_consumer},
        {"raw-producer", bench::run_raw_producer},
        {"raw-consumer", bench::run_raw_consumer},
        {"requester", bench::run_bus_requester},
        {"responder", bench::run_bus_responder},
        {"raw-requester", bench::run_raw_requester},
        {"raw-responder", bench::run_raw_responder},
        {"stream-producer", bench::run_stream_producer},
        {"stream-consumer", bench::run_stream_consumer},
        {"raw-dialler", bench::run_raw_dialler},
        {"raw-listener", bench::run_raw_listener},
        {"raw-relay", bench::run_raw_relay},
    };
    const auto part = parts.find(role.name);
    if (part == parts.end()) throw Error(fmt::format("the bench has no role {}", role.name));
    part->second(role);
    return 0;
}

}  // namespace

void add_bench_role(Command& bus, Chosen& chosen) {
    auto role = std::make_shared<Role>();
    Command* command = bus.add_subcommand("bench-role", "A process of `bus bench`");
    command->hide();
    command->add_option("name", role->name)->required();
    command->add_option("--size", role->size);
    command->add_flag("--single", role->single);
    command->add_flag("--best-effort", role->best_effort);
    command->add_option("--runtime", role->runtime);
    command->add_option("--channel", role->channel);
    command->add_option("--local", role->local);
    command->add_option("--link", role->link);
    command->add_option("--public-key", role->public_key);
    command->add_option("--secret-key", role->secret_key);
    command->callback([&chosen, role] { chosen = [role] { return play(*role); }; });
}

}  // namespace bus::cli
