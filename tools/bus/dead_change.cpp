// bus dead retry and bus dead purge. The agent does a page at a time and
// answers when that is on disk; so this command sets the pace, and wherever it
// ends, each message is either a dead letter still or what it was to become.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "command.h"
#include "dead.h"
#include "dead_text.h"
#include "figures.h"
#include "interruption.h"
#include "progress.h"
#include "question.h"
#include "status_figures.h"

namespace bus::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t ids_in_request = 500;
constexpr double pages_per_second = 10;  // where a rate is asked for

struct Options {
    const char* request;
    const char* verb;
    Attachment attachment;
    DeadFilter filter;
    std::set<std::string> ids;
    double rate = 0;  // messages a second; 0: as fast as it goes
    bool all = false, dry_run = false, as_json = false;
};

void refuse_unmeant(const Options& o) {
    if (!o.ids.empty() && !o.filter.is_empty())
        throw Failure(ExitCode::usage, "either IDs, or --channel, --queue and --reason");
    if (o.ids.empty() && o.filter.is_empty() && !o.all)
        throw Failure(ExitCode::usage,
                      "which? Give IDs as `bus dead list` shows them, --channel FILTER, --queue, "
                      "--reason WORD, or --all");
}

// The requests that together mean what is asked for: so many ids in each.
std::vector<Json> requests_of(const Options& o) {
    Json request{{"request", o.request}, {"dry_run", o.dry_run}};
    o.filter.add_to(request);
    if (o.all) request["all"] = true;
    if (o.rate > 0)
        request["limit"] =
            std::max<std::uint64_t>(1, static_cast<std::uint64_t>(o.rate / pages_per_second));
    if (o.ids.empty()) return {request};
    std::vector<Json> requests;
    std::string ids;
    std::size_t count = 0;
    const auto close = [&] {
        request["ids"] = std::exchange(ids, {});
        requests.push_back(request);
        count = 0;
    };
    for (const auto& id : o.ids) {
        ids += (ids.empty() ? "" : ",") + id;
        if (++count == ids_in_request) close();
    }
    if (count > 0) close();
    return requests;
}

class Change {
  public:
    Change(const Options& options, const Interruption& interruption)
        : options_(options), interruption_(interruption) {}

    Json run() {
        for (Json& request : requests_of(options_)) {
            for (bool last = false; !last;) {
                const Json page = ask_agent(options_.attachment, request);
                add(page);
                last = page.at("last").get<bool>();
                request["after"] = page.at("after");
                request["through"] = page.at("through");
                if (!last) keep_pace();
            }
        }
        return total_;
    }

  private:
    void add(const Json& page) {
        for (const char* key : {"letters", "messages", "bytes"})
            total_[key] = number(total_, key) + number(page, key);
        for (const Json& left : page.at("left")) add_left(left);
    }
    void add_left(const Json& left) {
        for (Json& known : total_["left"]) {
            if (word(known, "why") != word(left, "why")) continue;
            for (const char* key : {"letters", "messages"})
                known[key] = number(known, key) + number(left, key);
            return;
        }
        total_["left"].push_back(left);
    }
    // Until the rate allows more; and what has been asked to end, ends here.
    void keep_pace() {
        progress_.update([&] {
            return fmt::format("{} {}", options_.verb,
                               counted(number(total_, "messages"), "message"));
        });
        auto wait = std::chrono::milliseconds{0};
        if (options_.rate > 0) {
            const std::chrono::duration<double> due{
                static_cast<double>(number(total_, "messages")) / options_.rate};
            wait = std::chrono::duration_cast<std::chrono::milliseconds>(due -
                                                                         (Clock::now() - start_));
        }
        if (!interruption_.comes_within(std::max(wait, std::chrono::milliseconds{0}))) return;
        progress_.clear();
        std::cerr << "bus: interrupted; " << dead_done_text(total_, options_.verb)
                  << "The others are dead letters as before.\n";
        throw Interrupted{};
    }

    const Options& options_;
    const Interruption& interruption_;
    const Clock::time_point start_ = Clock::now();
    Progress progress_;
    Json total_{{"letters", 0},
                {"messages", 0},
                {"bytes", 0},
                {"left", Json::array()},
                {"dry_run", options_.dry_run}};
};

int change(const Options& o, const Interruption& interruption) {
    refuse_unmeant(o);
    const Json done = Change{o, interruption}.run();
    std::cout << (o.as_json ? done.dump(2) + "\n" : dead_done_text(done, o.verb)) << std::flush;
    if (!std::cout) return static_cast<int>(ExitCode::output);
    return static_cast<int>(done.at("left").empty() ? ExitCode::ok : ExitCode::failed);
}

Command* add(Command& dead, Chosen& chosen, const Interruption& interruption,
             const std::shared_ptr<Options>& options, const char* name, const char* description) {
    Command* command = dead.add_subcommand(name, description);
    command->add_option("ID", options->ids, "As `bus dead list` shows them")
        ->check(whole_number_above_zero());
    options->filter.add_options(*command);
    command->add_flag("--all", options->all, "All of them");
    command->add_flag("--dry-run", options->dry_run, "Only say what would happen");
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return change(*options, interruption); };
    });
    return command;
}

}  // namespace

void add_dead_retry(Command& dead, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>(Options{
        .request = "dead_retry", .verb = "retried", .attachment = {}, .filter = {}, .ids = {}});
    add(dead, chosen, interruption, options, "retry",
        "Give them back to where they died: a queue, a subscription, or what an agent is owed")
        ->add_option("--rate", options->rate, "So many messages a second at most")
        ->check(number_not_below_zero())
        ->type_name("N");
}

void add_dead_purge(Command& dead, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>(Options{
        .request = "dead_purge", .verb = "purged", .attachment = {}, .filter = {}, .ids = {}});
    (void)add(dead, chosen, interruption, options, "purge", "Do away with them, for good");
}

}  // namespace bus::cli
