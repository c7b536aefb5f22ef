// A text that is shown again and again in one place of a terminal; elsewhere
// each showing follows the one before.
#pragma once

#include <string>

namespace bus::cli {

// What to write to replace what is on a terminal of so many rows by that text, without flicker.
// Lines beyond the last row are left out, and said to be. 0: it is no terminal.
std::string screenful(const std::string& text, unsigned rows);
// Of standard output; 0: it is no terminal.
unsigned terminal_rows();

}  // namespace bus::cli
