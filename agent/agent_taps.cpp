// Those who look on (bus-tap): opened, read and closed on admin.sock.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent.h"
#include "agent_arguments.h"
#include "base/clock.h"
#include "bus/error.h"
#include "limits.h"
#include "observe/event_name.h"

namespace bus {
namespace {

// Throws Error.
std::set<core::Event::Kind> kinds_of(std::string_view names) {
    std::set<core::Event::Kind> kinds;
    while (!names.empty()) {
        const auto comma = std::min(names.find(','), names.size());
        const std::string_view name = names.substr(0, comma);
        const auto kind = observe::event_kind(name);
        if (!kind)
            throw Error{
                fmt::format("\"{}\" is no event; there are {}", name, observe::event_names())};
        kinds.insert(*kind);
        names.remove_prefix(std::min(comma + 1, names.size()));
    }
    return kinds;
}

// Throws Error.
observe::TapWish wish_of(const wire::AdminRequest& request) {
    const auto arguments =
        arguments_of(request, {"filter", "kind", "who", "events", "header", "value", "bytes_min",
                               "one_in", "contents", "snaplen"});
    observe::TapWish wish;
    wish.channels = channels_of(arguments, "filter",
                                {wire::Kind::topic, wire::Kind::queue, wire::Kind::service});
    wish.who = text_of(arguments, "who");
    wish.events = kinds_of(text_of(arguments, "events"));
    wish.header_key = text_of(arguments, "header");
    if (arguments.texts.contains("value")) wish.header_value = text_of(arguments, "value");
    wish.bytes_min = number_of(arguments, "bytes_min", 0);
    wish.one_in = std::max<std::uint64_t>(1, number_of(arguments, "one_in", 1));
    wish.contents = arguments.flag("contents");
    wish.snaplen =
        std::min<std::uint64_t>(number_of(arguments, "snaplen", 0), limits::tap_snaplen_max);
    return wish;
}

std::uint64_t tap_of(const wire::AdminRequest& request) {
    return required_number(arguments_of(request, {"tap"}), "tap");
}

Error no_such_tap(std::uint64_t id) {
    return Error{fmt::format("there is no tap {}: it was closed, or not read for longer than {} s",
                             id, std::chrono::seconds{limits::tap_unread_max}.count())};
}

}  // namespace

// Payloads are for root, and for users whose rule says so.
bool Agent::may_see_payloads(std::optional<std::uint32_t> uid) const {
    return uid && (*uid == 0 || std::ranges::any_of(config_.apps, [&](const AppConfig& app) {
               return app.uid == *uid && app.taps_payloads;
           }));
}

std::string Agent::open_tap(const wire::AdminRequest& request, Time now) {
    observe::TapWish wish = wish_of(request);
    const auto who = asked_by_ ? fmt::format("uid {}", *asked_by_) : std::string{"an unknown user"};
    if (wish.snaplen > 0 && !may_see_payloads(asked_by_))
        throw Error{
            "payloads are shown to root, and to users whose rule in \"apps\" says "
            "\"tap_payloads\": true"};
    const std::string sees =
        (wish.channels ? wish.channels->words() : "everything") +
        std::string{wish.snaplen > 0 ? ", with payloads" : (wish.contents ? ", with headers" : "")};
    const auto id = taps_.open(std::move(wish), now);
    if (!id) throw Error{fmt::format("{} taps are open (limits::taps_max)", taps_.count())};
    let_steps_show();
    log_.say(observe::Severity::notice, fmt::format("tap {}: opened by {}: {}", *id, who, sees),
             now);
    return observe::tap_reply(answer_to(request), *id);
}

std::string Agent::read_tap(const wire::AdminRequest& request, Time now) {
    const std::uint64_t id = tap_of(request);
    if (auto text = taps_.read(answer_to(request), id, now, wall_micros())) return *text;
    throw no_such_tap(id);
}

std::string Agent::close_tap(const wire::AdminRequest& request, Time now) {
    const std::uint64_t id = tap_of(request);
    if (!taps_.close(id)) throw no_such_tap(id);
    let_steps_show();
    log_.say(observe::Severity::notice, fmt::format("tap {}: closed", id), now);
    return observe::tap_reply(answer_to(request), id);
}

// What happened in this turn, and how much of the next one there is room for.
void Agent::show_taps(const core::Effects& effects, Time now) {
    if (!taps_.any()) return;
    for (const core::Event& step : effects.steps) taps_.offer(step);
    for (const core::Event& event : effects.events)
        if (!core::is_batch_event(event.kind) || !event.batch) taps_.offer(event);
    for (const core::Event& event : told_.events) taps_.offer(event);
    taps_.missed(effects.steps_missed);
    if (const auto ended = taps_.forget_unread(now); ended > 0)
        log_.say(observe::Severity::notice,
                 fmt::format("{} tap{} closed: nobody reads", ended, ended == 1 ? "" : "s"), now);
    let_steps_show();
}

void Agent::let_steps_show() {
    exchange_.show_steps(taps_.any() ? std::optional{taps_.room()} : std::nullopt);
}

}  // namespace bus
