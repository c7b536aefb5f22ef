// Bytes in a text format: as they are if they are text, else in base64.
#pragma once

#include <string>
#include <string_view>

namespace bus::cli {

// Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;
// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace bus::cli
