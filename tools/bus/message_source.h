// The messages that a command sends: each line of standard input is one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bus::cli {

class Interruption;

class MessageSource {
  public:
    explicit MessageSource(const Interruption& interruption) : interruption_(interruption) {}

    // The next message, byte for byte, without its newline; valid until the next call.
    // nullopt: the end, or interrupted. Throws Error if standard input cannot be read.
    std::optional<std::string_view> next();

  private:
    // False: the end, or interrupted.
    bool read_more();

    const Interruption& interruption_;
    std::string buffer_;
    std::size_t taken_ = 0, searched_ = 0;  // of buffer_
    bool ended_ = false;
};

}  // namespace bus::cli
