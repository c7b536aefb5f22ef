// Who gives agents their orders: each is said again until it is on disk, for a
// crash before that may have undone it.
#pragma once

#include <functional>

#include "host.h"
#include "timeline.h"

namespace bus::sim {

class Operators {
  public:
    explicit Operators(Timeline& timeline) : timeline_(timeline) {}

    // `told` hears of each attempt, before the agent's next turn; `done` that it is on disk. Both
    // may be empty.
    using Told = std::function<void(const core::SubscriptionChange&)>;
    using Done = std::function<void()>;
    void order(Host& host, core::SubscriptionOrder order, Told told = {}, Done done = {});

  private:
    struct Task {
        Host& host;
        core::SubscriptionOrder order;
        Told told;
        Done done;
    };
    void attempt(const std::shared_ptr<Task>& task);
    void await(const std::shared_ptr<Task>& task, std::uint64_t starts, core::Submission change);

    Timeline& timeline_;
};

}  // namespace bus::sim
