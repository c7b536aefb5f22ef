// Which of the batches of a destination have waited too long. The parts of a
// large message go together: with its first, or not at all.
#pragma once

#include <set>
#include <utility>

#include "core/large_messages.h"

namespace bus::core {

class Overdue {
  public:
    // Asked once for each batch, in the order of its stream. true: it goes.
    bool take(const wire::BatchHeader& header, bool is_old) {
        if (!header.part) return is_old;
        const auto key = std::pair{header.producer, header.part->first_sequence};
        if (header.part->index > 0 || is_abort(header)) {
            if (!begun_.contains(key)) return false;
            if (is_last_part(header)) begun_.erase(key);
            return true;
        }
        if (is_old && !is_last_part(header)) begun_.insert(key);
        return is_old;
    }

  private:
    std::set<std::pair<ProducerId, std::uint64_t>> begun_;
};

}  // namespace bus::core
