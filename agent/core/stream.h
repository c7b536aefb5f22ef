// The batches owed to one peer in one lane, in order. A channel that the peer
// holds back waits in a run of its own, in order, while the others flow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/bulk_pace.h"
#include "core/keeper.h"
#include "core/large_messages.h"
#include "core/run.h"

namespace bus::core {

// What may not leave for a neighbour now: channels that it holds back, or everything ("**"), and
// channels that the rules do not let it have.
class HeldChannels {
  public:
    // Asked once for each channel, until it is set again.
    using MayHave = std::function<bool(wire::Kind, std::string_view)>;
    void set_rules(MayHave may_have) {
        may_have_ = std::move(may_have);
        allowed_.clear();
    }
    void replace(const std::vector<wire::ChannelKey>& keys);
    void hold(const wire::ChannelKey& key);
    void resume(const wire::ChannelKey& key);
    bool everything() const { return everything_; }
    bool holds(wire::Kind kind, std::string_view channel) const {
        const bool is_free = channels_.empty() && !may_have_;
        return !is_free && is_held(wire::channel_hash(kind, channel), kind, channel);
    }
    // HOLD names a group's copies by the group's address, the rules by their channel.
    bool holds(wire::Kind kind, std::string_view channel, std::string_view address) const;
    bool holds(const wire::BatchHeader& header) const {
        return header.group.empty() ? holds(header.kind, header.channel)
                                    : holds(header.kind, header.channel, header.group);
    }
    // HOLD spares what has begun; the rules do not.
    bool holds(const wire::BatchHeader& header, const BegunMessages& begun) const;
    std::vector<std::string> names() const;
    // Parts of large messages may leave: the line has room for them.
    void let_parts(bool may_leave) { parts_may_leave_ = may_leave; }
    bool lets_parts() const { return parts_may_leave_; }
    bool stops(const wire::BatchHeader& header) const {
        return !parts_may_leave_ && is_bulk(header);
    }

  private:
    bool is_held(std::uint64_t hash, wire::Kind kind, std::string_view channel) const;
    bool is_allowed(wire::Kind kind, std::string_view channel) const;
    bool is_allowed(std::uint64_t hash, wire::Kind kind, std::string_view channel) const;

    bool everything_ = false;
    bool parts_may_leave_ = true;
    std::map<std::uint64_t, wire::ChannelKey> channels_;
    MayHave may_have_;
    mutable std::unordered_map<std::uint64_t, bool> allowed_;  // by channel
};

class Stream {
  public:
    explicit Stream(StreamId id) : id_(id), main_(id) {}

    void push(Entry entry) { main_.push(std::move(entry)); }
    // The entry that may leave next, nullptr if none may now. Moves what is held aside, but for the
    // rest of what has `begun`.
    Entry* front(const HeldChannels& held, const BegunMessages& begun);
    // The first, whatever is held back; nothing of it is aside.
    Entry* first() {
        showing_ = &main_;
        return aside_.empty() ? main_.front() : nullptr;
    }
    // Takes the entry that front() showed.
    Entry pop();

    void recover(const Recovered::Stream& found, Time oldest) { main_.recover(found, oldest); }
    void trim(std::uint64_t memory_bytes_max);
    void read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                 std::vector<ReadBack>& reads);
    void on_loaded(const Loaded& answer, Keeper& keeper);
    // Everything is given up: what is in memory goes to `entries`. Returns the messages that are on
    // disk only.
    std::uint64_t take_all(std::vector<Entry>& entries);
    // Those at the front that are wanted. What follows on disk is asked for.
    template <class Wanted>
    void take_front_if(Wanted wanted, std::vector<Entry>& entries, std::vector<ReadBack>& reads) {
        for_each_run([&](Run& run) {
            while (run.front() != nullptr && wanted(*run.front())) entries.push_back(run.pop());
            if (run.front() != nullptr) return;
            if (auto request = run.read_on(limits::stream_read_back)) reads.push_back(*request);
        });
        tidy();
    }

    // As Run's.
    template <class Wanted>
    void take_old(const Run::Search& search, Wanted wanted, std::vector<Entry>& entries,
                  std::vector<ReadBack>& reads) {
        for_each_run([&](Run& run) { run.take_old(search, wanted, entries, reads); });
        tidy();
    }
    template <class Wanted>
    void loaded_old(const Loaded& answer, Wanted wanted, Keeper& keeper,
                    std::vector<Entry>& entries) {
        Run* const run = run_of(answer);
        if (run == nullptr) return;
        run->loaded_old(
            answer, wanted, [&](const LoadedEntry& row) { return keeper.taken_back(row, id_); },
            [&](const LoadedEntry& row) { keeper.lost(row, id_); }, entries);
        tidy();
    }
    template <class Visit>
    void for_each_run(Visit visit) {
        visit(main_);
        for (auto& [hash, waiting] : aside_) visit(waiting.run);
    }

    bool spilled() const;
    Run::Size size() const;
    Time oldest() const;

  private:
    // Runs may have become empty, and what was shown may be gone.
    void tidy() {
        std::erase_if(aside_, [](const auto& waiting) { return waiting.second.run.empty(); });
        showing_ = nullptr;
    }
    Run* run_of(const Loaded& answer);

    const StreamId id_;
    Run main_;
    struct Aside {
        wire::ChannelKey channel;
        std::string address;
        Run run;
        BegunMessages parts;  // of these it has some
    };
    bool goes_aside(const wire::BatchHeader& header, std::uint64_t hash, const HeldChannels& held,
                    const BegunMessages& begun) const;
    std::map<std::uint64_t, Aside> aside_;  // by order_hash; never empty runs
    Run* showing_ = nullptr;
};

}  // namespace bus::core
