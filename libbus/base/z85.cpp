#include "base/z85.h"

#include <cstdint>

#include "base/assert.h"

namespace bus {
namespace {

constexpr std::string_view alphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static_assert(alphabet.size() == 85);

// Five digits, the most significant first.
std::optional<std::uint32_t> group_value(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits) {
        const auto digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value * 85 + digit;
    }
    if (value > 0xFFFFFFFF) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string z85_text(Bytes bytes) {
    BUS_ASSERT(bytes.size() % 4 == 0);
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
        std::uint32_t value = 0;
        for (const std::byte b : bytes.subspan(at, 4))
            value = value << 8 | std::to_integer<std::uint32_t>(b);
        for (const std::uint32_t unit : {85u * 85 * 85 * 85, 85u * 85 * 85, 85u * 85, 85u, 1u})
            text.push_back(alphabet[value / unit % 85]);
    }
    return text;
}

std::optional<std::vector<std::byte>> z85_bytes(std::string_view text) {
    if (text.size() % 5 != 0) return std::nullopt;
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at < text.size(); at += 5) {
        const auto value = group_value(text.substr(at, 5));
        if (!value) return std::nullopt;
        for (const unsigned shift : {24u, 16u, 8u, 0u})
            bytes.push_back(static_cast<std::byte>(*value >> shift & 0xFF));
    }
    return bytes;
}

}  // namespace bus
