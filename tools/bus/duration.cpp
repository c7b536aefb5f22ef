#include "duration.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace bus::cli {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t millis;
};

constexpr Unit units[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr double millis_max = 1'000 * 366 * 86'400'000.0;

std::optional<std::int64_t> millis_of(std::string_view unit) {
    if (unit.empty()) return 1'000;
    for (const auto& [name, millis] : units)
        if (unit == name) return millis;
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> read_duration(std::string_view text) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !(number >= 0)) return std::nullopt;
    const auto unit = millis_of(text.substr(static_cast<std::size_t>(end - text.data())));
    if (!unit) return std::nullopt;
    const double millis = std::ceil(number * static_cast<double>(*unit));
    if (!(millis <= millis_max)) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(millis)};
}

std::string text_of(std::chrono::milliseconds time) {
    for (const auto& [name, millis] : units)
        if (time.count() % millis == 0 && time.count() != 0)
            return std::to_string(time.count() / millis) + std::string{name};
    return "0s";
}

}  // namespace bus::cli
