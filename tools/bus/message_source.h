// The messages that a command sends: its TEXT, all of standard input, or each line of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bus::cli {

class Interruption;

class MessageSource {
  public:
    explicit MessageSource(std::string text);
    enum class Unit { whole, line };
    MessageSource(Unit unit, const Interruption& interruption);

    // The next message, byte for byte (a line: without its newline); valid until the next call.
    // nullopt: the end, or interrupted. Throws Error if standard input cannot be read.
    std::optional<std::string_view> next();

  private:
    std::optional<std::string_view> next_line();
    std::optional<std::string_view> rest();
    // False: the end, or interrupted.
    bool read_more();

    const Interruption* interruption_ = nullptr;
    Unit unit_ = Unit::whole;
    std::string buffer_;
    std::size_t taken_ = 0, searched_ = 0;  // of buffer_
    bool ended_ = false, yielded_whole_ = false;
};

}  // namespace bus::cli
