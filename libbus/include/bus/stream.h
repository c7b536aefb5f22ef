// A message too large to be held in memory: written piece by piece by the one
// program, read piece by piece by the other. In between it travels in parts, which
// agents journal, send and, after an outage, resend one by one; other messages go on
// beside it.
//
//     auto film = bus.queue("films").open_stream(std::filesystem::file_size(path));
//     while (file.read(buffer)) film.write(buffer);
//     film.finish().wait(10min);
//
//     auto films = bus.receive("films", {.in_parts = true});
//     bus::Delivery film = *films.next();
//     while (auto bytes = film.read(buffer)) file.write(buffer.data(), bytes);
//     film.ack();
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "bus/error.h"
#include "bus/export.h"
#include "bus/message.h"
#include "bus/receipt.h"

namespace bus {

namespace client {
class OutgoingStream;
}

// Why reading a message, or writing one, cannot go on.
class BUS_EXPORT StreamError : public Error {
  public:
    enum class Why {
        timed_out,    // nothing came, or there was no room, in time: read or write on later
        interrupted,  // read: the agent was away meanwhile, the message comes again from the
                      // beginning
        given_up,     // read: its sender did not finish it, and nobody gets it
        damaged,      // read: it is a dead letter now
        refused,      // written: the agent will not take it, and what() says why
        incomplete,   // written: finish() before all of it, or more than was announced
    };
    StreamError(Why why, const std::string& words) : Error(words), why_(why) {}
    ~StreamError() override;
    Why why() const noexcept { return why_; }

  private:
    Why why_;
};

BUS_EXPORT const char* to_text(StreamError::Why why) noexcept;

// A message on its way out (Channel::open_stream). Until it is finished its channel takes nothing
// else of this connection and priority: other publishers on it wait. Move-only; one thread at a
// time. Must not outlive its Connection's use.
class BUS_EXPORT StreamWriter {
  public:
    StreamWriter(StreamWriter&&) noexcept;
    StreamWriter& operator=(StreamWriter&&) noexcept;
    ~StreamWriter();  // abandons what is not finished

    // The next bytes, as many as wanted; copied. Waits while the agent holds the message back, but
    // for each 56 KiB no longer than PublishOptions::timeout. Throws StreamError: no room in time
    // (the message is abandoned then, write_some() is milder), refused, more than was announced;
    // Error: the connection was closed.
    void write(Payload bytes);
    // The same, and no longer than that in all. Returns how many bytes, from the first on, were
    // taken.
    [[nodiscard]] std::size_t write_some(Payload bytes, std::chrono::milliseconds timeout);
    // All of it is written. The receipt is that of any message; without waiting for it the message
    // is as safe as one that was published. Throws as write() does.
    Receipt finish();
    // The message will not be finished: nobody gets it, and what has come of it is dropped
    // everywhere.
    void abandon() noexcept;

    std::uint64_t size() const noexcept;     // as announced
    std::uint64_t written() const noexcept;  // taken by write()

  private:
    friend class Channel;
    explicit StreamWriter(std::unique_ptr<client::OutgoingStream> stream) noexcept;
    std::unique_ptr<client::OutgoingStream> stream_;
};

}  // namespace bus
