// The receiving side: a Consumer yields Deliveries; each is acknowledged, or
// given back and handed over again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/export.h"
#include "bus/message.h"

namespace bus {

namespace client {
class Inbox;
struct Held;
}  // namespace client

struct SubscribeOptions {
    // A durable subscription of this host goes on collecting while its app is away. Empty:
    // anonymous, ends with the connection. Not for receive().
    std::string_view durable{};
    // What the agent may hand over ahead of acknowledgements.
    std::uint32_t prefetch_messages = 65'536;
    std::uint64_t prefetch_bytes = 1024 * 1024;
    // What is not decided so long after it was handed over is taken back and handed over again,
    // here or elsewhere; 0: never while the connection lives. 100 ms to 24 h. Choose the prefetch
    // so that what is ahead can be worked on in time.
    std::chrono::milliseconds ack_deadline{0};
    // Messages a second at most; 0: unlimited.
    std::uint32_t rate = 0;
    // How long subscribe() waits for the agent to agree, then Error; 0: does not wait, and a
    // refusal shows as the end of the Consumer with why() telling.
    std::chrono::milliseconds timeout{5000};
};

// What became of an acknowledgement.
enum class Ack {
    given,  // on its way to the agent; after a passed ack_deadline it counts for nothing there
    stale,  // the session ended since (the agent was away); the message may come again, redelivered
    decided,  // it was before, by another call: this one changed nothing
};

// One message to work on. Move-only; the message's views live as long as this. A Delivery may move
// to another thread and outlive its Consumer; one thread at a time.
class BUS_EXPORT Delivery {
  public:
    Delivery(Delivery&&) noexcept;
    Delivery& operator=(Delivery&&) noexcept;
    ~Delivery();  // undecided: given back, as nack()

    const Message& message() const noexcept { return message_; }
    std::string_view payload() const noexcept { return message_.payload(); }
    // 1 for the first hand-out.
    unsigned attempt() const noexcept { return attempt_; }
    // This or another consumer may have seen it before.
    bool redelivered() const noexcept { return redelivered_; }
    // Topics: how many messages of the same producer and channel are missing just before this one
    // (expired on the way, lapsed or lost to damage). 0 when all is well.
    std::uint64_t missed() const noexcept { return missed_; }

    // The message is done with. Decides: later calls do nothing.
    Ack ack();
    // This one, and all that its Consumer handed over before it.
    Ack ack_through();
    // Hand it out again, here or elsewhere, not before `delay` has passed; without one at once the
    // first time, then after 1, 5 and 30 s, then after 5 min each time. After so many deliveries
    // (the channel's max_deliveries, 10) it goes to the dead letters.
    Ack nack(std::chrono::milliseconds delay = std::chrono::milliseconds{0});
    // At work on it: the ack_deadline begins anew. Decides nothing.
    Ack extend();
    // Never hand it out again: it goes to the dead letters with this reason (200 bytes of it).
    Ack reject(std::string_view reason);

  private:
    friend class client::Inbox;
    Delivery() noexcept;
    Ack decide(int verdict, std::uint32_t delay_millis, std::string_view reason,
               bool through = false);

    Message message_;
    std::uint64_t missed_ = 0;
    std::uint64_t tag_ = 0;
    std::uint32_t index_ = 0;
    std::uint16_t attempt_ = 1;
    bool redelivered_ = false;
    bool completes_ = false;  // the last of its batch
    bool decided_ = false;
    std::shared_ptr<client::Held> held_;  // keeps the bytes
};

// One thread at a time; close() from any thread.
class BUS_EXPORT Consumer {
  public:
    Consumer(Consumer&&) noexcept;
    Consumer& operator=(Consumer&&) noexcept;
    ~Consumer();  // closes

    // Waits for a message; nullopt: closed, see why().
    [[nodiscard]] std::optional<Delivery> next();
    // nullopt: nothing came in time, or closed.
    [[nodiscard]] std::optional<Delivery> next_within(std::chrono::milliseconds timeout);
    // Waits for the first; takes what is there, `at_most` of them.
    [[nodiscard]] std::vector<Delivery> fetch(std::size_t at_most,
                                              std::chrono::milliseconds timeout);

    // Readable when next() would not wait, and perhaps once without cause: call next_within(0ms)
    // until it yields nothing. For poll and event loops; never read from it. Owned by the Consumer.
    // It tells one thread's wake-up later than a thread in next() would hear.
    int fd();

    // What is handed out keeps its right to be acknowledged; what is not goes back to the agent. A
    // durable subscription goes on collecting.
    void close() noexcept;
    // Closes, and ends the durable subscription for good: what it has collected is dropped.
    void forget();
    bool is_open() const noexcept;
    // Why it ended, for people: the agent's refusal; empty after close().
    std::string why() const;

    // for (bus::Delivery d : consumer): ends when closed.
    class iterator {
      public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Delivery;
        using difference_type = std::ptrdiff_t;

        Delivery operator*() const { return std::move(*current_); }
        iterator& operator++() {
            current_ = consumer_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const { return !current_.has_value(); }

      private:
        friend class Consumer;
        explicit iterator(Consumer& consumer) : consumer_(&consumer), current_(consumer.next()) {}
        Consumer* consumer_;
        mutable std::optional<Delivery> current_;
    };
    iterator begin() { return iterator{*this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

  private:
    friend class Connection;
    explicit Consumer(std::shared_ptr<client::Inbox> inbox) noexcept;
    std::shared_ptr<client::Inbox> inbox_;
};

}  // namespace bus
