// One agent per journal: an flock beside it, held for life. It goes with the
// process, however that ends.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace bus::journal {

class LockFile {
  public:
    // Throws bus::Error, which names the holder if another process has it.
    explicit LockFile(const std::string& path);

  private:
    UniqueFd fd_;
};

}  // namespace bus::journal
