// Are bytes text? Where they are not, a text format has them in base64 (base/base64.h).
#pragma once

#include <string>
#include <string_view>

namespace bus::cli {

// Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

// What programs wrote must not steer the terminal: control characters but those `kept` are blanks.
std::string harmless(std::string text, std::string_view kept);

}  // namespace bus::cli
