// One subscription's deliveries between the thread that owns the socket, which
// pushes whole batches, and the thread that consumes, which walks and verifies
// them. One wake-up a batch, and only for a thread that waits.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "bus/subscription.h"
#include "client/awaited.h"
#include "client/part_stream.h"
#include "session/ack_book.h"
#include "session/bounds.h"
#include "session/unpacker.h"
#include "wire/envelope.h"

namespace bus::client {

class Core;

// What keeps the bytes of deliveries: a frame as it came, or a joined large message.
struct Held {
    std::shared_ptr<Inbox> inbox;
    std::uint64_t epoch = 0;
    std::optional<WaitClock::time_point> expires;
    zmq::message_t frame;
    std::shared_ptr<const session::Joined> joined;
    std::shared_ptr<PartStream> stream;  // the frame is its first part
    bool is_out = false;                 // a Delivery was made of that
};

class Inbox : public std::enable_shared_from_this<Inbox>, public Awaited {
  public:
    using Clock = WaitClock;

    struct Terms {
        std::uint32_t prefetch_messages = 1;
        bool drops_late = false;  // what comes to its turn after its time to live is not handed out
        bool in_parts = false;    // large messages are read part by part
        std::uint64_t whole_bytes_max = session::limits::whole_bytes_default;  // otherwise
        bool shared = false;  // by a group: what does not come here goes to others
    };
    Inbox(std::shared_ptr<Core> core, const Terms& terms);

    // ---- The thread that owns the socket --------------------------------------------
    void push(zmq::message_t frame, std::uint64_t epoch, const wire::Envelope& envelope);
    // A new attachment: what came in the old one is void.
    void begin_epoch(std::uint64_t epoch);
    // What will never come.
    void tell(const wire::Gap& gap);
    // Nothing more will come; next() yields what is there no longer.
    void end(const std::string& why);

    // ---- The thread that consumes -----------------------------------------------------
    // Something has arrived, or nothing more will.
    bool has_news() const override;
    // nullopt: nothing until then, or closed.
    std::optional<Delivery> next(Clock::time_point until);
    // What is there, at_most of it; if nothing is, what comes first until then.
    std::vector<Delivery> fetch(std::size_t at_most, Clock::time_point until);
    int fd();
    std::optional<Gap> take_gap();
    // The next bytes of a message that is read part by part; 0: the end. Any thread, one a
    // delivery. Throws StreamError.
    std::size_t read(PartStream& stream, std::uint64_t epoch, std::span<std::byte> into,
                     Clock::time_point until);
    // Closes; the last call.
    void release() noexcept;

    // ---- Any thread ---------------------------------------------------------------------
    void close(bool forget) noexcept;
    bool is_open() const;
    std::string why() const;

    // The verdict on a delivery, without tag and range; it is decided with that.
    Ack decide(const Delivery& delivery, wire::Ack verdict);
    Ack extend(const Delivery& delivery);
    Core& core() const noexcept { return *core_; }
    // Acknowledgements that wait for company; of the current epoch.
    std::vector<wire::Ack> take_acks(std::uint64_t& epoch);

    // Set once, before anything else.
    std::uint64_t id = 0;

  private:
    struct Arrival {
        zmq::message_t frame;
        std::uint64_t epoch = 0;
        std::size_t messages = 0;  // as its envelope says, and no more than fit in
        std::optional<Clock::time_point> expires;
        std::shared_ptr<PartStream> stream;
    };
    using StreamKey = std::pair<ProducerId, std::uint64_t>;
    // What must happen once the lock is released.
    enum class Follow { nothing, pass_soon, pass_now };

    bool push_part(Arrival& arrival);
    std::shared_ptr<PartStream> stream_for(const StreamKey& key, const PartStream::Part& part,
                                           Arrival& arrival);
    bool gather_stream(const Delivery& delivery, const wire::Ack& verdict);
    void gather(std::uint64_t epoch, PartStream::Acks acks);
    void forget(const PartStream& stream);
    std::optional<Delivery> take_from_current();
    Delivery make(session::Received& received);
    std::size_t messages_here() const;
    bool is_too_late() const;
    bool await_arrival(Clock::time_point until);
    void wait(std::unique_lock<std::mutex>& lock, Clock::time_point until);
    bool begin(Arrival arrival);
    void drop_current();
    bool gather(std::uint64_t epoch, wire::Ack&& ack, bool completes, Follow& follow);
    bool gather_all(const Delivery& delivery, wire::Ack&& verdict);
    static void name_last_of(const Delivery& delivery, wire::Ack& verdict);
    bool is_acknowledged(const Delivery& delivery) const;
    void carry_out(Follow follow);
    void leave_if_done();
    void signal_fd() noexcept;
    void clear_fd() noexcept;

    // Constant after construction.
    const std::shared_ptr<Core> core_;
    const std::uint64_t pass_after_;  // messages: half of the prefetch window
    const bool drops_late_, in_parts_;

    // The consuming thread only.
    session::Unpacker unpacker_;
    std::shared_ptr<Held> current_;

    // Handed out and not decided.
    std::atomic<std::int64_t> undecided_{0};
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<bool> open_{true};  // changes under the mutex only

    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Arrival> queue_;
    std::map<StreamKey, std::shared_ptr<PartStream>> streams_;  // that are not over
    session::AckBook acks_;
    // Of the current epoch, everything up to this tag and index is acknowledged.
    std::pair<std::uint64_t, std::uint32_t> through_{};
    bool waiting_ = false;    // a thread waits for arrived_
    std::optional<Gap> gap_;  // that was told and not taken
    bool forget_ = false;
    bool left_ = false;  // unsubscribed
    std::string why_;
    UniqueFd fd_;
};

}  // namespace bus::client
