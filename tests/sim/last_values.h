// What is known of last values: which message each agent has to keep of a topic
// that retains its last, and what late joiners were given of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "book.h"
#include "core/batch.h"
#include "core/settings.h"
#include "disk.h"
#include "session/unpacker.h"

namespace bus::sim {

class LastValues {
  public:
    // What the configuration of all hosts says.
    void retain(const std::vector<core::ChannelSettings>& channels) { retained_ = channels; }
    bool are_kept() const { return !retained_.empty(); }
    bool retains(wire::Kind kind, std::string_view channel) const;

    // ---- Of publishers' agents.
    void on_taken(int host, const wire::BatchHeader& batch);
    // The agent says that it is safe: its journal has it, or a later one.
    void on_safe(int host, const Run& run, const Disk& durable);
    // What it has said so far of all channels still holds.
    void check(int host, const Disk& durable) const;
    // What an agent knew of what its late joiners were given went with it: of other lanes, or of
    // messages that were delayed, libbus does not know it either.
    void on_crash() { live_.clear(); }
    // Its journal went back in time.
    void excuse(int host);

    // ---- Of late joiners, by what counts app instances and their subscriptions.
    void on_live(std::uint64_t consumer, const session::Received& received);
    void on_given(std::uint64_t consumer, const session::Received& received);
    std::uint64_t given() const { return given_count_; }
    // It has joined when nothing came any more, and those are the values of all agents within its
    // reach: of each channel it has the newest.
    void check_joined(std::uint64_t consumer, const std::vector<core::PutLastValue>& values) const;

  private:
    using At = std::pair<int, std::string>;  // host, channel
    struct Take {
        std::uint64_t first = 0, latest = 0;  // a batch comes again after a crash
        std::string channel;
        bool has_ttl = false;
    };
    struct Given {
        ProducerId producer;
        std::uint64_t sequence = 0;
        std::uint64_t created_micros = 0;
    };
    const Take* find(int host, const ProducerId& producer, std::uint64_t sequence) const;
    void require(int host, const std::string& channel, std::uint64_t take,
                 const Disk& durable) const;

    std::vector<core::ChannelSettings> retained_;
    std::uint64_t taken_ = 0;
    std::map<std::tuple<int, ProducerId, std::uint64_t>, Take> takes_;  // by the first sequence
    std::map<At, std::uint64_t> safe_;        // of what was said to be safe the last take
    std::map<At, std::uint64_t> may_expire_;  // the last take of what does
    std::map<std::tuple<std::uint64_t, ProducerId, std::string>, std::uint64_t> live_;
    std::map<std::pair<std::uint64_t, std::string>, std::vector<Given>> given_;
    std::uint64_t given_count_ = 0;
};

}  // namespace bus::sim
