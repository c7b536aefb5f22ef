// Dead letters that go on to a queue, because their channel says so
// (Settings::dead_letter_to). First they are dead letters like all others: so
// nothing is lost whatever dies in the middle, and one mechanism serves for
// what a consumer rejects, what waits too long, and what the journal buries by
// itself. In the queue they are new messages of this agent's, with the payload
// and headers of the old ones and more headers that tell why.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/dead_letter.h"
#include "core/settings.h"

namespace bus::core {

class Forwarding {
  public:
    // `producer`: of the new messages; random, of this start of the agent alone. So numbers begin
    // anew with it, and none is ever used twice.
    explicit Forwarding(ProducerId producer) : producer_(producer) {}

    // The channels of which something goes on, in these settings. false: nothing has changed.
    bool replace(const std::vector<ChannelSettings>& settings);
    bool is_wanted() const { return !channels_.empty(); }
    const std::vector<ChannelFilter>& channels() const { return channels_; }

    // What it becomes there, in batches of its lane. None: it stays where it is, for it went on
    // before, here or at another agent, or is part of a large message, or finds no room for the
    // headers.
    std::vector<Batch> messages_of(const DeadLetter& letter, const std::string& queue,
                                   std::uint64_t wall_micros);

    // The exchange's own notes.
    DeadLetterId through;     // it has looked at those up to here
    bool wants_look = false;  // there may be more behind
    bool looking = false;
    bool blocked = false;  // the next one's queue, or the journal, has no room

  private:
    const ProducerId producer_;
    std::vector<ChannelFilter> channels_;
    std::vector<std::string> queues_;  // of each
    std::uint64_t sequence_ = 0;
    std::map<std::pair<std::string, wire::Lane>, std::uint64_t> channel_sequences_;
};

}  // namespace bus::core
