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

}  // namespace

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
