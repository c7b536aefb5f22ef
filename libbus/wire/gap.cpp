#include "wire/gap.h"

namespace bus::wire {

std::string_view to_text(Gap::Reason reason) {
    switch (reason) {
        case Gap::Reason::lapsed:
            return "lapsed";
        case Gap::Reason::best_effort:
            return "best_effort";
        case Gap::Reason::damaged:
            return "damaged";
        case Gap::Reason::restored:
            return "restored";
    }
    return "?";
}

}  // namespace bus::wire
