// One consumer of a queue or subscription: what it may have, what it has, and
// until when it has to decide.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "core/caution.h"
#include "core/lease.h"
#include "core/rate.h"

namespace bus::core {

// What an app asked for when it subscribed.
struct ConsumerTerms {
    std::uint32_t messages_max = 0;  // handed out and not decided
    std::uint64_t bytes_max = 0;
    Duration ack_deadline{};  // what is not decided by then is taken back; 0: never
    std::uint32_t rate = 0;   // messages a second; 0: unlimited
    // It reads large messages part by part, acknowledging each part as it goes on to the next. So
    // parts have a room of their own, as large as that for whole messages.
    bool by_parts = false;
};

class Consumer {
  public:
    Consumer(ConsumerId id, const ConsumerTerms& terms)
        : id_(id), terms_(terms), rate_(terms.rate) {}

    ConsumerId id() const { return id_; }

    // It could decide something and so make room: nothing of the agent's is in its way.
    bool has_room() const {
        return !stopped_ && messages_out_ < terms_.messages_max && bytes_out_ < terms_.bytes_max;
    }
    void stop(bool stopped) { stopped_ = stopped; }
    bool is_stopped() const { return stopped_; }
    bool by_parts() const { return terms_.by_parts; }
    bool has_part_room() const {
        return !stopped_ && (!by_parts() || part_bytes_out_ < terms_.bytes_max);
    }
    bool is_free(Time now) const { return has_room() && rate_.free(now); }
    // Messages that it may have at once, of which it is_free(); what it is not to be trusted with
    // in numbers is handed out with caution.
    std::uint32_t room(bool suspect, Time now) {
        std::uint32_t most = terms_.messages_max - messages_out_;
        // A second's worth in a heap would be no rate.
        if (rate_.limited()) most = std::min(most, std::max(1u, terms_.rate / 10));
        return suspect ? std::min(most, caution_.room(now)) : most;
    }
    // When it may have more, where only its rate, or caution, is in the way.
    Time free_at(bool suspect) const {
        const Time by_rate = rate_.limited() ? rate_.free_at() : Time{};
        return suspect ? std::max(by_rate, caution_.grows_at()) : by_rate;
    }

    void take(std::uint64_t tag, Lease& lease, Time now) {
        tags_.insert(tag);
        rate_.spend(lease.takes_room ? lease.count : 0, now);
        if (lease.suspect) caution_.take(lease.count, now);
        part_bytes_out_ += lease.part_bytes;
        if (!lease.takes_room) return;
        messages_out_ += lease.count;
        bytes_out_ += lease.bytes;
        if (has_deadline()) extend(tag, lease, now);
    }
    // So many messages of it were decided, at last the lease as a whole.
    void decide(const Lease& lease, std::uint32_t count, Time now) {
        if (lease.suspect) caution_.decide(count, now);
        if (lease.takes_room) messages_out_ -= count;
    }
    void finish(std::uint64_t tag, const Lease& lease) {
        bytes_out_ -= lease.bytes;
        part_bytes_out_ -= lease.part_bytes;
        tags_.erase(tag);
        while (!deadlines_.empty() && !tags_.contains(deadlines_.front().second))
            deadlines_.pop_front();
    }
    // It is at work on it: the deadline begins anew.
    void extend(std::uint64_t tag, Lease& lease, Time now) {
        lease.deadline = now + terms_.ack_deadline;
        deadlines_.emplace_back(lease.deadline, tag);
    }
    bool has_deadline() const { return terms_.ack_deadline > Duration{}; }
    // The tags whose deadline may have passed; a lease that was extended has a later one.
    std::vector<std::uint64_t> take_overdue(Time now) {
        std::vector<std::uint64_t> overdue;
        for (; !deadlines_.empty() && deadlines_.front().first <= now; deadlines_.pop_front())
            overdue.push_back(deadlines_.front().second);
        return overdue;
    }
    Time next_deadline() const { return deadlines_.empty() ? never : deadlines_.front().first; }

    // The undecided lease that it has had the longest: a consumer that works in order has really
    // begun with it. 0: none.
    std::uint64_t oldest() const { return tags_.empty() ? 0 : *tags_.begin(); }
    const std::set<std::uint64_t>& tags() const { return tags_; }
    std::uint32_t messages_out() const { return messages_out_; }

  private:
    ConsumerId id_;
    ConsumerTerms terms_;
    Rate rate_;
    Caution caution_;
    bool stopped_ = false;  // what it has is not even on its way to it
    std::uint32_t messages_out_ = 0;
    std::uint64_t bytes_out_ = 0, part_bytes_out_ = 0;
    std::set<std::uint64_t> tags_;  // of its leases
    std::deque<std::pair<Time, std::uint64_t>> deadlines_;
};

}  // namespace bus::core
