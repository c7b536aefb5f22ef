#include "tap_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "figures.h"
#include "status_figures.h"
#include "text_form.h"

namespace bus::cli {
namespace {

constexpr std::array good{"safe",    "arrived",         "acknowledged",
                          "link_up", "channel_resumed", "journal_resumed"};
constexpr std::array bad{"expired",        "dead_lettered",
                         "denied",         "refused",
                         "unrouted",       "lapsed",
                         "purged",         "best_effort_dropped",
                         "rule_denied",    "link_down",
                         "link_refused",   "link_gap",
                         "history_lost",   "journal_full",
                         "journal_failed", "journal_damaged",
                         "channel_held",   "dead_letters_dropped"};
constexpr std::size_t name_columns = 13;

template <std::size_t N>
bool is_one_of(const std::string& name, const std::array<const char*, N>& names) {
    return std::ranges::find(names, name) != names.end();
}

// In this host's time zone.
std::string time_text(std::uint64_t unix_micros) {
    const auto seconds = static_cast<std::time_t>(unix_micros / 1'000'000);
    return fmt::format("{:%H:%M:%S}.{:06}", fmt::localtime(seconds), unix_micros % 1'000'000);
}

std::string name_text(const std::string& name, const Paint& paint) {
    const std::string padded = fmt::format("{:<{}}", name, name_columns);
    if (is_one_of(name, good)) return paint.good(padded);
    return is_one_of(name, bad) ? paint.bad(padded) : padded;
}

std::string hex_dump(std::string_view bytes) {
    std::string text;
    for (std::size_t line = 0; line < bytes.size(); line += 16) {
        const std::string_view some = bytes.substr(line, 16);
        std::string hex, shown;
        for (const char c : some) {
            const auto code = static_cast<unsigned char>(c);
            hex += fmt::format("{:02x} ", code);
            shown += code >= 0x20 && code < 0x7F ? c : '.';
        }
        text += fmt::format("{:04x}  {:<48} {}\n", line, hex, shown);
    }
    return text;
}

std::string indented(const std::string& text) {
    std::string all;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        all += "      " + text.substr(at, end - at) + "\n";
        at = end + 1;
    }
    return all;
}

std::string text_of_payload(const std::string& text, const TapForm& form) {
    if (form.indents_json) {
        const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
        if (!json.is_discarded() && json.is_structured()) return json.dump(2);
    }
    return harmless(text, "\n\t");
}

std::string payload_text(const Json& payload, const TapForm& form) {
    const std::uint64_t bytes = number(payload, "bytes");
    std::string text;
    std::size_t shown = 0;
    if (payload.contains("text")) {
        const std::string whole = word(payload, "text");
        shown = whole.size();
        text = text_of_payload(whole, form);
    } else if (payload.contains("base64")) {
        const std::string whole = from_base64(word(payload, "base64")).value_or("");
        shown = whole.size();
        text = hex_dump(whole);
    } else {
        return {};
    }
    if (shown < bytes) text += fmt::format("\n[cut: it has {}]", in_bytes(bytes));
    return indented(text);
}

std::string contents_text(const Json& event, const TapForm& form, const Paint& paint) {
    std::string text;
    for (const Json& message : event.at("contents")) {
        text += "    " + paint.heading(fmt::format("{}", number(message, "sequence")));
        for (const auto& [key, value] : message.at("headers").items())
            text +=
                fmt::format("  {}={}", harmless(key, ""), harmless(value.get<std::string>(), ""));
        text += fmt::format("  {}\n", in_bytes(number(message.at("payload"), "bytes")));
        text += payload_text(message.at("payload"), form);
    }
    if (const auto left_out = number(event, "left_out"); left_out > 0)
        text += fmt::format("    [{} more]\n", counted(left_out, "message"));
    return text;
}

}  // namespace

std::string tap_text(const Json& event, const TapForm& form, const Paint& paint) {
    std::string line =
        time_text(number(event, "at_unix_micros")) + "  " + name_text(word(event, "event"), paint);
    const auto add = [&](const std::string& text) {
        if (!text.empty()) line += "  " + harmless(text, "");
    };
    const bool of_batch = event.contains("channel");
    if (of_batch) {
        add(word(event, "kind") + " " + word(event, "channel"));
        add(counted(number(event, "messages"), "message") + ", " +
            in_bytes(number(event, "bytes")));
        if (!event.at("guaranteed").get<bool>()) add("best effort");
        if (word(event, "priority") != "normal") add(word(event, "priority") + " priority");
    }
    add(word(event, "who"));
    if (event.contains("attempt")) add(fmt::format("attempt {}", number(event, "attempt")));
    add(word(event, "words"));
    if (of_batch) add(word(event, "producer") + "/" + std::to_string(number(event, "sequence")));
    line += "\n";
    if (event.contains("contents")) line += contents_text(event, form, paint);
    return line;
}

}  // namespace bus::cli
