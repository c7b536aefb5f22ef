#include "last_line.h"

#include <algorithm>

#include "text_form.h"

namespace bus::cli {
namespace {

constexpr std::size_t bytes_max = 200;  // of a reason, PROTOCOL.md

// Cut between characters.
std::string_view shortened(std::string_view text) {
    std::size_t end = std::min(text.size(), bytes_max);
    while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace

void LastLine::add(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t room = bytes_max + 4 - std::min(current_.size(), bytes_max + 4);
        current_ += bytes.substr(0, std::min(end, room));
        if (end == bytes.size()) return;
        if (!current_.empty()) last_ = std::move(current_);
        current_.clear();
        bytes.remove_prefix(end + 1);
    }
}

std::string LastLine::text() const {
    std::string text{shortened(current_.empty() ? last_ : current_)};
    const bool readable = is_utf8(text);
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F || (!readable && byte >= 0x80)) c = '?';
    }
    return text;
}

}  // namespace bus::cli
