// What is going to happen, in the order of simulated time; of two events at the
// same instant the one planned first comes first.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "base/time.h"

namespace bus::sim {

class Timeline {
  public:
    using Action = std::function<void()>;

    Time now() const { return now_; }
    void at(Time when, Action action) {
        events_.push({std::max(when, now_), ++planned_, std::move(action)});
    }
    void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

    bool empty() const { return events_.empty(); }
    Time next() const { return events_.empty() ? never : events_.top().when; }
    // Requires: not empty.
    void step() {
        Event event = std::move(const_cast<Event&>(events_.top()));
        events_.pop();
        now_ = event.when;
        event.action();
    }

  private:
    struct Event {
        Time when;
        std::uint64_t order;
        Action action;
        bool operator<(const Event& other) const {
            return std::pair{when, order} > std::pair{other.when, other.order};
        }
    };
    std::priority_queue<Event> events_;
    Time now_{};
    std::uint64_t planned_ = 0;
};

}  // namespace bus::sim
