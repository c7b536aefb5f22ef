#include "observe/payload_json.h"

#include <algorithm>

namespace bus::observe {
namespace {

// Where a text may be cut: not within a character.
std::size_t cut_at(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text.size();
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0u) == 0x80u) --most;
    return most;
}

bool is_text(std::string_view text) {
    try {
        (void)Json(text).dump();
        return text.find('\0') == std::string_view::npos;
    } catch (const Json::type_error&) {
        return false;
    }
}

std::string base64(std::string_view bytes) {
    static constexpr char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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

}  // namespace

Json payload_json(Bytes payload) {
    const std::string_view whole = as_text(payload);
    const std::string_view text = whole.substr(0, cut_at(whole, payload_shown_max));
    if (is_text(text)) return {{"bytes", whole.size()}, {"text", text}};
    return {{"bytes", whole.size()}, {"base64", base64(whole.substr(0, payload_shown_max))}};
}

}  // namespace bus::observe
