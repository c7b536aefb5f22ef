#include "base/id.h"

namespace bus {

std::string id_text(const std::array<std::uint64_t, 2>& words) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(32);
    for (const std::uint64_t word : words)
        for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[(word >> shift) & 15]);
    return text;
}

std::optional<std::array<std::uint64_t, 2>> id_words(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    std::array<std::uint64_t, 2> words{};
    for (std::size_t i = 0; i < 32; ++i) {
        const char c = text[i];
        unsigned digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a' + 10);
        else
            return std::nullopt;
        words[i / 16] = words[i / 16] << 4 | digit;
    }
    return words;
}

}  // namespace bus
