// The local protocol: control frames survive a round trip, binary frames decode
// to what encodes to them.
#include "base/assert.h"
#include "wire/local.h"

using namespace bus;
using namespace bus::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes frame{reinterpret_cast<const std::byte*>(data), size};
    if (const auto command = decode_command(as_text(frame)))
        BUS_ASSERT(decode_command(encode_command(*command)).has_value());
    if (const auto reply = decode_reply(as_text(frame)))
        BUS_ASSERT(decode_reply(encode_reply(*reply)).has_value());
    if (const auto receipts = decode_receipts(frame))
        BUS_ASSERT(decode_receipts(encode_receipts(*receipts)).has_value());
    if (const auto acks = decode_acks(frame))
        BUS_ASSERT(decode_acks(encode_acks(*acks)).has_value());
    return 0;
}
