// Gathers acknowledgements into ranges, so that a consumer that works in order
// costs one record a batch on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wire/local.h"

namespace bus::session {

class AckBook {
  public:
    void add(wire::Ack&& ack);
    void clear() noexcept;
    bool empty() const noexcept { return records_.empty(); }
    // Messages that the gathered records speak of.
    std::uint64_t messages() const noexcept { return messages_; }
    // Yields all and forgets it.
    std::vector<wire::Ack> take_records();
    // The same, encoded; as many frames as needed.
    std::vector<std::vector<std::byte>> take_frames();

  private:
    std::vector<wire::Ack> records_;
    std::uint64_t messages_ = 0;
};

}  // namespace bus::session
