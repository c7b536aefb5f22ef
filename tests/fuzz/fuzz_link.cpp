// What decodes, encoded again, decodes to the same bytes; a frame of a type that only later
// versions know is read to be skipped, and never written.
#include "base/assert.h"
#include "wire/link.h"

using namespace bus;
using namespace bus::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = decode_link({reinterpret_cast<const std::byte*>(data), size});
    if (!decoded || std::holds_alternative<LinkUnknown>(decoded->body)) return 0;
    const auto bytes = encode_link(*decoded);
    const auto again = decode_link(bytes);
    BUS_ASSERT(again.has_value());
    BUS_ASSERT(encode_link(*again) == bytes);
    return 0;
}
