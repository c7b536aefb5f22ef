// The last line with anything in it of what somebody writes: the reason that a
// command gives for its failure.
#pragma once

#include <string>
#include <string_view>

namespace bus::cli {

class LastLine {
  public:
    void add(std::string_view bytes);
    // In printable characters, and no longer than a reason may be; empty: there is none.
    std::string text() const;

  private:
    std::string current_, last_;
};

}  // namespace bus::cli
