// bus ping: how long it takes to each agent on the way to another, and back.
// As traceroute does it: the question may be passed on by ever more agents, and
// whoever may not pass it on answers. This host's agent measures.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "far_question.h"
#include "interruption.h"
#include "ping_text.h"
#include "question.h"
#include "subcommands.h"
#include "table.h"
#include "way_text.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

struct Options {
    Attachment attachment;
    std::string name;
    std::uint64_t count = 1;
    double timeout_seconds = 5;
    bool as_json = false;
    std::chrono::milliseconds patience() const {
        return std::chrono::milliseconds{static_cast<std::int64_t>(timeout_seconds * 1000)};
    }
};

// Whom to ask, and the names on the way, its own last. Of an agent that wants nothing only the id
// is known, until it has answered.
struct Way {
    std::string agent;
    std::vector<std::string> names;
};

bool is_named(const Json& agent, const std::string& name) {
    return agent.at("name") == name || agent.at("agent") == name;
}

Way way_to(const std::string& name, const Json& status) {
    for (const Json& link : status.at("links"))
        if (link.at("peer") == name && link.at("agent").is_null()) return {name, {name}};
    const Json* found = nullptr;
    for (const Json& agent : status.at("agents"))
        if (is_named(agent, name) && (found == nullptr || agent.at("path").size() == 1))
            found = &agent;
    if (found == nullptr)
        throw Failure(
            ExitCode::failed,
            fmt::format("no agent {} is known here; `bus status` shows those that are", name));
    Way way{name, found->at("path").get<std::vector<std::string>>()};
    if (way.names.empty())
        throw Failure(ExitCode::failed, fmt::format("no way to {} is known", name));
    return way;
}

class Ping {
  public:
    Ping(const Options& options, const Interruption& interruption)
        : options_(options),
          interruption_(interruption),
          questions_(options_.attachment, interruption, options.patience()),
          way_(way_to(options.name, ask_agent(options.attachment, {{"request", "status"}}))) {
        for (const auto& name : way_.names)
            if (!is_agent_id(name)) columns_ = std::max(columns_, width_of(name));
    }

    int run();

  private:
    void measure_all();
    void measure_hops();
    Hop measure(std::size_t number);
    void print(const std::string& text) const;
    void conclude() const;

    const Options& options_;
    const Interruption& interruption_;
    const FarQuestions questions_;
    Way way_;
    std::size_t columns_ = 0;
    std::vector<std::vector<Hop>> rounds_;
};

void Ping::print(const std::string& text) const {
    std::cout << text << std::flush;
    if (!std::cout) throw Failure(ExitCode::output, "standard output was closed");
}

// `number` counts from 0.
Hop Ping::measure(std::size_t number) {
    const auto asked = questions_.ask({way_.agent, "presence", number});
    Hop hop{.name = way_.names[number], .millis = {}, .words = asked.refused, .is_end = true};
    if (!asked.refused.empty()) {
        if (rounds_.size() == 1) throw Failure(ExitCode::failed, asked.refused);
        return hop;
    }
    const auto answer = questions_.wait(asked);
    hop.is_end = false;
    if (!answer) {
        hop.words = fmt::format("no answer within {:g} s", options_.timeout_seconds);
        return hop;
    }
    const auto outcome = answer->at("outcome").get<std::string>();
    if (outcome != "target" && outcome != "on_the_way") {
        hop.words = answer->at("words").get<std::string>();
        hop.is_end = true;
        return hop;
    }
    // Behind a neighbour the way may be another one than is known here.
    if (number > 0) hop.name = way_.names[number] = answer->at("name").get<std::string>();
    hop.millis = answer->at("rtt_micros").get<double>() / 1000;
    return hop;
}

// Behind a hop that is silent only the last one is asked: none of them is likely to answer.
void Ping::measure_hops() {
    auto& round = rounds_.emplace_back();
    std::optional<double> before;
    const std::size_t last = way_.names.size() - 1;
    for (std::size_t number = 0; number <= last; ++number) {
        const Hop hop = measure(number);
        if (!options_.as_json) print(hop_line(number + 1, hop, before, columns_));
        round.resize(number);  // with those that were left out
        round.push_back(hop);
        if (hop.is_end) return;
        if (hop.millis)
            before = hop.millis;
        else if (number < last)
            number = last - 1;
    }
}

void Ping::measure_all() {
    for (std::uint64_t n = 0; n < options_.count; ++n) {
        if (n > 0 && interruption_.comes_within(1s)) throw Interrupted{};
        measure_hops();
    }
}

void Ping::conclude() const {
    if (options_.as_json)
        print(Json{{"agent", options_.name}, {"rounds", ping_json(rounds_)}}.dump(2) + "\n");
    else if (rounds_.size() > 1)
        print("\n" + ping_summary(way_.names, rounds_));
}

int Ping::run() {
    try {
        measure_all();
    } catch (const Interrupted&) {
        conclude();
        throw;
    }
    conclude();
    const bool reached = std::any_of(rounds_.begin(), rounds_.end(), [&](const auto& round) {
        return round.size() == way_.names.size() && round.back().millis;
    });
    return static_cast<int>(reached ? ExitCode::ok : ExitCode::failed);
}

}  // namespace

void add_ping(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command =
        bus.add_subcommand("ping", "Measure the round trip to another agent, hop by hop");
    command->add_option("AGENT", options->name, "A peer, or an agent behind one: its name or id")
        ->required();
    command->add_option("--count", options->count, "So many times, one a second")
        ->check(whole_number_above_zero())
        ->type_name("N")
        ->capture_default_str();
    command
        ->add_option("--timeout", options->timeout_seconds,
                     "How long to wait for each hop's answer")
        ->check(number_not_below_zero())
        ->type_name("SECONDS")
        ->capture_default_str();
    command->add_flag("--json", options->as_json, "As JSON, when all is measured");
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return Ping{*options, interruption}.run(); };
    });
}

}  // namespace bus::cli
