#include "wire/names.h"

#include <xxhash.h>

#include "wire/bounds.h"

namespace bus::wire {
namespace {

constexpr std::string_view reserved_prefix = "$bus.";

bool is_token_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool is_token(std::string_view token) {
    if (token.empty()) return false;
    for (const char c : token)
        if (!is_token_char(c)) return false;
    return true;
}

// Takes the first token off the text; the dot behind it goes as well.
std::string_view take_token(std::string_view& text) {
    const auto dot = text.find('.');
    const auto token = text.substr(0, dot);
    text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    return token;
}

bool fits(std::string_view text) {
    return !text.empty() && text.size() <= channel_bytes_max && text.back() != '.';
}

constexpr std::string_view late_joiner_prefix = "_last.";
constexpr std::string_view reply_prefix = "$bus.reply.";
constexpr std::size_t id_digits = 32;

}  // namespace

std::string reply_address(const AgentId& agent, const ProducerId& producer) {
    return std::string{reply_prefix} + bus::to_text(agent) + "." + bus::to_text(producer);
}

bool is_reply_address(Kind kind, std::string_view channel) {
    return kind == Kind::service && read_reply_address(channel).has_value();
}

std::optional<ReplyAddress> read_reply_address(std::string_view channel) {
    constexpr auto at = reply_prefix.size();
    if (!channel.starts_with(reply_prefix) || channel.size() != at + 2 * id_digits + 1 ||
        channel[at + id_digits] != '.')
        return std::nullopt;
    const auto agent = id_from_text<AgentId>(channel.substr(at, id_digits));
    const auto producer = id_from_text<ProducerId>(channel.substr(at + id_digits + 1));
    if (!agent || !producer || agent->is_zero() || producer->is_zero()) return std::nullopt;
    return ReplyAddress{*agent, *producer};
}

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::topic:
            return "topic";
        case Kind::queue:
            return "queue";
        case Kind::service:
            return "service";
    }
    return "?";
}

bool is_channel(std::string_view name) {
    if (!fits(name)) return false;
    char before = '.';
    for (const char c : name) {
        if (c == '.' ? before == '.' : !is_token_char(c)) return false;
        before = c;
    }
    return true;
}

bool is_reserved(std::string_view name) {
    return fits(name) && name.starts_with(reserved_prefix) &&
           is_channel(name.substr(reserved_prefix.size()));
}

bool is_filter(std::string_view filter) {
    if (!fits(filter)) return false;
    if (filter.starts_with(reserved_prefix)) filter.remove_prefix(reserved_prefix.size());
    while (!filter.empty()) {
        const auto token = take_token(filter);
        if (token == "**") return filter.empty();
        if (token != "*" && !is_token(token)) return false;
    }
    return true;
}

bool is_name(std::string_view name) { return is_channel(name) && name.size() <= name_bytes_max; }

std::string group_address(std::string_view name, std::string_view filter) {
    return std::string{name} + ' ' + std::string{filter};
}

std::string late_joiner_name(std::uint64_t incarnation, std::uint32_t subscription) {
    return std::string{late_joiner_prefix} + std::to_string(incarnation) + "." +
           std::to_string(subscription);
}

bool is_late_joiner(std::string_view name_or_address) {
    return name_or_address.starts_with(late_joiner_prefix);
}

bool is_group_address(std::string_view address) {
    const auto space = address.find(' ');
    return address.size() <= channel_bytes_max && space != std::string_view::npos &&
           is_name(address.substr(0, space)) && is_filter(address.substr(space + 1));
}

bool covers(std::string_view rule, std::string_view filter) {
    while (!rule.empty()) {
        if (filter.empty()) return false;
        const auto allowed = take_token(rule);
        // A bare `**` must not catch the reserved names.
        if (allowed == "**") return filter.front() != '$';
        const auto token = take_token(filter);
        if (token == "**") return false;
        if (allowed == "*" ? token.front() == '$' : allowed != token) return false;
    }
    return filter.empty();
}

// A channel is the filter that only it matches.
bool matches(std::string_view filter, std::string_view channel) { return covers(filter, channel); }

std::uint64_t channel_hash(Kind kind, std::string_view name) {
    return XXH3_64bits_withSeed(name.data(), name.size(), static_cast<XXH64_hash_t>(kind));
}

}  // namespace bus::wire
