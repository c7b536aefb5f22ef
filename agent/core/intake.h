// What was taken from one source (a producer, or one incarnation of a peer),
// in the order of its numbers, until it is safe. From here come the
// acknowledgements, the marks and the prefix that a commit must take.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/id.h"
#include "core/custody.h"
#include "wire/link.h"

namespace bus::core {

class Intake {
    struct Record {
        std::uint64_t number;
        std::shared_ptr<Custody> custody;
        bool safe;
        std::uint16_t destinations;
    };
    template <class Records>
    static auto lower_bound(Records& records, std::uint64_t number) {
        // Numbers have few gaps: mostly it stands where the first one's says.
        if (!records.empty() && number >= records.front().number) {
            const auto at = number - records.front().number;
            if (at < records.size() && records[at].number == number)
                return records.begin() + static_cast<std::ptrdiff_t>(at);
        }
        return std::lower_bound(records.begin(), records.end(), number,
                                [](const Record& r, std::uint64_t n) { return r.number < n; });
    }

  public:
    struct FromPeer {
        AgentId peer;
        std::uint64_t incarnation = 0;
    };
    using Source = std::variant<ProducerId, FromPeer>;

    // `mark`: everything up to it was taken and is safe.
    Intake(Source source, std::uint64_t mark)
        : source_(source), taken_(mark), safe_through_(mark), durable_(mark) {}

    const Source& source() const { return source_; }
    std::uint64_t taken() const { return taken_; }
    std::uint64_t safe_through() const { return safe_through_; }
    std::uint64_t durable() const { return durable_; }  // the mark that the journal has
    bool empty() const { return records_.empty(); }

    // Numbers ascend. The record stays until the custody is safe.
    void take(std::uint64_t number, std::shared_ptr<Custody> custody, std::uint16_t destinations) {
        BUS_ASSERT(number > taken_);
        taken_ = number;
        unsafe_bytes_ += custody->bytes;
        records_.push_back({number, std::move(custody), false, destinations});
    }
    // Taken and needing nothing more: refused, or a duplicate whose first copy is safe.
    void take_safe(std::uint64_t number, std::uint16_t destinations) {
        BUS_ASSERT(number > taken_);
        taken_ = number;
        records_.push_back({number, nullptr, true, destinations});
        newly_safe_.push_back({number, destinations});
        drop_safe_front();
    }
    void mark_safe(std::uint64_t number) {
        const auto at = lower_bound(records_, number);
        if (at == records_.end() || at->number != number || at->safe) return;
        unsafe_bytes_ -= at->custody->bytes;
        at->safe = true;
        at->custody.reset();
        newly_safe_.push_back({number, at->destinations});
        drop_safe_front();
    }
    void mark_durable(std::uint64_t number) { durable_ = std::max(durable_, number); }

    // Calls visit(custody) for every record in (after, through] that is not safe yet.
    template <class Visit>
    void for_each_unsafe(std::uint64_t after, std::uint64_t through, Visit visit) const {
        for (auto at = lower_bound(records_, after + 1); at != records_.end(); ++at) {
            if (at->number > through) return;
            if (!at->safe) visit(at->custody);
        }
    }
    // Bytes taken and not yet safe: what the source's window bounds.
    std::uint64_t unsafe_bytes() const { return unsafe_bytes_; }

    // Safe beyond the prefix, oldest first, at most ack_ranges_max.
    std::vector<wire::LinkAck::Range> ranges_beyond() const {
        std::vector<wire::LinkAck::Range> ranges;
        bool open = false;
        for (const Record& record : records_) {
            if (record.safe && open) {
                ranges.back().last = record.number;
            } else if (record.safe) {
                if (ranges.size() == wire::ack_ranges_max) break;
                ranges.push_back({record.number, record.number});
            }
            open = record.safe;
        }
        return ranges;
    }

    // What became safe since the last call, each with the number of its destinations.
    struct Safe {
        std::uint64_t number;
        std::uint16_t destinations;
    };
    std::vector<Safe> take_newly_safe() {
        dirty = false;
        return std::exchange(newly_safe_, {});
    }
    // Something became safe since then.
    bool dirty = false;

  private:
    void drop_safe_front() {
        dirty = true;
        while (!records_.empty() && records_.front().safe) {
            safe_through_ = records_.front().number;
            records_.pop_front();
        }
    }

    const Source source_;
    std::uint64_t taken_;
    std::uint64_t safe_through_;
    std::uint64_t durable_;
    std::uint64_t unsafe_bytes_ = 0;
    std::vector<Safe> newly_safe_;
    std::deque<Record> records_;
};

}  // namespace bus::core
