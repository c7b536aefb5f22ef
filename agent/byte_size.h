// Amounts of bytes as people write them: "512MiB", "20GiB", 4096.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bus {

// Digits and a unit: B, KiB, MiB, GiB, TiB (powers of 1024) or kB, KB, MB, GB, TB (powers of 1000).
// nullopt: another form, or beyond 64 bits.
std::optional<std::uint64_t> byte_size(std::string_view text);

// The largest binary unit that divides it: "64MiB".
std::string byte_size_text(std::uint64_t bytes);

}  // namespace bus
