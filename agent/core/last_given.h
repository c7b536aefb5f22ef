// What a subscription that asked for last values was given last on each channel: a
// last value that comes later, from another host or after a link was down, is of
// use only if it is newer. Of one producer its own count decides; of
// several, which have nothing else in common, their wall clocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "base/id.h"
#include "limits.h"
#include "wire/batch.h"
#include "wire/names.h"

namespace bus::core {

class LastGiven {
  public:
    void note(const wire::BatchHeader& header) {
        const auto hash = wire::channel_hash(header.kind, header.channel);
        const Latest given = latest_of(header);
        const auto found = channels_.find(hash);
        if (found == channels_.end()) {
            if (channels_.size() < limits::last_given_max) channels_.emplace(hash, given);
        } else if (is_newer(given, found->second)) {
            found->second = given;
        }
    }
    // Of a channel that is not remembered only as long as all are.
    bool is_news(const wire::BatchHeader& header) const {
        const auto found = channels_.find(wire::channel_hash(header.kind, header.channel));
        if (found == channels_.end()) return channels_.size() < limits::last_given_max;
        return is_newer(latest_of(header), found->second);
    }

  private:
    struct Latest {
        ProducerId producer;
        std::uint64_t sequence = 0;  // of the last message, counts all of the producer's
        std::uint64_t created_micros = 0;
    };
    static Latest latest_of(const wire::BatchHeader& header) {
        return {header.producer, header.sequence + header.message_count - 1, header.created_micros};
    }
    static bool is_newer(const Latest& one, const Latest& other) {
        return one.producer == other.producer ? one.sequence > other.sequence
                                              : one.created_micros > other.created_micros;
    }

    std::unordered_map<std::uint64_t, Latest> channels_;  // by their hash
};

}  // namespace bus::core
