// What a durable subscription will never get: how much, why, and what was lost
// last. It is kept in the journal until the subscription ends, so that its app
// hears of it however long it was away.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "wire/gap.h"

namespace bus::core {

class Gaps {
  public:
    using Reason = wire::Gap::Reason;
    // What was lost last, of one channel and for one reason.
    struct Last {
        Reason reason = Reason::lapsed;
        std::string channel;
        std::uint64_t messages = 0;  // 0: not known
        // When the first and the last of them were taken, on this host's wall clock; 0: not known.
        std::uint64_t from_micros = 0, to_micros = 0;
        friend bool operator==(const Last&, const Last&) = default;
    };

    // What follows upon the last for the same reason on the same channel, and was not told yet, is
    // one gap with it.
    void note(const Last& lost) {
        lost_[static_cast<std::size_t>(lost.reason)] += lost.messages;
        const bool goes_on =
            has_news_ && last_.reason == lost.reason && last_.channel == lost.channel;
        has_news_ = true;
        if (goes_on) {
            last_.messages += lost.messages;
            last_.to_micros = lost.to_micros;
        } else {
            last_ = lost;
        }
    }
    // Its app has heard of all of it.
    void tell() {
        told_ = total();
        has_news_ = false;
    }
    bool has_news() const { return has_news_; }

    std::uint64_t of(Reason reason) const { return lost_[static_cast<std::size_t>(reason)]; }
    std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t messages : lost_) sum += messages;
        return sum;
    }
    const Last& last() const { return last_; }
    // As an app hears of it: of the last, and of all since it was told before.
    wire::Gap untold(std::uint64_t subscription) const {
        return {.id = subscription,
                .reason = last_.reason,
                .channel = last_.channel,
                .messages = last_.messages,
                .from_micros = last_.from_micros,
                .to_micros = last_.to_micros,
                .untold = total() - told_,
                .total = total()};
    }
    friend bool operator==(const Gaps&, const Gaps&) = default;

    // ---- As the journal keeps it.
    struct Kept {
        std::array<std::uint64_t, wire::Gap::reasons> lost{};
        std::uint64_t told = 0;
        bool has_news = false;
        Last last;
    };
    Gaps() = default;
    explicit Gaps(const Kept& kept)
        : lost_(kept.lost), told_(kept.told), has_news_(kept.has_news), last_(kept.last) {}
    Kept kept() const { return {lost_, told_, has_news_, last_}; }

  private:
    std::array<std::uint64_t, wire::Gap::reasons> lost_{};
    std::uint64_t told_ = 0;  // of all
    bool has_news_ = false;
    Last last_;
};

}  // namespace bus::core
