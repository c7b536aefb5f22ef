// The large messages of which a queue or subscription has handed out a part
// and not yet settled the whole. All parts of one go to one taker, a consumer
// or a peer, and they settle together, with the last: until then whoever gave
// them still has them all, so that another taker can begin from the beginning.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/custody.h"
#include "core/lease.h"
#include "wire/link.h"

namespace bus::core {

class Remote;

struct LargeMessage {
    // An agent that takes from a queue; only compared.
    using PeerTaker = const Remote*;

    std::optional<ConsumerId> consumer;  // none: it left, another one begins anew
    PeerTaker peer = nullptr;
    std::vector<BatchId> parts;  // that are out, in order
    // Of these, those that its consumer has not got yet, for want of room or since it `rests`.
    struct Ahead {
        std::uint16_t attempt = 1, deliveries = 0;  // as in Lease
        bool suspect = false;
    };
    std::map<BatchId, Ahead> ahead;
    bool rests = false;           // given back: no part is handed out before the first
    BatchId spared;               // of these, the bytes up to here may be on disk only
    std::uint32_t undecided = 0;  // of these
    bool complete = false;        // the last part, or an abort, has come
    bool cut_short = false;       // an abort was the latest that came
    bool buried = false;          // a part went to the dead letters: so will all
    bool ended = false;           // an abort is on its way to whoever has it
    Time moved{};                 // when its latest part came, or was handed out
    Time asked{};                 // when its origin was asked for the rest
    DestinationId source;         // the peer it came from; 0: this host
    wire::LinkUnfinished rest;    // which part comes next

    bool is_decided() const { return complete && undecided == 0; }
};

class LargeMessages {
  public:
    // nullptr: nothing of this message is out, or all of it has settled.
    LargeMessage* find(const ProducerId& producer, std::uint64_t first_sequence);
    // Of a batch; nullptr also where it is no part.
    LargeMessage* find(const wire::BatchHeader& batch) {
        return batch.part ? find(batch.producer, batch.part->first_sequence) : nullptr;
    }
    LargeMessage& begin(const wire::BatchHeader& part, DestinationId source);
    // Its next part, or one that comes again after a crash.
    static void add(LargeMessage& message, const wire::BatchHeader& part, BatchId id, Time now);
    void erase(const LargeMessage& message);

    template <class IsWanted>
    std::vector<LargeMessage*> find_all(IsWanted is_wanted) {
        std::vector<LargeMessage*> found;
        for (auto& [key, message] : messages_)
            if (is_wanted(message)) found.push_back(&message);
        return found;
    }
    bool empty() const { return messages_.empty(); }
    void clear() { messages_.clear(); }

  private:
    using Key = std::pair<ProducerId, std::uint64_t>;
    std::map<Key, LargeMessage> messages_;
};

// The part that ends a message of which no more will come, for the group that `message` names.
Batch abort_of(const wire::LinkUnfinished& message);

constexpr bool is_abort(const wire::BatchHeader& header) {
    return (header.flags & wire::batch_flag::abort) != 0;
}
constexpr bool is_last_part(const wire::BatchHeader& header) {
    return is_abort(header) || header.part->index + 1 == header.part->total;
}

// Producer, first sequence, and the address of the group that this copy is for.
using LargeMessageKey = std::tuple<ProducerId, std::uint64_t, std::string>;
inline LargeMessageKey key_of(const wire::BatchHeader& part) {
    return {part.producer, part.part->first_sequence, std::string{part.group}};
}

// Large messages of which a beginning has left and not yet the end: HOLD spares the rest of them,
// or what the other end has of them would wait, and take up room, for nothing.
class BegunMessages {
  public:
    void note_left(const wire::BatchHeader& header) {
        if (!header.part) return;
        if (is_last_part(header))
            begun_.erase(key_of(header));
        else
            begun_.insert(key_of(header));
    }
    void note_some(const wire::BatchHeader& header) {
        if (header.part) begun_.insert(key_of(header));
    }
    bool contains(const wire::BatchHeader& header) const {
        return header.part && begun_.contains(key_of(header));
    }
    // They begin anew.
    void clear() { begun_.clear(); }

  private:
    std::set<LargeMessageKey> begun_;
};

}  // namespace bus::core
