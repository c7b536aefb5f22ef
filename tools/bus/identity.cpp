// bus identity show|rotate|drop: the keys by which an agent is known, and how
// it gets another one. The running agent does it; with --file the file is
// changed, for an agent that does not run.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../../agent/identity.h"
#include "attachment.h"
#include "command.h"
#include "fingerprint.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

struct Options {
    Attachment attachment;
    std::string file;
    std::chrono::milliseconds overlap{0};

    std::chrono::seconds overlap_seconds() const {
        return std::chrono::ceil<std::chrono::seconds>(overlap);
    }
};

// What the agent answers, or what it would.
struct Keys {
    std::string agent, current, next;
    std::uint64_t next_from = 0;  // Unix time, seconds
};

Keys keys_of(const Json& answer) {
    Keys keys{answer.at("agent").get<std::string>(), answer.at("public_key").get<std::string>(), "",
              0};
    if (answer.at("next_public_key").is_null()) return keys;
    keys.next = answer.at("next_public_key").get<std::string>();
    keys.next_from = answer.at("next_from_unix_seconds").get<std::uint64_t>();
    return keys;
}

Keys keys_of(const Identity& identity) {
    Keys keys{bus::to_text(identity.agent), identity.public_key, "", 0};
    if (!identity.next) return keys;
    keys.next = identity.next->public_key;
    keys.next_from = identity.next->from_unix_seconds;
    return keys;
}

std::string date_text(std::uint64_t unix_seconds) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                       fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

int print(const Keys& keys) {
    std::cout << fmt::format("agent        {}\ncurrent      {}\nfingerprint  {}\n", keys.agent,
                             keys.current, fingerprint_of(keys.current));
    if (!keys.next.empty())
        std::cout << fmt::format(
            "next         {}\n\nThe current key is dropped on {}. Until then the agent answers to "
            "both: "
            "put\nboth under \"keys\" of this agent at each of its peers, and run `bus reload` "
            "there.\n",
            keys.next, date_text(keys.next_from));
    std::cout << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

Identity identity_in(const std::string& file) {
    if (auto identity = read_identity(file)) return *identity;
    throw Failure(ExitCode::failed, fmt::format("there is no {}; bus keygen makes one", file));
}

std::uint64_t unix_seconds() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

// Changes the file as the running agent would.
template <class Change>
Keys change_file(const std::string& file, Change change) {
    const Identity changed = change(identity_in(file));
    replace_identity(file, changed);
    return keys_of(changed);
}

int show(const Options& o) {
    if (!o.file.empty()) return print(keys_of(identity_in(o.file)));
    return print(keys_of(ask_agent(o.attachment, {{"request", "identity"}})));
}

// A wildcard is every address of this host: its name stands for them.
std::string dialled_as(const std::string& endpoint) {
    const std::size_t port = endpoint.rfind(':');
    const std::string host = endpoint.substr(6, port - 6);  // behind "tcp://"
    if (host != "0.0.0.0" && host != "[::]" && host != "*") return endpoint;
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return endpoint;
    return fmt::format("tcp://{}{}", name.data(), endpoint.substr(port));
}

// The line for the other host alone on standard output, what there is to say about it beside.
int join(const Options& o) {
    const Json own = ask_agent(o.attachment, {{"request", "identity"}});
    const auto key = own.at("public_key").get<std::string>();
    std::string line =
        fmt::format("bus peer add {} --key '{}'", own.at("name").get<std::string>(), key);
    for (const Json& endpoint : own.at("listening"))
        line += " --address " + dialled_as(endpoint.get<std::string>());
    std::cout << line << " --full\n" << std::flush;
    std::cerr << "Paste this on the other host, with less than --full for a partner (man bus), and "
                 "its line here.\n"
              << fmt::format("fingerprint of this agent's key: {}\n", fingerprint_of(key));
    if (own.at("listening").empty())
        std::cerr << "This agent listens nowhere, so the other one has to: `bus listen "
                     "tcp://[::]:7700` on one of the two.\n";
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

int rotate(const Options& o) {
    if (o.file.empty())
        return print(
            keys_of(ask_agent(o.attachment, {{"request", "rotate_key"},
                                             {"overlap_seconds", o.overlap_seconds().count()}})));
    return print(change_file(o.file, [&](const Identity& identity) {
        return with_next_key(identity, o.overlap_seconds(), unix_seconds());
    }));
}

int drop(const Options& o) {
    if (o.file.empty())
        return print(keys_of(ask_agent(o.attachment, {{"request", "drop_old_key"}})));
    return print(change_file(o.file, without_old_key));
}

void add(Command& identity, Chosen& chosen, const char* name, const char* description,
         int (*run)(const Options&)) {
    auto options = std::make_shared<Options>();
    Command* command = identity.add_subcommand(name, description);
    command
        ->add_option("--file", options->file,
                     "Work on this identity file, of an agent that does not run")
        ->type_name("FILE");
    if (run == rotate)
        command
            ->add_duration("--overlap", options->overlap,
                           "How long both keys are good: 7d, 12h, 30m or 90s")
            ->check(duration_within(1s, 366 * 24h))
            ->required();
    options->attachment.add_options(*command);
    command->callback(
        [&chosen, options, run] { chosen = [options, run] { return run(*options); }; });
}

}  // namespace

void add_identity(Command& bus, Chosen& chosen) {
    Command* identity =
        bus.add_subcommand("identity", "Show, replace and drop the keys of this host's agent");
    auto options = std::make_shared<Options>();
    auto joins = std::make_shared<bool>(false);
    identity->add_flag("--join", *joins, "Print the line that adds this agent at another host");
    identity->callback([&chosen, options, joins] {
        if (chosen && (*joins || !options->attachment.runtime.empty()))
            throw Failure(ExitCode::usage,
                          "identity: --join stands alone, and --runtime comes behind the "
                          "subcommand (see bus identity --help)");
        if (chosen) return;  // a subcommand
        chosen = [options, joins] { return *joins ? join(*options) : show(*options); };
    });
    options->attachment.add_options(*identity);
    add(*identity, chosen, "show", "The agent's id and public keys", show);
    add(*identity, chosen, "rotate", "Make the next key; both are good for a while", rotate);
    add(*identity, chosen, "drop", "Drop the old key now", drop);
}

}  // namespace bus::cli
