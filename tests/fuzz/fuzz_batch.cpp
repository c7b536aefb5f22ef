// Whatever decodes must be consistent: its body walks as far as it is
// well-formed, cuts add up to the whole, and sealing keeps it decodable.
#include "base/assert.h"
#include "wire/batch.h"

using namespace bus;
using namespace bus::wire;

namespace {

void walk_headers(Bytes headers) {
    HeaderWalk walk{headers};
    while (walk.next()) continue;
}

std::uint32_t walk_messages(Bytes body, std::uint64_t sequence) {
    MessageWalk walk{body, sequence, MessageWalk::Check::checksum};
    std::uint32_t count = 0;
    while (const auto message = walk.next()) {
        walk_headers(message->headers);
        ++count;
    }
    return count;
}

void check_cuts(Bytes body, std::uint32_t count) {
    const std::uint32_t half = count / 2;
    const Bytes front = cut_body(body, 0, half);
    const Bytes back = cut_body(body, half, count - half);
    BUS_ASSERT(front.size() + back.size() == body.size());
    BUS_ASSERT(is_well_formed(front, half) && is_well_formed(back, count - half));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> copy(size);
    if (size > 0) std::memcpy(copy.data(), data, size);
    walk_messages(copy, 1);
    const auto header = decode_batch(copy);
    if (!header) return 0;
    const Bytes body = Bytes{copy}.subspan(header->header_length);
    const auto count = header->message_count;
    if (!is_well_formed(body, count)) return 0;
    BUS_ASSERT(walk_messages(body, header->sequence) == count);
    check_cuts(body, count);
    seal(copy);
    BUS_ASSERT(decode_batch(copy).has_value());
    return 0;
}
