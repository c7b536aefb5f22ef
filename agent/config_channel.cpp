#include "config_channel.h"

#include "config_values.h"

namespace bus {
namespace {

core::ChannelBound read_channel(const std::string& filter, ConfigSection& section) {
    core::ChannelBound bound{.channels = {.kind = std::nullopt, .filter = filter}, .waiting = {}};
    if (const auto why = why_no_filter(filter); !why.empty()) section.complain("", why);
    const std::string kind = section.text("kind");
    for (const auto known : {wire::Kind::topic, wire::Kind::queue})
        if (kind == wire::to_text(known)) bound.channels.kind = known;
    if (section.has("kind") && !bound.channels.kind)
        section.complain("kind", in_quotes(kind) +
                                     " is neither \"topic\" nor \"queue\"; without it both are "
                                     "meant");
    if (!section.has("limits"))
        section.complain("",
                         "\"limits\" is missing: what may wait on these channels, as { "
                         "\"waiting\": \"1GiB\", \"age\": \"1d\" }");
    bound.waiting = read_limits(section);
    section.finish();
    return bound;
}

}  // namespace

std::vector<core::ChannelBound> read_channels(ConfigSection& section) {
    std::vector<core::ChannelBound> bounds;
    section.each_member("channels", [&](const std::string& filter, ConfigSection& channel) {
        bounds.push_back(read_channel(filter, channel));
    });
    if (bounds.size() > limits::channel_bounds_max)
        section.complain("channels", std::to_string(bounds.size()) + " are too many: " +
                                         std::to_string(limits::channel_bounds_max) +
                                         " at most; a filter covers many channels");
    return bounds;
}

}  // namespace bus
