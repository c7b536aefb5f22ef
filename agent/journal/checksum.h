// What a row of bytes is verified against whenever it is read. The id, the expiry
// and the group are part of it, so that a row in another's place does not pass.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "core/journal.h"

namespace bus::journal {

std::uint64_t row_checksum(core::BatchId id, std::uint64_t expires, std::string_view group,
                           Bytes bytes) noexcept;

}  // namespace bus::journal
