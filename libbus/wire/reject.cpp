#include "wire/reject.h"

namespace bus::wire {

std::string_view to_text(Reject reject) {
    switch (reject) {
        case Reject::none:
            return "none";
        case Reject::malformed:
            return "malformed";
        case Reject::bad_checksum:
            return "bad_checksum";
        case Reject::bad_version:
            return "bad_version";
        case Reject::bad_name:
            return "bad_name";
        case Reject::too_large:
            return "too_large";
        case Reject::not_allowed:
            return "not_allowed";
        case Reject::no_hello:
            return "no_hello";
        case Reject::unknown_command:
            return "unknown_command";
        case Reject::limit:
            return "limit";
        case Reject::in_use:
            return "in_use";
        case Reject::not_found:
            return "not_found";
        case Reject::unavailable:
            return "unavailable";
    }
    return "?";
}

}  // namespace bus::wire
