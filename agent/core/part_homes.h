// Where the parts of each unfinished large message of a queue or subscription
// go: all to one consumer, or all to one peer. A message is unfinished here
// from its first part's leaving until its last has settled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/lease.h"
#include "wire/batch.h"

namespace bus::core {

class PartHomes {
  public:
    // A peer as somebody who takes from a queue; only compared.
    using Taker = const void*;
    struct Home {
        std::optional<ConsumerId> consumer;  // none: it left, another one begins anew
        Taker peer = nullptr;
    };

    // nullptr: nothing of this message has been handed out here, or it is finished.
    Home* find(const wire::BatchHeader& part) {
        const auto found = homes_.find(key_of(part));
        return found == homes_.end() ? nullptr : &found->second;
    }
    void set(const wire::BatchHeader& part, const Home& home) { homes_[key_of(part)] = home; }
    // This part needs no home any more; with the last one, or an abort, the message is finished.
    void finish(const wire::BatchHeader& part) {
        const bool abort = (part.flags & wire::batch_flag::abort) != 0;
        if (abort || part.part->index + 1 == part.part->total) homes_.erase(key_of(part));
    }
    void leave(ConsumerId consumer) {
        for (auto& [key, home] : homes_)
            if (home.consumer == consumer) home.consumer.reset();
    }
    bool empty() const { return homes_.empty(); }

  private:
    struct Key {
        ProducerId producer;
        std::uint64_t first_sequence = 0;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    static Key key_of(const wire::BatchHeader& part) {
        return {part.producer, part.part->first_sequence};
    }
    std::map<Key, Home> homes_;
};

}  // namespace bus::core
