#include "config_channel.h"

#include <algorithm>
#include <iterator>

#include "config_values.h"

namespace bus {
namespace {

std::string read_dead_letter_to(ConfigSection& section) {
    std::string queue = section.text("dead_letter_to");
    if (!wire::is_channel(queue))
        section.complain(
            "dead_letter_to",
            in_quotes(queue) + " is no queue: tokens of A-Z a-z 0-9 _ - joined by dots");
    return queue;
}

std::uint64_t read_max_message(ConfigSection& section) {
    const auto bytes = section.bytes("max_message", 0, limits::message_bytes_floor);
    if (bytes > wire::message_bytes_max)
        section.complain("max_message", "a message may have 1GiB at most");
    return bytes;
}

bool read_retain(ConfigSection& section) {
    const std::string what = section.text("retain");
    if (what != "last" && what != "none")
        section.complain("retain", in_quotes(what) +
                                       " is neither \"last\", of each channel its last message, "
                                       "nor \"none\"");
    return what == "last";
}

std::string read_home(ConfigSection& section) {
    std::string home = section.text("home");
    if (!home.empty() && !wire::is_name(home))
        section.complain("home", in_quotes(home) +
                                     " is no agent: its name, or its id; \"\" lets the queue "
                                     "float again");
    return home;
}

core::ChannelSettings read_channel(const std::string& filter, ConfigSection& section) {
    core::ChannelSettings said{.channels = {.kind = std::nullopt, .filter = filter}, .waiting = {}};
    if (const auto why = why_no_filter(filter); !why.empty()) section.complain("", why);
    const std::string kind = section.text("kind");
    for (const auto known : {wire::Kind::topic, wire::Kind::queue})
        if (kind == wire::to_text(known)) said.channels.kind = known;
    if (section.has("kind") && !said.channels.kind)
        section.complain("kind", in_quotes(kind) +
                                     " is neither \"topic\" nor \"queue\"; without it both are "
                                     "meant");
    section.object("limits", [&](ConfigSection& limits) {
        said.waiting = read_publisher_bound(limits);
        said.waiting.age = read_age(limits);
        limits.finish();
    });
    if (section.has("max_deliveries"))
        said.max_deliveries = static_cast<std::uint32_t>(
            section.number("max_deliveries", 0, 0, limits::max_deliveries_max));
    if (section.has("bury_expired")) said.bury_expired = section.boolean("bury_expired", false);
    if (section.has("dead_letter_to")) said.dead_letter_to = read_dead_letter_to(section);
    if (section.has("return_after"))
        said.return_after = section.duration("return_after", Duration{}, std::chrono::seconds{1});
    if (section.has("lapse")) said.lapse = read_bound(section, "lapse");
    if (said.lapse && said.channels.kind == wire::Kind::queue)
        section.complain("lapse", "a queue holds its senders back: nothing of it lapses");
    if (section.has("max_message")) said.max_message = read_max_message(section);
    if (section.has("retain")) said.retain_last = read_retain(section);
    if (said.retain_last && said.channels.kind == wire::Kind::queue)
        section.complain("retain",
                         "a queue keeps its messages for its consumers: only topics "
                         "have late joiners");
    if (section.has("home")) said.home = read_home(section);
    if (section.has("exclusive")) said.exclusive = section.boolean("exclusive", false);
    for (const char* const of_queues : {"home", "exclusive"})
        if (section.has(of_queues) && said.channels.kind != wire::Kind::queue)
            section.complain(of_queues, "only queues have that: say \"kind\": \"queue\"");
    if (said.exclusive.value_or(false) && said.home.value_or("").empty())
        section.complain("exclusive",
                         "where a queue floats each host has its own consumers: say with \"home\" "
                         "who keeps it");
    const auto keys = {"limits", "max_deliveries", "bury_expired", "dead_letter_to", "return_after",
                       "lapse",  "max_message",    "retain",       "home",           "exclusive"};
    if (std::ranges::none_of(keys, [&](const char* key) { return section.has(key); }))
        section.complain("",
                         "nothing is said of these channels: \"limits\", as { \"waiting\": "
                         "\"1GiB\", \"messages\": 100000, \"rate\": 500, \"age\": \"1d\" }, "
                         "\"max_deliveries\", \"bury_expired\", "
                         "\"dead_letter_to\", \"return_after\", \"lapse\", \"max_message\", "
                         "\"retain\", \"home\" or "
                         "\"exclusive\"");
    section.finish();
    return said;
}

}  // namespace

std::vector<core::ChannelSettings> read_channels(ConfigSection& section) {
    std::vector<core::ChannelSettings> all;
    section.each_member("channels", [&](const std::string& filter, ConfigSection& channel) {
        all.push_back(read_channel(filter, channel));
    });
    const auto complain_above = [&](std::size_t most, std::ptrdiff_t count, std::string_view what) {
        if (count > static_cast<std::ptrdiff_t>(most))
            section.complain("channels", std::to_string(count) + " are too many" +
                                             std::string{what} + ": " + std::to_string(most) +
                                             " at most; a filter covers many channels");
    };
    const auto bounds = std::ranges::count_if(
        all, [](const auto& said) { return said.waiting != core::PublisherBound{}; });
    complain_above(limits::channel_bounds_max, bounds, " with \"limits\"");
    complain_above(limits::channel_settings_max, std::ssize(all), "");
    return all;
}

}  // namespace bus
