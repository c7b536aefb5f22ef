// Writing to standard output and standard error so that nothing is lost on the
// way, and lines of several writers stay whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bus::cli {

// Returns once the kernel has it all. Throws Failure if it does not take it.
void write_out(std::string_view bytes);
// The same to standard error; what it does not take is dropped.
void write_error(std::string_view bytes) noexcept;

// One writer of lines among several: passes whole lines on, each with its newline.
class LineBuffer {
  public:
    using Write = void (*)(std::string_view);
    explicit LineBuffer(Write write) : write_(write) {}

    // A line longer than `line_bytes_max` is passed on in pieces.
    void add(std::string_view bytes);
    // The writer has ended: its last line gets the newline that it lacks.
    void finish();

  private:
    static constexpr std::size_t line_bytes_max = 64 * 1024;

    const Write write_;
    std::string rest_;
    bool in_line_ = false;  // a piece of the line that is not finished was passed on
};

}  // namespace bus::cli
