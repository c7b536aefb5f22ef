// The receiving side: a Consumer yields Deliveries; each is acknowledged, or
// given back and handed over again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/export.h"
#include "bus/message.h"
#include "bus/request.h"
#include "bus/stream.h"

namespace bus {

namespace client {
class Inbox;
struct Held;
}  // namespace client

struct PublishOptions;

struct SubscribeOptions {
    // A durable subscription of this host goes on collecting while its app is away. Empty:
    // anonymous, ends with the connection. Not for receive().
    std::string_view durable{};
    // One copy of each message for all consumers of this name and filter, wherever they are: the
    // work is shared, and waits while none of them is there. Instead of `durable`. Not for
    // receive(), whose queues are shared by themselves.
    std::string_view group{};
    // The last message first of each channel that keeps one for late joiners ("retain": "last" in
    // the configuration of its publishers' agents), here and at other hosts, then what comes live;
    // see Delivery::retained(). A durable subscription gets them when it is created, not when its
    // app comes back. Not for a group, nor for receive().
    bool last = false;
    // What the agent may hand over ahead of acknowledgements.
    std::uint32_t prefetch_messages = 65'536;
    std::uint64_t prefetch_bytes = 1024 * 1024;
    // What is not decided so long after it was handed over is taken back and handed over again,
    // here or elsewhere; 0: never while the connection lives. 100 ms to 24 h. Choose the prefetch
    // so that what is ahead can be worked on in time.
    std::chrono::milliseconds ack_deadline{0};
    // Messages a second at most; 0: unlimited.
    std::uint32_t rate = 0;
    // Large messages are read part by part, with Delivery::read(), and never held whole: of those
    // that are being read prefetch_bytes are here at the most. Such a message has its turn with its
    // first part; others of its sender may be handed over before its last.
    bool in_parts = false;
    // Otherwise a message is handed over whole. One that is larger than this is rejected: it goes
    // to the dead letters, and the reason says so.
    std::uint64_t whole_bytes_max = 16 * 1024 * 1024;
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
    Delivery(Delivery&&) noexcept = default;
    Delivery& operator=(Delivery&&) noexcept;
    ~Delivery() {  // undecided: given back, as nack()
        if (held_ && !decided_) nack();
    }

    const Message& message() const noexcept { return message_; }
    std::string_view payload() const noexcept { return message_.payload(); }
    // Bytes of the payload, also of one that is read part by part.
    std::uint64_t size() const noexcept;
    // The next bytes of the payload, whatever is here of as many as fit; 0: that was all. With
    // SubscribeOptions::in_parts a large message has an empty payload() and is read by this, all
    // others as well. The Consumer may be used, and other messages read, by other threads
    // meanwhile. Acknowledge it when all is read and kept: until then it can come again, from the
    // beginning. What is acknowledged sooner is dropped unread. Throws StreamError: nothing came
    // within `timeout` (read on later), or nothing more will.
    [[nodiscard]] std::size_t read(std::span<std::byte> into,
                                   std::chrono::milliseconds timeout = forever);
    static constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();
    // 1 for the first hand-out.
    unsigned attempt() const noexcept { return attempt_; }
    // This or another consumer may have seen it before.
    bool redelivered() const noexcept { return redelivered_; }
    // A last value, kept for late joiners: it was published before this subscription was there.
    bool retained() const noexcept { return retained_; }
    // Topics: how many messages of the same producer and channel are missing just before this one
    // (expired on the way, lapsed or lost to damage). 0 when all is well.
    std::uint64_t missed() const noexcept { return missed_; }

    // The message is done with. Decides: later calls do nothing.
    Ack ack();
    // This one, and all that its Consumer handed over before it. With SubscribeOptions::in_parts
    // this one only.
    Ack ack_through();
    // Hand it out again, here or elsewhere, not before `delay` has passed; without one at once the
    // first time, then after 1, 5 and 30 s, then after 5 min each time. After so many deliveries
    // (the channel's max_deliveries, 10) it goes to the dead letters.
    Ack nack(std::chrono::milliseconds delay = std::chrono::milliseconds{0});
    // At work on it: the ack_deadline begins anew. Decides nothing.
    Ack extend();
    // Never hand it out again: it goes to the dead letters with this reason (200 bytes of it).
    Ack reject(std::string_view reason);

    // Answers the message at its reply_to, and acknowledges it: a request, or a message of a queue
    // or topic whose sender named a queue; there it waits until the reply is safe, then
    // acknowledges. Throws Error, and decides nothing: nobody waits for a reply, reply_to is no
    // address, the reply is too large or not safe in time.
    Ack reply(Payload payload, const ReplyOptions& options = {});
    // The answer is that it cannot be done; requests only. Of the words 1,000 bytes travel.
    Ack fail(std::string_view words);
    // What is left of its time to live, or until who asked does not wait any more; nullopt: for
    // ever.
    std::optional<std::chrono::milliseconds> time_left() const noexcept;

  private:
    friend class client::Inbox;
    Delivery() noexcept = default;
    Ack answer(Payload payload, PublishOptions options, std::chrono::milliseconds timeout);
    Ack decide(int verdict, std::uint32_t delay_millis, std::string_view reason,
               bool through = false);

    Message message_;
    std::uint64_t missed_ = 0;
    std::size_t read_ = 0;  // of a payload that is here whole
    std::uint64_t tag_ = 0;
    std::uint32_t index_ = 0;
    std::uint16_t attempt_ = 1;
    bool redelivered_ = false;
    bool retained_ = false;
    bool completes_ = false;  // the last of its batch
    bool decided_ = false;
    std::shared_ptr<client::Held> held_;  // keeps the bytes
};

// What a subscription will never get, and why, as its agent says.
struct Gap {
    enum class Reason {
        lapsed,       // a durable one had collected more than its share, the oldest had to go
        best_effort,  // nobody here had room for it, or nobody was there
        damaged,      // on the disk of this host
        restored,     // the agent's journal was lost, or put back from a backup
    };
    // Of what was lost last:
    Reason reason = Reason::lapsed;
    std::string channel;         // empty: not known
    std::uint64_t messages = 0;  // 0: not known
    // When the agent had taken the first and the last of these, on this host's clock; 0: not known.
    std::uint64_t from_micros = 0, to_micros = 0;
    // Of all channels and reasons: since it was told before, and since there is this subscription.
    std::uint64_t untold = 0, total = 0;
};
BUS_EXPORT std::string_view to_text(Gap::Reason reason);

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

    // What it will never get, as far as the agent has told since the last call; nullopt: nothing. A
    // durable subscription hears when it comes what was lost while it was away. What goes while it
    // is there shows as Delivery::missed() too, with the next message of that producer.
    [[nodiscard]] std::optional<Gap> take_gap();

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
