#include "journal/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>

namespace bus::journal {

std::uint64_t row_checksum(core::BatchId id, std::uint64_t expires, std::string_view group,
                           Bytes bytes) noexcept {
    std::uint64_t seed = id.value ^ std::rotl(expires, 32);
    if (!group.empty()) seed = XXH3_64bits_withSeed(group.data(), group.size(), seed);
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace bus::journal
