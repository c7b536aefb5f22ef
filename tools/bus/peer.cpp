// bus peer list|wait|rejoin: the links to this agent's peers, scripts that need
// one to be up, and the way on for who was restored from a backup. (bus peer
// remove: peer_remove.cpp.)
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "interruption.h"
#include "links_text.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds glance_max = 200ms;

struct Options {
    Attachment attachment;
    std::string name;
    std::optional<double> timeout_seconds;
    bool as_json = false;
};

Json links_of(const Attachment& attachment) {
    return ask_agent(attachment, {{"request", "status"}}).at("links");
}

int list(const Options& o) {
    const Json links = links_of(o.attachment);
    const std::string text = links.empty() ? "no peers\n" : links_text(links);
    std::cout << (o.as_json ? links.dump(2) + "\n" : text) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

Json link_to(const std::string& name, const Json& links) {
    std::string names;
    for (const Json& link : links) {
        if (link.at("peer") == name && link.at("state") != "not configured") return link;
        names += (names.empty() ? "" : ", ") + link.at("peer").get<std::string>();
    }
    throw Failure(ExitCode::failed,
                  fmt::format("there is no peer {}; {}", name,
                              names.empty() ? "the agent has none" : "there are " + names));
}

std::string still_down(const std::string& name, const Json& link) {
    const std::string error = error_text(link);
    return fmt::format("the link to {} is still down{}", name, error.empty() ? "" : ": " + error);
}

int wait(const Options& o, const Interruption& interruption) {
    const auto begin = Clock::now();
    for (auto glance = 10ms;; glance = std::min(2 * glance, glance_max)) {
        const Json link = link_to(o.name, links_of(o.attachment));
        if (link.at("state") == "up") return static_cast<int>(ExitCode::ok);
        const std::chrono::duration<double> waited = Clock::now() - begin;
        if (o.timeout_seconds && waited.count() >= *o.timeout_seconds)
            throw Failure(ExitCode::failed, still_down(o.name, link));
        if (interruption.comes_within(glance)) throw Interrupted{};
    }
}

void add_list(Command& peer, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand("list", "The peers, their links and what waits");
    command->add_flag("--json", options->as_json, "As JSON, with every figure");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return list(*options); }; });
}

void add_wait(Command& peer, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand("wait", "Wait until the link to a peer is up");
    command->add_option("NAME", options->name, "The peer, as the configuration names it")
        ->required();
    command->add_option("--timeout", options->timeout_seconds, "Give up after so long, with 1")
        ->check(number_not_below_zero())
        ->type_name("SECONDS");
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return wait(*options, interruption); };
    });
}

int show(const Options& o) {
    const Json link = link_to(o.name, links_of(o.attachment));
    std::cout << (o.as_json ? link.dump(2) + "\n" : links_text(Json::array({link}))) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

void add_show(Command& peer, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand("show", "One peer, its link and what waits");
    command->add_option("NAME", options->name, "The peer, as the configuration names it")
        ->required();
    command->add_flag("--json", options->as_json, "As JSON, with every figure");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return show(*options); }; });
}

int rejoin(const Options& o) {
    (void)ask_agent(o.attachment, {{"request", "rejoin"}, {"peer", o.name}});
    std::cout << fmt::format(
                     "the next link to {0} begins anew, within 30 s (see `bus peer wait {0}`);\n"
                     "the log of both agents tells then what may be lost\n",
                     o.name)
              << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

void add_rejoin(Command& peer, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand(
        "rejoin", "Link again although one of the two was restored from a backup, or cloned");
    command->add_option("NAME", options->name, "The peer, as the configuration names it")
        ->required();
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return rejoin(*options); }; });
}

}  // namespace

void add_peer(Command& bus, Chosen& chosen, const Interruption& interruption) {
    Command* peer =
        bus.add_subcommand("peer", "List this agent's peers, add, wait for, rejoin or remove one");
    peer->require_subcommand();
    add_list(*peer, chosen);
    add_show(*peer, chosen);
    add_wait(*peer, chosen, interruption);
    add_rejoin(*peer, chosen);
    add_peer_add(*peer, chosen);
    add_peer_remove(*peer, chosen);
}

}  // namespace bus::cli
