// To which peers a connection stands, by the key it proved, however it came about: so that a
// dialler which was told that another link is kept does not dial beside it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/assert.h"

namespace bus::io {

class LiveLinks {
  public:
    void begin(const std::string& key) { ++count_[key]; }
    void end(const std::string& key) {
        const auto found = count_.find(key);
        BUS_ASSERT(found != count_.end());
        if (--found->second == 0) count_.erase(found);
    }
    bool has_any(const std::vector<std::string>& keys) const {
        return std::ranges::any_of(keys, [&](const auto& key) { return count_.contains(key); });
    }

  private:
    std::unordered_map<std::string, std::size_t> count_;
};

}  // namespace bus::io
