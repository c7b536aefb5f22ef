// What a frame says, one "field = value" a line: the expected decodings of
// tests/vectors, in words that a client in another language can check too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace bus::test {

// `format` is "batch", "envelope", "link", "receipts" or "acks". A frame that is refused has one
// line, "refused = <reason>".
std::vector<std::string> describe(std::string_view format, Bytes frame);

}  // namespace bus::test
