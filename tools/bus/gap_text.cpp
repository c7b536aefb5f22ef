#include "gap_text.h"

#include <bus/subscription.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "figures.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

// "2026-11-22 07:10:00 UTC"
std::string moment(std::uint64_t micros) {
    const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

std::string reason_text(std::string reason) {
    for (char& c : reason)
        if (c == '_') c = ' ';
    return reason;
}

std::string last_text(const std::string& reason, const std::string& channel, std::uint64_t messages,
                      std::uint64_t from, std::uint64_t to) {
    std::string text = messages == 0 ? "an unknown number" : grouped(messages);
    if (!channel.empty()) text += " on " + channel;
    text += ", " + reason_text(reason);
    if (from > 0) text += ", taken " + moment(from);
    return to > from ? text + " to " + moment(to) : text;
}

}  // namespace

std::string lost_text(const Json& gaps) {
    const Json last = gaps.value("last", Json{});
    if (last.is_null()) return {};
    std::string text = grouped(gaps.at("total").get<std::uint64_t>()) + " lost";
    const char* before = ": ";
    for (const char* reason : {"lapsed", "best_effort", "damaged", "restored"})
        if (const auto count = gaps.value(reason, std::uint64_t{0}); count > 0)
            text += std::exchange(before, ", ") + grouped(count) + " " + reason_text(reason);
    return text + "; last " +
           last_text(last.at("reason").get<std::string>(), last.at("channel").get<std::string>(),
                     last.at("messages").get<std::uint64_t>(),
                     last.at("from_micros").get<std::uint64_t>(),
                     last.at("to_micros").get<std::uint64_t>());
}

void tell_gap(Consumer& consumer) {
    const auto gap = consumer.take_gap();
    if (!gap) return;
    std::cerr << fmt::format(
        "bus: {} will never come; last {}\n",
        gap->untold == 0 ? "an unknown number of messages" : counted(gap->untold, "message"),
        last_text(std::string{to_text(gap->reason)}, gap->channel, gap->messages, gap->from_micros,
                  gap->to_micros));
}

}  // namespace bus::cli
