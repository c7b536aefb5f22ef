// Sentences in lines that fit a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bus::cli {

inline constexpr std::size_t columns_max = 80;

// `text` broken between words. Behind the first line's `begin` the others are indented as far. Ends
// in a newline.
std::string paragraph(std::string_view begin, std::string_view text);

}  // namespace bus::cli
