// Messages on standard output, as bytes, as lines or as JSON.
#pragma once

#include <bus/request.h>
#include <bus/subscription.h>

#include <string>

namespace bus::cli {

class Command;
class Interruption;
class Option;

class MessageWriter {
  public:
    enum class Format {
        raw,    // the payloads and nothing between them
        lines,  // each payload and a newline
        json,   // one JSON object a line: payload or, if it is not UTF-8, payload_base64
    };
    explicit MessageWriter(Format format) : format_(format) {}

    // --format.
    static Option* add_option(Command& command, Format& format);

    // One that is read part by part is written out at once. false: it broke off, and comes again if
    // it is not given up.
    [[nodiscard]] bool add(Delivery& delivery, const Interruption& interruption);
    void add(const Reply& reply);
    // Returns once the kernel has it all. Throws Failure if it does not take it; what was added
    // since the last flush may then be written in part.
    void flush();

  private:
    template <class ToLine>
    void add(std::string_view payload, ToLine line);

    const Format format_;
    std::string buffer_;
};

}  // namespace bus::cli
