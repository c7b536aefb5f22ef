// The world does not let us start or go on, and the caller can do nothing
// about it in the line that was called. Expected outcomes (no room, a timeout)
// are values instead. Context is nested: std::rethrow_if_nested leads to the cause.
#pragma once

#include <stdexcept>
#include <string>

#include "bus/export.h"

namespace bus {

class BUS_EXPORT Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
    ~Error() override;
};

// The error and all that is nested in it, outermost first: "cannot start: bind: address in use".
BUS_EXPORT std::string describe(const std::exception& error);

}  // namespace bus
