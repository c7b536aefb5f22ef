#include "observe/payload_json.h"

#include "base/base64.h"

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

}  // namespace

Json payload_json(Bytes payload, std::size_t bytes_max) {
    const std::string_view whole = as_text(payload);
    const std::string_view text = whole.substr(0, cut_at(whole, bytes_max));
    if (is_text(text)) return {{"bytes", whole.size()}, {"text", text}};
    return {{"bytes", whole.size()}, {"base64", base64(whole.substr(0, bytes_max))}};
}

}  // namespace bus::observe
