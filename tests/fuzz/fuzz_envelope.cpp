// What decodes, encoded again, is the same head; what follows lies inside the frame.
#include <algorithm>

#include "base/assert.h"
#include "wire/envelope.h"

using namespace bus;
using namespace bus::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes frame{reinterpret_cast<const std::byte*>(data), size};
    const auto decoded = decode_envelope(frame);
    if (!decoded) return 0;
    BUS_ASSERT(envelope_length + decoded->extensions.size() + decoded->batch.size() == size);
    std::vector<std::byte> head(encoded_length(decoded->envelope));
    encode_envelope(decoded->envelope, head.data());
    BUS_ASSERT(std::equal(head.begin() + 4, head.begin() + envelope_length, frame.begin() + 4));
    const auto again = decode_envelope(head);
    BUS_ASSERT(again && (again->envelope.route == nullptr) == (decoded->envelope.route == nullptr));
    BUS_ASSERT(again->envelope.route == nullptr ||
               *again->envelope.route == *decoded->envelope.route);
    return 0;
}
