#include "io/peer_address.h"

#include <charconv>

namespace bus::io {
namespace {

// Cuts the last field off `text`, a number behind a colon.
std::optional<std::uint32_t> take_last(std::string_view& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(colon + 1);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    text.remove_suffix(digits.size() + 1);
    return value;
}

}  // namespace

std::optional<std::uint32_t> uid_of(std::string_view peer_address) {
    const auto pid = take_last(peer_address);
    const auto gid = pid ? take_last(peer_address) : std::nullopt;
    return gid ? take_last(peer_address) : std::nullopt;
}

}  // namespace bus::io
