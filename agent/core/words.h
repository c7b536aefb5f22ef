// Counts and times as sentences have them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/destination.h"

namespace bus::core {

// What people, and programs in JSON, call it.
inline const char* word_of(Destination::Type type) {
    switch (type) {
        case Destination::Type::queue:
            return "queue";
        case Destination::Type::durable:
            return "durable";
        case Destination::Type::anonymous:
            return "anonymous";
        case Destination::Type::agent:
            return "agent";
        case Destination::Type::delay:
            return "delayed";
        case Destination::Type::service:
            return "service";
        case Destination::Type::shared:
            return "group";
    }
    return "?";
}

// "1 message", "12 messages"
inline std::string counted(std::uint64_t number, const std::string& thing) {
    return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

// "a, b, c"
inline std::string joined(const std::vector<std::string>& items) {
    std::string all;
    for (const auto& item : items) all += (all.empty() ? "" : ", ") + item;
    return all;
}

// "250 ms", "12 s", "3 min", "5 h", "4 days"; 0 ms for what is to come.
inline std::string in_words(Duration time) {
    using namespace std::chrono_literals;
    const auto text = [](auto count, const char* unit) {
        return std::to_string(std::max<std::int64_t>(0, count)) + " " + unit;
    };
    if (time < 1s)
        return text(std::chrono::duration_cast<std::chrono::milliseconds>(time).count(), "ms");
    if (time < 1min) return text(time / 1s, "s");
    if (time < 1h) return text(time / 1min, "min");
    if (time < 48h) return text(time / 1h, "h");
    return text(time / 24h, "days");
}

}  // namespace bus::core
