// Messages on standard output, as bytes, as lines or as JSON.
#pragma once

#include <bus/subscription.h>

#include <string>

namespace bus::cli {

class MessageWriter {
  public:
    enum class Format {
        raw,    // the payloads and nothing between them
        lines,  // each payload and a newline
        json,   // one JSON object a line: payload or, if it is not UTF-8, payload_base64
    };
    explicit MessageWriter(Format format) : format_(format) {}

    void add(const Delivery& delivery);
    // Returns once the kernel has it all. Throws Failure if it does not take it; what was added
    // since the last flush may then be written in part.
    void flush();

  private:
    const Format format_;
    std::string buffer_;
};

}  // namespace bus::cli
