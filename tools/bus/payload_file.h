// The payload of one message as a file of known size: the one that was named, or
// standard input. What comes through a pipe, and is more than is kept in memory,
// goes into a temporary file first: a message says at its beginning how large it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace bus::cli {

class Interruption;

class PayloadFile {
  public:
    // Throws Error: it cannot be opened, or is no regular file.
    explicit PayloadFile(const std::string& path);
    // Standard input. nullopt: interrupted. Throws Error: it cannot be read, or there is no room.
    static std::optional<PayloadFile> standard_input(const Interruption& interruption);

    std::uint64_t size() const noexcept { return size_; }
    // The next bytes, valid until the next call; empty: that was all. Throws Error: it cannot be
    // read, or is shorter than it was.
    std::string_view next();
    // All that is left.
    std::string rest();

  private:
    PayloadFile() = default;
    void take_size(std::uint64_t from);
    bool spool(const Interruption& interruption);

    std::string name_;
    UniqueFd file_;  // none: it is all in the buffer
    std::uint64_t size_ = 0;
    std::uint64_t read_ = 0;
    std::vector<char> buffer_;
    std::size_t held_ = 0;  // in the buffer, not yet yielded
};

}  // namespace bus::cli
