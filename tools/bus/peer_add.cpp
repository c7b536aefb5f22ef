// bus peer add: another agent's entry, in a file of its own, and the agent that
// reads it.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../../agent/config_edit.h"
#include "attachment.h"
#include "command.h"
#include "fingerprint.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Lists {
    const char* key;
    const char* description;
    std::vector<std::string> filters = {};
};

struct Options {
    Attachment attachment;
    std::string name, key;
    std::vector<std::string> addresses;
    bool full = false;
    std::array<Lists, 6> lists{{{"publish", "It may publish here on topics that this matches"},
                                {"subscribe", "It gets what is published here on these topics"},
                                {"send", "It may send to these queues here"},
                                {"receive", "It gets what is sent here to these queues"},
                                {"request", "It may ask these services here"},
                                {"serve", "It gets requests to these services"}}};
};

Json entry_of(const Options& o) {
    Json entry{{"name", o.name}, {"key", o.key}};
    if (o.addresses.size() == 1) entry["address"] = o.addresses.front();
    if (o.addresses.size() > 1) entry["addresses"] = o.addresses;
    if (o.full) entry["trust"] = "full";
    bool is_limited = false;
    for (const Lists& list : o.lists) {
        if (list.filters.empty()) continue;
        entry[list.key] = list.filters;
        is_limited = true;
    }
    if (o.full == is_limited)
        throw Failure(ExitCode::usage,
                      "say what the peer may do: --full (every channel), or --publish, "
                      "--subscribe, --send, --receive, --request and --serve, each with a filter");
    return entry;
}

// A file that the agent refuses does not stay.
void reload(const Options& o, const std::filesystem::path& file) try {
    (void)ask_agent(o.attachment, {{"request", "reload"}});
} catch (const Failure&) {
    remove_peer_file(file);
    throw;
}

int add(const Options& o) {
    const Json entry = entry_of(o);
    const Json own = ask_agent(o.attachment, {{"request", "identity"}});
    if (o.addresses.empty() && own.at("listening").empty())
        throw Failure(
            ExitCode::failed,
            fmt::format("this agent listens nowhere and is told no address of {}: neither "
                        "could dial the other. `bus listen tcp://[::]:7700` first, or "
                        "add it with --address",
                        o.name));
    const auto file =
        add_peer_file(own.at("config").get<std::string>(), o.name, entry.dump(2) + "\n");
    reload(o, file);
    std::cout << fmt::format("peer {} added, in {}\nfingerprint of its key: {}\n", o.name,
                             file.string(), fingerprint_of(o.key));
    std::cout << fmt::format("`bus peer wait {}` waits for the link\n", o.name) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_peer_add(Command& peer, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand(
        "add", "Let another agent link to this one; `bus identity --join` there prints how");
    command->add_option("NAME", options->name, "What people call it")->required();
    command->add_option("--key", options->key, "Its public key; quote it for your shell")
        ->required();
    command->add_list("--address", options->addresses,
                      "Where to dial it, tcp://HOST:PORT; may be repeated, the best first");
    command->add_flag("--full", options->full, "It may do everything, on every channel");
    for (Lists& list : options->lists)
        command->add_list(std::string{"--"} + list.key, list.filters, list.description);
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return add(*options); }; });
}

}  // namespace bus::cli
