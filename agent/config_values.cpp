#include "config_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/z85.h"
#include "wire/name_fault.h"
#include "wire/names.h"

namespace bus {
namespace {

constexpr std::string_view name_rule =
    "is no valid name: letters, digits, _ and - in tokens joined by dots, 255 bytes at most";
constexpr std::string_view filter_rule =
    "tokens of letters, digits, _ and - joined by dots; * is one token, a last ** is all the rest";

// Several frames, and longer than a link takes to come back.
constexpr std::uint64_t waiting_min = limits::MiB;
constexpr Duration age_min = std::chrono::seconds{60};

using Filters = std::vector<std::string> core::Permissions::*;
constexpr std::array<std::pair<std::string_view, Filters>, 6> permissions{{
    {"publish", &core::Permissions::publish},
    {"subscribe", &core::Permissions::subscribe},
    {"send", &core::Permissions::send},
    {"receive", &core::Permissions::receive},
    {"request", &core::Permissions::request},
    {"serve", &core::Permissions::serve},
}};

std::vector<std::string> read_filters(ConfigSection& section, std::string_view key) {
    std::vector<std::string> filters;
    section.each_text(key, [&](const std::string& filter, unsigned index) {
        if (const auto why = why_no_filter(filter); !why.empty()) section.complain(key, index, why);
        filters.push_back(filter);
    });
    return filters;
}

}  // namespace

bool is_tcp_address(std::string_view text, unsigned lowest_port) {
    constexpr std::string_view scheme = "tcp://";
    const auto colon = text.rfind(':');
    if (!text.starts_with(scheme) || colon <= scheme.size()) return false;
    if (text.find_first_of(" \t\n;,/", scheme.size()) != std::string_view::npos) return false;
    const auto digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc{} && end == digits.data() + digits.size() && port >= lowest_port &&
           port < 65'536;
}

// Empty: it is a key.
std::string why_no_key(std::string_view key) {
    constexpr std::string_view advice = "; copy the last word that \"bus keygen\" printed";
    if (key.size() != curve_key_characters)
        return "a key has 40 characters, this has " + std::to_string(key.size()) +
               std::string{advice};
    for (std::size_t at = 0; at < key.size(); ++at)
        if (!z85_bytes("0000" + std::string{key[at]}))
            return "character " + std::to_string(at + 1) + " (" + in_quotes(key.substr(at, 1)) +
                   ") is in no key" + std::string{advice};
    if (!z85_bytes(key)) return "one of the characters is wrong" + std::string{advice};
    return {};
}

std::string read_name(ConfigSection& section, std::string_view purpose) {
    std::string name = section.required_text("name", purpose);
    if (!name.empty() && !wire::is_name(name))
        section.complain("name", in_quotes(name) + " " + std::string{name_rule});
    return name;
}

std::string why_no_filter(std::string_view filter) {
    const std::string fault = wire::filter_fault(filter);
    if (fault.empty()) return {};
    return in_quotes(filter) + " is no valid filter: " + fault + " (" + std::string{filter_rule} +
           ")";
}

core::Bound read_bound(ConfigSection& section, std::string_view key) {
    core::Bound bound;
    section.object(key, [&](ConfigSection& limits) {
        bound.bytes = limits.bytes("waiting", 0, waiting_min);
        bound.age = read_age(limits);
        limits.finish();
    });
    return bound;
}

Duration read_age(ConfigSection& limits) { return limits.duration("age", Duration{}, age_min); }

core::PublisherBound read_publisher_bound(ConfigSection& limits) {
    core::PublisherBound bound;
    bound.bytes = limits.bytes("waiting", 0, waiting_min);
    if (limits.has("messages"))
        bound.messages = limits.number("messages", 0, 1, limits::waiting_messages_max);
    if (limits.has("rate"))
        bound.rate =
            static_cast<std::uint32_t>(limits.number("rate", 0, 1, limits::publish_rate_max));
    const std::string at_limit = limits.has("at_limit") ? limits.text("at_limit") : "hold";
    if (at_limit == "refuse")
        bound.at_limit = core::AtLimit::refuse;
    else if (at_limit != "hold")
        limits.complain("at_limit", in_quotes(at_limit) +
                                        " is neither \"hold\", so that publishers wait, nor "
                                        "\"refuse\". (A durable subscription that shall lose the "
                                        "oldest has \"lapse\".)");
    if (bound.at_limit == core::AtLimit::refuse && bound.bytes == 0 && bound.messages == 0 &&
        bound.rate == 0)
        limits.complain("at_limit", "there is no limit: \"waiting\", \"messages\" or \"rate\"");
    return bound;
}

core::Permissions read_permissions(ConfigSection& section) {
    core::Permissions may;
    for (const auto& [key, filters] : permissions) may.*filters = read_filters(section, key);
    return may;
}

bool has_permissions(const ConfigSection& section) {
    return std::ranges::any_of(permissions, [&](const auto& p) { return section.has(p.first); });
}

std::string permission_keys() {
    std::string keys;
    for (const auto& [key, filters] : permissions)
        keys += (keys.empty() ? "" : ", ") + in_quotes(key);
    return keys;
}

std::string permissions_text(const core::Permissions& may) {
    std::string all;
    for (const auto& [key, filters] : permissions) {
        if ((may.*filters).empty()) continue;
        all += (all.empty() ? "" : ", ") + std::string{key} + " [";
        for (const auto& filter : may.*filters) all += (all.ends_with('[') ? "" : ", ") + filter;
        all += ']';
    }
    return all.empty() ? "nothing" : all;
}

}  // namespace bus
