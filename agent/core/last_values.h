// The last message of each topic that retains it, for late joiners: of what this
// host's producers published, guaranteed, where the configuration says "retain":
// "last". All of it is in memory and in the journal. A message is not safe
// before the journal has it as the last value, or one that was published behind it
// (Keeper::retain), so a crash never leaves an older one than was called safe.
//
// Changes are kept as names of channels: what a commit writes is what there is
// then, so a flood on one channel costs one row for each commit.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/journal.h"
#include "wire/names.h"

namespace bus::core {

// As a batch of it alone. Nobody waits to hear of its arrival.
Batch last_message_of(const Batch& batch);

class LastValues {
  public:
    struct Value {
        Batch batch;
        std::uint64_t expires_wall_micros = 0;  // 0: never
        bool is_expired(std::uint64_t wall_micros) const {
            return expires_wall_micros != 0 && expires_wall_micros <= wall_micros;
        }
    };
    using Changed = std::set<std::string>;  // channels

    // As the journal has it.
    void recover(const PutLastValue& kept);
    // It is to go from there.
    void lose(const DropLastValue& damaged) { changed_.insert(damaged.channel); }
    // A batch of one message. Beyond the limits those go that were published longest ago.
    void put(Batch message, std::uint64_t expires_wall_micros);
    // Those that are not retained any more.
    template <class IsRetained>
    void keep_only(IsRetained is_retained) {
        for (auto next = values_.begin(); next != values_.end();)
            next = is_retained(next->first, next->second.value) ? std::next(next) : erase(next);
    }
    // Those on channels that the filter matches, in the order of their names.
    template <class Visit>
    void visit(std::string_view filter, std::uint64_t wall_micros, Visit visit) const {
        const std::string beginning{filter.substr(0, filter.find('*'))};
        for (auto at = values_.lower_bound(beginning);
             at != values_.end() && at->first.starts_with(beginning); ++at)
            if (wire::matches(filter, at->first) && !at->second.value.is_expired(wall_micros))
                visit(at->second.value);
    }

    std::size_t size() const { return values_.size(); }
    std::uint64_t bytes() const { return bytes_; }
    // That went to make room, since the last call.
    std::uint64_t take_evicted() { return std::exchange(evicted_, 0); }

    // ---- What the journal does not have yet.
    bool has_changes() const { return !changed_.empty(); }
    Changed take_changed() { return std::exchange(changed_, {}); }
    void describe(const Changed& changed, std::vector<Change>& changes) const;
    // They did not get there.
    void change_again(const Changed& changed) { changed_.insert(changed.begin(), changed.end()); }

  private:
    struct Kept {
        Value value;
        std::list<std::string>::iterator place;
    };
    using Values = std::map<std::string, Kept, std::less<>>;

    void insert(const std::string& channel, Value value);
    Values::iterator erase(Values::iterator at);

    Values values_;
    std::list<std::string> by_age_;  // what was published longest ago first
    std::uint64_t bytes_ = 0;
    std::uint64_t evicted_ = 0;
    Changed changed_;
};

}  // namespace bus::core
