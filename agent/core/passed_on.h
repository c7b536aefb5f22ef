// Batches that a relay has taken over, by the numbers they left under, while
// their source waits to hear that they have arrived behind it. In memory only:
// when either side restarts, nobody can tell any more.
#pragma once

#include <map>
#include <memory>

#include "core/keeper.h"

namespace bus::core {

class PassedOn {
  public:
    explicit PassedOn(Keeper& keeper) : keeper_(keeper) {}

    // `entries` of the batch that went under that number count.
    void add(std::uint64_t number, const std::shared_ptr<Custody>& custody, std::uint32_t entries) {
        waiting_[number] = {custody->id, custody, entries};
        if (waiting_.size() > limits::arrivals_max) decide(waiting_.begin(), wire::Fate::unknown);
    }
    // Repeating it is harmless.
    void arrived(std::uint64_t number, wire::Fate fate) {
        const auto found = waiting_.find(number);
        if (found != waiting_.end()) decide(found, fate);
    }
    void forget_all() {
        while (!waiting_.empty()) decide(waiting_.begin(), wire::Fate::unknown);
    }
    bool empty() const { return waiting_.empty(); }

  private:
    struct Batch {
        BatchId id;
        std::weak_ptr<Custody> custody;  // it may still be owed to others
        std::uint32_t entries = 0;
    };
    void decide(std::map<std::uint64_t, Batch>::iterator at, wire::Fate fate) {
        const Batch batch = at->second;
        waiting_.erase(at);
        const auto custody = batch.custody.lock();
        keeper_.arrived_elsewhere(batch.id, custody == nullptr || custody->safe(), batch.entries,
                                  fate);
    }

    Keeper& keeper_;
    std::map<std::uint64_t, Batch> waiting_;
};

}  // namespace bus::core
