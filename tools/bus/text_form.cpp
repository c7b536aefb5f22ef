#include "text_form.h"

#include <cstdint>

namespace bus::cli {
namespace {

struct Lead {
    std::size_t length = 0;  // 0: no byte that a character begins with
    std::uint32_t bits = 0, least = 0;
};

Lead lead_of(unsigned char byte) noexcept {
    if (byte < 0x80) return {1, byte, 0};
    if ((byte & 0xE0) == 0xC0) return {2, byte & 0x1Fu, 0x80};
    if ((byte & 0xF0) == 0xE0) return {3, byte & 0x0Fu, 0x800};
    if ((byte & 0xF8) == 0xF0) return {4, byte & 0x07u, 0x10000};
    return {};
}

// The length of the character that the text begins with; 0: it begins with none.
std::size_t character_length(std::string_view text) noexcept {
    const Lead lead = lead_of(static_cast<unsigned char>(text.front()));
    if (lead.length == 0 || lead.length > text.size()) return 0;
    std::uint32_t code = lead.bits;
    for (const char c : text.substr(1, lead.length - 1)) {
        if ((c & 0xC0) != 0x80) return 0;
        code = (code << 6) | (static_cast<unsigned char>(c) & 0x3Fu);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < lead.least || code > 0x10FFFF || surrogate ? 0 : lead.length;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string harmless(std::string text, std::string_view kept) {
    for (char& c : text) {
        const auto code = static_cast<unsigned char>(c);
        if ((code < ' ' || code == 0x7F) && kept.find(c) == std::string_view::npos) c = ' ';
    }
    return text;
}

}  // namespace bus::cli
