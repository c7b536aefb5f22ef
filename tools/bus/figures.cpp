#include "figures.h"

#include <fmt/format.h>

#include <cmath>

namespace bus::cli {

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    return digits;
}

std::string counted(std::uint64_t number, const std::string& thing) {
    return grouped(number) + " " + thing + (number == 1 ? "" : "s");
}

std::string in_bytes(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    const char* unit = "";
    for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
        if (value < 1024) break;
        value /= 1024;
        unit = larger;
    }
    return fmt::format("{:.1f} {}", value, unit);
}

std::string in_millis(std::uint64_t millis) {
    constexpr std::uint64_t second = 1000, minute = 60 * second, hour = 60 * minute,
                            day = 24 * hour;
    if (millis < second) return fmt::format("{} ms", millis);
    if (millis < minute)
        return fmt::format("{:.1f} s", static_cast<double>(millis) / static_cast<double>(second));
    if (millis < hour) return fmt::format("{} min", millis / minute);
    if (millis < 2 * day) return fmt::format("{} h", millis / hour);
    return fmt::format("{} days", millis / day);
}

std::string significant(double number) {
    if (number >= 100) return grouped(static_cast<std::uint64_t>(std::llround(number)));
    return fmt::format("{:.3g}", number);
}

}  // namespace bus::cli
