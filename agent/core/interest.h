// Who wants what. This agent's own interest is the sum of its subscriptions,
// told to peers as a versioned snapshot, then changes, with a digest that
// repairs. A peer's interest outlives its absence; the durable part of it ends
// only by an explicit removal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/filter_index.h"
#include "limits.h"
#include "wire/link.h"

namespace bus::core {

// Kind, name, group, filter.
using InterestKey = std::tuple<wire::Kind, std::string, std::string, std::string>;
InterestKey key_of(const wire::InterestItem& item);

class OwnInterest {
  public:
    // Versions ascend across restarts: `first` is above all that an earlier incarnation used.
    explicit OwnInterest(std::uint64_t first) : version_(first) {}

    // Each add needs its remove; peers hear of the first and the last.
    void add(const wire::InterestItem& item);
    void remove(const wire::InterestItem& item);
    bool has(const InterestKey& key) const { return wanted_.contains(key); }

    std::uint64_t version() const { return version_; }
    std::uint64_t digest() const { return digest_; }
    std::vector<wire::InterestItem> snapshot() const;
    // What changed since the last call; the version counts it.
    std::vector<wire::InterestItem> take_changes() { return std::exchange(changes_, {}); }

  private:
    struct Wanted {
        wire::InterestItem item;
        std::uint32_t times = 0;
    };
    std::map<InterestKey, Wanted> wanted_;
    std::vector<wire::InterestItem> changes_;
    std::uint64_t version_;
    std::uint64_t digest_ = 0;
};

class Remote;

class PeerInterest {
  public:
    struct Change {
        std::vector<wire::InterestItem> added, removed;
        std::vector<wire::InterestItem> give_back;  // durable, and the peer's snapshot lacks it
    };

    // What it wants is in there as well, as whose it is, until it is told to leave.
    // (What a group wants is owed to the group: sharing.cpp.)
    void join(FiltersOf<Remote>& all, Remote& whose);
    void leave();
    // As it was known before this agent started.
    void recover(const wire::InterestItem& item) {
        insert(item);
        if (!item.durable) recovered_.insert(key_of(item));
    }
    // One frame, told `by` a neighbour (the agent itself, or a relay); nullopt until a snapshot is
    // complete. A change without a snapshot changes nothing. A relay's snapshot may be older than
    // what was recovered, so it does not end that, until stop_waiting().
    enum class Teller : std::uint8_t { itself, relay };
    std::optional<Change> apply(const wire::LinkInterest& frame, const AgentId& by,
                                Teller teller = Teller::itself);
    // Whoever tells of it has had the time to hear of it: ends what was recovered and is in no
    // snapshot since.
    std::vector<wire::InterestItem> stop_waiting();
    // A new link session begins: a snapshot comes.
    void begin(const AgentId& by) {
        synchronised_ = false;
        staged_.erase(by);
    }
    // What the agent itself said, for others: what it wants, and what it removed.
    std::vector<wire::InterestItem> snapshot() const;

    bool synchronised() const { return synchronised_; }
    std::uint64_t version() const { return version_; }
    // Of what the peer itself said it wants; durable interest that it lost is not in it.
    std::uint64_t digest() const { return digest_; }
    std::size_t size() const { return items_.size(); }
    const std::map<InterestKey, wire::InterestItem>& items() const { return items_; }

  private:
    using Items = std::map<InterestKey, wire::InterestItem>;
    Change replace_by(Items staged, Teller teller);
    void add_filter(const wire::InterestItem& item);
    void remove_filter(const wire::InterestItem& item);
    bool insert(const wire::InterestItem& item);
    bool erase(const wire::InterestItem& item);

    FiltersOf<Remote>* all_ = nullptr;
    Remote* whose_ = nullptr;
    Items items_;
    std::set<InterestKey> lost_;       // of items_: kept, though the latest snapshot lacked it
    std::set<InterestKey> recovered_;  // of items_: lives with a session, and not told of since
    Items removed_;                    // durable, ended on purpose
    std::map<AgentId, Items> staged_;
    bool synchronised_ = false;
    std::uint64_t version_ = 0;
    std::uint64_t digest_ = 0;
};

}  // namespace bus::core
