#include "bus/error.h"

#include <exception>

namespace bus {

Error::~Error() = default;

std::string describe(const std::exception& error) {
    std::string text = error.what();
    try {
        std::rethrow_if_nested(error);
    } catch (const std::exception& cause) {
        text += ": " + describe(cause);
    }
    return text;
}

}  // namespace bus
