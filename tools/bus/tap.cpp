// bus tap: what happens to messages at this host's agent, as it happens.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "figures.h"
#include "interruption.h"
#include "output.h"
#include "question.h"
#include "subcommands.h"
#include "tap_text.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

// How soon what happens is shown, while little does.
constexpr std::chrono::milliseconds glance{50};

struct Options {
    Attachment attachment;
    std::string filter, kind, who, header;
    std::vector<std::string> events;
    std::uint64_t bytes_min = 0, one_in = 1, count = 0, snaplen = 0;
    bool headers = false, as_json = false, indents_json = false;
};

Json request_of(const Options& o) {
    Json request{{"request", "tap_open"}};
    if (!o.filter.empty()) request["filter"] = o.filter;
    if (!o.kind.empty()) request["kind"] = o.kind;
    if (!o.who.empty()) request["who"] = o.who;
    if (!o.events.empty()) request["events"] = fmt::format("{}", fmt::join(o.events, ","));
    if (!o.header.empty()) {
        const std::size_t equals = o.header.find('=');
        request["header"] = o.header.substr(0, equals);
        if (equals != std::string::npos) request["value"] = o.header.substr(equals + 1);
    }
    if (o.bytes_min > 0) request["bytes_min"] = o.bytes_min;
    if (o.one_in > 1) request["one_in"] = o.one_in;
    if (o.headers || o.snaplen > 0) request["contents"] = true;
    if (o.snaplen > 0) request["snaplen"] = o.snaplen;
    return request;
}

class Tap {
  public:
    Tap(const Options& options, const Interruption& interruption)
        : options_(options),
          interruption_(interruption),
          agent_(options.attachment),
          paint_(wants_colours()) {}
    int run();

  private:
    bool is_enough() const { return options_.count > 0 && shown_ >= options_.count; }
    void show(const Json& read);

    const Options& options_;
    const Interruption& interruption_;
    const AgentTalk agent_;
    const Paint paint_;
    std::uint64_t shown_ = 0, missed_ = 0;
};

void Tap::show(const Json& read) {
    std::string text;
    if (const auto missed = read.at("missed").get<std::uint64_t>(); missed > 0) {
        missed_ += missed;
        write_error(fmt::format("bus: {} not shown: they came faster than they were read\n",
                                counted(missed, "event")));
    }
    for (const Json& event : read.at("events")) {
        if (is_enough()) break;
        ++shown_;
        text += options_.as_json ? event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                 : tap_text(event, {options_.indents_json}, paint_);
    }
    write_out(text);
}

int Tap::run() {
    const Json tap = agent_.ask(request_of(options_)).at("tap");
    for (bool more = true; !is_enough();) {
        if (interruption_.comes_within(more ? 0ms : glance)) break;
        const Json read = agent_.ask({{"request", "tap_read"}, {"tap", tap}});
        show(read);
        more = read.at("more").get<bool>();
    }
    (void)agent_.ask({{"request", "tap_close"}, {"tap", tap}});
    if (!options_.as_json)
        write_error(fmt::format("bus: {} shown{}\n", counted(shown_, "event"),
                                missed_ > 0 ? fmt::format(", {} not", grouped(missed_)) : ""));
    return static_cast<int>(ExitCode::ok);
}

}  // namespace

void add_tap(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command = bus.add_subcommand("tap", "Show what happens to messages, as it happens");
    command->add_option("FILTER", options->filter,
                        "Only on channels that it matches; quote it for your shell");
    command->add_option("--kind", options->kind, "Only topics, queues or services")
        ->check(one_of({"topic", "queue", "service"}));
    command->add_list("--event", options->events,
                      "Only this event: safe, sent, handed_out, link_down ... (man bus); may be "
                      "repeated");
    command->add_option("--who", options->who,
                        "Only of this peer or app (its name, or \"uid 1000\")");
    command->add_option("--header", options->header, "Only messages with this header")
        ->type_name("KEY[=VALUE]");
    command->add_option("--min-bytes", options->bytes_min, "Only batches of this size or more")
        ->transform(size_in_bytes())
        ->type_name("BYTES");
    command->add_option("--sample", options->one_in, "Only one in N of what matches")
        ->check(whole_number_above_zero())
        ->type_name("N");
    command->add_option("--count", options->count, "End after so many events")
        ->check(whole_number_above_zero())
        ->type_name("N");
    command->add_flag("--headers", options->headers, "Show each message with its headers");
    command
        ->add_option("--snaplen", options->snaplen,
                     "Show so many bytes of each payload, 6144 at most: for root, and users "
                     "whose rule allows it")
        ->check(whole_number_above_zero())
        ->type_name("BYTES");
    command->add_flag("--indent", options->indents_json, "Indent payloads that are JSON");
    command->add_flag("--json", options->as_json, "One JSON object a line");
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return Tap{*options, interruption}.run(); };
    });
}

}  // namespace bus::cli
