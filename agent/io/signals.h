// The signals an agent listens to, as a descriptor. They must be blocked before
// the first thread starts (libzmq's included), for threads inherit the mask.
#pragma once

#include "base/unique_fd.h"

namespace bus::io {

class Signals {
  public:
    struct Seen {
        bool stop = false;    // SIGTERM, SIGINT
        bool reload = false;  // SIGHUP
    };

    // Blocks them for the process. Construct before any thread.
    Signals();
    int fd() const noexcept { return fd_.get(); }
    Seen take();

  private:
    UniqueFd fd_;
};

}  // namespace bus::io
