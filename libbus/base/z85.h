// Z85 (ZeroMQ RFC 32): four bytes as five printable characters. Keys are
// written so in configurations and on command lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace bus {

// Requires: the size is a multiple of four.
std::string z85_text(Bytes bytes);

// nullopt: the length is no multiple of five, a character is none of Z85's, or a group of five is
// beyond 32 bits.
std::optional<std::vector<std::byte>> z85_bytes(std::string_view text);

// What people hand to each other: 32 bytes.
inline constexpr std::size_t curve_key_characters = 40;

}  // namespace bus
