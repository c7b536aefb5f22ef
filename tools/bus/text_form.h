// Are bytes text? Where they are not, a text format has them in base64 (base/base64.h).
#pragma once

#include <string>
#include <string_view>

namespace bus::cli {

// Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

}  // namespace bus::cli
