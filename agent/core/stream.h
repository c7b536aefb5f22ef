// The batches owed to one peer in one lane, in order. A channel that the peer
// holds back waits in a run of its own, in order, while the others flow.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/keeper.h"
#include "core/run.h"

namespace bus::core {

// What a peer cannot take now: channels, or everything ("**").
class HeldChannels {
  public:
    void replace(const std::vector<wire::ChannelKey>& keys);
    void hold(const wire::ChannelKey& key);
    void resume(const wire::ChannelKey& key);
    bool everything() const { return everything_; }
    bool holds(std::uint64_t channel_hash) const { return channels_.contains(channel_hash); }
    std::vector<std::string> names() const;

  private:
    bool everything_ = false;
    std::map<std::uint64_t, wire::ChannelKey> channels_;
};

class Stream {
  public:
    explicit Stream(StreamId id) : id_(id), main_(id) {}

    void push(Entry entry) { main_.push(std::move(entry)); }
    // The entry that may leave next, nullptr if none may now. Moves what is held aside.
    Entry* front(const HeldChannels& held);
    // Takes the entry that front() showed.
    Entry pop();

    void recover(const Recovered::Stream& found) { main_.recover(found); }
    void trim(std::uint64_t memory_bytes_max);
    void read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                 std::vector<ReadBack>& reads);
    void on_loaded(const Loaded& answer, Keeper& keeper);

    bool spilled() const;
    Run::Size size() const;
    Time oldest() const;

  private:
    template <class Visit>
    void for_each_run(Visit visit);

    const StreamId id_;
    Run main_;
    std::map<std::uint64_t, Run> aside_;  // by channel hash; never empty runs
    Run* showing_ = nullptr;
};

}  // namespace bus::core
