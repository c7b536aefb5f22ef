// Base64 (RFC 4648), with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bus {

std::string base64(std::string_view bytes);
// nullopt: that is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace bus
