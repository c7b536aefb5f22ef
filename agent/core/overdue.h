// Which of the batches of a destination have waited too long. The parts of a
// large message go together: with its first, or not at all.
#pragma once

#include "core/large_messages.h"

namespace bus::core {

class Overdue {
  public:
    // Asked once for each batch, in the order of its stream. true: it goes.
    bool take(const wire::BatchHeader& header, bool is_old) {
        const bool is_rest = header.part && (header.part->index > 0 || is_abort(header));
        const bool goes = is_rest ? begun_.contains(header) : is_old;
        if (goes) begun_.note_left(header);
        return goes;
    }

  private:
    BegunMessages begun_;
};

}  // namespace bus::core
