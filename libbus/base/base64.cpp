#include "base/base64.h"

#include <algorithm>
#include <cstdint>

namespace bus {

namespace {
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}  // namespace

std::string base64(std::string_view bytes) {
    std::string text;
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = (group << 8) | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= bytes.size() ? digits[(group >> (18 - 6 * i)) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    for (; !text.empty(); text.remove_prefix(4)) {
        const bool is_last = text.size() == 4;
        const std::size_t padding = is_last ? 4 - text.find_last_not_of('=') - 1 : 0;
        if (padding > 2) return std::nullopt;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t digit = i < 4 - padding ? digits.find(text[i]) : 0;
            if (digit == std::string_view::npos) return std::nullopt;
            group = (group << 6) | static_cast<std::uint32_t>(digit);
        }
        for (std::size_t i = 0; i + padding < 3; ++i)
            bytes += static_cast<char>((group >> (16 - 8 * i)) & 0xFF);
    }
    return bytes;
}

}  // namespace bus
