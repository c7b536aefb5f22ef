#include "config_channel.h"

#include <algorithm>
#include <iterator>

#include "config_values.h"

namespace bus {
namespace {

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
    if (section.has("limits")) said.waiting = read_limits(section);
    if (section.has("max_deliveries"))
        said.max_deliveries = static_cast<std::uint32_t>(
            section.number("max_deliveries", 0, 0, limits::max_deliveries_max));
    if (section.has("bury_expired")) said.bury_expired = section.boolean("bury_expired", false);
    if (!section.has("limits") && !section.has("max_deliveries") && !section.has("bury_expired"))
        section.complain("",
                         "nothing is said of these channels: \"limits\", as { \"waiting\": "
                         "\"1GiB\", \"age\": \"1d\" }, \"max_deliveries\" or \"bury_expired\"");
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
    const auto bounds =
        std::ranges::count_if(all, [](const auto& said) { return said.waiting != core::Bound{}; });
    complain_above(limits::channel_bounds_max, bounds, " with \"limits\"");
    complain_above(limits::channel_settings_max, std::ssize(all), "");
    return all;
}

}  // namespace bus
