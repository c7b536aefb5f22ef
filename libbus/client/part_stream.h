// A large message that a program reads part by part: its parts as they come, until
// they are read. The agent hands out no more than the consumer's prefetch_bytes
// ahead of what is acknowledged, and a part is acknowledged when the next is begun
// with; the last one with the message. So the message is never here whole, and until
// it is acknowledged it can come again from the beginning.
//
// The thread that owns the socket pushes; one thread reads; decide() by any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "base/clock.h"
#include "bus/stream.h"
#include "client/awaited.h"
#include "wire/batch.h"
#include "wire/envelope.h"
#include "wire/local.h"

namespace bus::client {

class PartStream : public Awaited {
  public:
    using Acks = std::vector<wire::Ack>;
    struct Part {
        zmq::message_t frame;
        std::uint64_t tag = 0;
        wire::Part place;
        bool is_abort = false;
    };

    // ---- The thread that owns the socket ----------------------------------------------------
    // The next part, an abort, or one that comes again. Yields what is to be acknowledged at once.
    Acks push(Part part);
    // Nothing more will come of it.
    void end(StreamError::Why why, const std::string& words);

    // ---- The thread that reads ----------------------------------------------------------------
    // There is something to read, or nothing more will be.
    bool has_news() const override;
    // Waits to be told of news, until then.
    void wait(WaitClock::time_point until);
    // As many bytes as are here and fit. nullopt: none are here yet. 0: the end, or no room in
    // `into`. Throws StreamError. `acks`: what is to be acknowledged then, also if it throws.
    std::optional<std::size_t> read(std::span<std::byte> into, Acks& acks);

    // ---- Any thread -----------------------------------------------------------------------------
    std::uint64_t size() const;
    // Of the part that is being read.
    std::uint64_t tag() const;
    // What the verdict on all of it means for its parts. After an ack, what still comes of it is
    // acknowledged as it comes; otherwise it is dropped.
    Acks decide(const wire::Ack& verdict);
    // Nothing of it will be asked for any more.
    bool is_over() const;

  private:
    enum class State { flowing, complete, ended };
    enum class Decision { open, taken, turned_away };

    bool begin_next(Acks& acks);
    bool is_damaged(const Part& part, Bytes& payload) const;
    void spoil(std::uint64_t tag, Acks& acks);
    void stop(StreamError::Why why, const std::string& words);
    static wire::Ack of(std::uint64_t tag, wire::Ack verdict = {});

    mutable std::mutex mutex_;
    std::condition_variable news_;
    State state_ = State::flowing;
    Decision decision_ = Decision::open;
    std::optional<wire::Part> whole_;  // as the first part says
    std::uint32_t next_ = 0;           // part to come
    std::deque<Part> waiting_;
    StreamError::Why why_{};
    std::string words_;
    // The part that is being read; the last stays until the message is decided.
    std::optional<Part> current_;
    Bytes left_;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace bus::client
