// What has crossed a link one way: counts since the agent started, and the
// speed over the last few seconds.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace bus::core {

class Traffic {
  public:
    struct Speed {  // per second
        std::uint64_t messages = 0, bytes = 0;
    };

    void count(std::uint64_t messages, std::uint64_t bytes) {
        messages_ += messages;
        bytes_ += bytes;
    }
    // About once a second.
    void sample(Time now) {
        samples_[next_] = {now, messages_, bytes_};
        next_ = (next_ + 1) % samples_.size();
    }
    Speed speed(Time now) const {
        const Sample& since = oldest();
        const auto passed = std::chrono::duration<double>(now - since.at).count();
        if (since.at == Time{} || passed < 0.5) return {};
        const auto per_second = [&](std::uint64_t count) {
            return static_cast<std::uint64_t>(static_cast<double>(count) / passed);
        };
        return {per_second(messages_ - since.messages), per_second(bytes_ - since.bytes)};
    }
    std::uint64_t messages() const { return messages_; }
    std::uint64_t bytes() const { return bytes_; }

  private:
    struct Sample {
        Time at{};
        std::uint64_t messages = 0, bytes = 0;
    };
    const Sample& oldest() const {
        const Sample& next = samples_[next_];
        return next.at == Time{} ? samples_.front() : next;
    }

    std::uint64_t messages_ = 0, bytes_ = 0;
    std::array<Sample, 5> samples_;
    std::size_t next_ = 0;  // is replaced next: the oldest, once all are used
};

}  // namespace bus::core
