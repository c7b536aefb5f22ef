#include "core/custody.h"

#include "base/mutation.h"

namespace bus::core {

bool Custody::safe() const {
    if (mutated(Mutation::receipt_on_first) && unsettled < owed.size()) return true;
    return fleeting || place == Place::journaled || (settled() && burials == 0);
}

}  // namespace bus::core
