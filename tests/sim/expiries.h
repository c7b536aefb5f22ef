// Messages with a lifetime: what an account says has expired at a place was not
// delivered there, and its lifetime had really passed; what was not delivered
// has expired. An account names no message, so these are counts, one for each
// place: one place's excess covers nothing of another's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/time.h"
#include "book.h"
#include "core/status.h"

namespace bus::sim {

class Expiries {
  public:
    explicit Expiries(const Book& book) : book_(book) {}

    // What `host` has counted so far; `host_of` says which host an agent is.
    template <class HostOf>
    void observe(int host, const core::Status& status, HostOf host_of) {
        for (const auto& group : status.groups)
            if (group.type != "service")
                observe(at_[key_of(host, name_of(group))][host], group.account.expired);
        for (const auto& agent : status.agents)
            observe(between_[{host, host_of(agent.agent)}], agent.account.expired);
    }
    // Its accounts begin anew.
    void on_crash(int host);
    // A request, and its answer, may expire on a link as well; the book knows nothing of them.
    void on_question() { ++questions_; }
    // What is for an agent may expire at any other on the way.
    void several_paths() { several_paths_ = true; }

    // Requires: neither crash nor session event has struck, for these let a message be counted, or
    // delivered, again.
    void check_none_too_many(Time now);
    void check_accounted() const;

    // A batch may be older than what joins it; each hop rounds what is left to milliseconds.
    static constexpr Duration tolerance = std::chrono::milliseconds{4};

  private:
    using Key = std::pair<int, std::string>;  // of places: host, -1 for a queue or group; name
    static std::string name_of(const core::GroupStatus& group) {
        return group.type == "group" ? wire::group_address(group.name, group.filter) : group.name;
    }
    struct Count {
        std::uint64_t seen = 0;   // of the host's present life
        std::uint64_t total = 0;  // of all
    };
    struct Counts {
        std::map<Key, std::uint64_t> at;
        std::map<std::pair<int, int>, std::uint64_t> between;  // first host, last host
        std::uint64_t of_queues = 0;                           // which may be between any two
    };
    Key key_of(int host, const std::string& name) const;
    static void observe(Count& count, std::uint64_t now);
    std::uint64_t expired_at(const Key& key) const;
    std::uint64_t expired_on_the_way_to(const Key& key) const;
    Counts may_have_expired(Time now) const;
    void count_between(int from, int to, Counts& counts) const;

    const Book& book_;
    std::map<Key, std::map<int, Count>> at_;        // by place, then by host
    std::map<std::pair<int, int>, Count> between_;  // from the first host toward the second
    std::uint64_t questions_ = 0;
    std::uint64_t checked_ = 0;
    bool several_paths_ = false;  // the sum when it was last looked at
};

}  // namespace bus::sim
