// An eventfd that ends the socket thread's wait.
#pragma once

#include "base/unique_fd.h"

namespace bus::client {

class Wakeup {
  public:
    // Throws Error when out of file descriptors.
    Wakeup();
    void ring() noexcept;   // any thread
    void clear() noexcept;  // the thread that waits
    int fd() const noexcept { return fd_.get(); }

  private:
    UniqueFd fd_;
};

}  // namespace bus::client
