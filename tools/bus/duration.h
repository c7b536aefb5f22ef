// Times as people write them: 500ms, 30s, 5m, 12h, 7d.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bus::cli {

// A number, with a fraction or not, and its unit; without a unit: seconds. Rounded up to a
// millisecond. nullopt: it is no time, negative, or beyond a thousand years.
std::optional<std::chrono::milliseconds> read_duration(std::string_view text);

// In the largest unit of which it is a whole number: "90s", "1h".
std::string text_of(std::chrono::milliseconds time);

}  // namespace bus::cli
