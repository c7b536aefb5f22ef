#include "byte_size.h"

#include <charconv>
#include <limits>

namespace bus {
namespace {

constexpr std::uint64_t power(std::uint64_t base, int exponent) {
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr Unit units[] = {
    {"TiB", power(1024, 4)},
    {"GiB", power(1024, 3)},
    {"MiB", power(1024, 2)},
    {"KiB", 1024},
    {"TB", power(1000, 4)},
    {"GB", power(1000, 3)},
    {"MB", power(1000, 2)},
    {"KB", 1000},
    {"kB", 1000},
    {"B", 1},
};

}  // namespace

std::optional<std::uint64_t> byte_size(std::string_view text) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (const Unit& unit : units) {
        if (text != unit.name) continue;
        if (count > std::numeric_limits<std::uint64_t>::max() / unit.bytes) return std::nullopt;
        return count * unit.bytes;
    }
    return std::nullopt;
}

std::string byte_size_text(std::uint64_t bytes) {
    for (const Unit& unit : units)
        if (unit.name.find('i') != std::string_view::npos && bytes != 0 && bytes % unit.bytes == 0)
            return std::to_string(bytes / unit.bytes) + std::string{unit.name};
    return std::to_string(bytes) + "B";
}

}  // namespace bus
