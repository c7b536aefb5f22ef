// What a journal holds, as maps: the same tables as agent/journal/schema.sql.
// A value: copied, it is a backup.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/journal.h"

namespace bus::sim {

class Disk {
  public:
    struct Row {
        core::Batch batch;
        std::uint64_t expires_wall_micros = 0;
        core::DestinationId source;
        std::uint64_t taken_wall_micros = 0;
        core::Owner owner = 0;
        std::set<core::StreamId> owed_to;
        bool damaged = false;
    };
    struct Entry {
        std::uint8_t flags = 0;
        std::uint32_t done = 0;
        std::uint64_t due_wall_micros = 0;
    };
    using Stream = std::map<core::BatchId, Entry>;
    using DeadLetters = std::map<core::DeadLetterId, core::DeadLetter>;

    // One transaction, whole.
    void apply(const core::Transaction& transaction);
    void start(AgentId agent, std::uint64_t incarnation);

    core::Recovered recovered() const;
    // Quarantines the damaged rows that it meets; `damaged` tells which.
    core::Loaded read(const core::ReadBack& request, core::Damaged& damaged);
    core::DeadLettersFound find(const core::FindDeadLetters& request) const;
    // What is there of that, each batch once.
    core::Watched::Total total_of(const core::Watch::Of& of) const;
    // Damages a row, if it is there.
    void spoil(core::BatchId id);

    const std::map<core::BatchId, Row>& rows() const { return rows_; }
    const std::map<core::StreamId, Stream>& streams() const { return streams_; }
    const std::map<core::DestinationId, core::Destination>& destinations() const {
        return destinations_;
    }
    const std::map<AgentId, core::PeerMark>& peer_marks() const { return peer_marks_; }
    const std::map<ProducerId, core::ProducerMark>& producer_marks() const {
        return producer_marks_;
    }
    std::vector<core::PutInterest> interest() const;
    const std::map<std::string, core::PutLastValue, std::less<>>& last_values() const {
        return last_values_;
    }
    const DeadLetters& dead_letters() const { return dead_letters_; }
    core::DeadLetterId last_dead_letter() const { return last_dead_letter_; }
    std::uint64_t live_bytes() const { return live_bytes_; }
    std::uint64_t incarnation() const { return incarnation_; }
    // A batch of this producer whose messages include `sequence` is stored.
    bool holds(const ProducerId& producer, std::uint64_t sequence) const;
    // The rows with that message; more than one if it was taken again after a crash.
    std::vector<const Row*> rows_of(const ProducerId& producer, std::uint64_t sequence) const;

  private:
    using Name = std::tuple<wire::Kind, std::string, std::string, std::string>;

    void apply(const core::Put& put);
    void apply(const core::Owe& owe);
    void apply(const core::Settle& settle);
    void apply(const core::Progress& progress);
    void apply(const core::PeerMark& mark);
    void apply(const core::ProducerMark& mark);
    void apply(const core::GiveUp& give_up);
    void apply(const core::DropProducerMark& drop);
    void apply(const core::PutDestination& put);
    void apply(const core::DropDestination& drop);
    void apply(const core::PutInterest& put);
    void apply(const core::DropInterest& drop);
    void apply(const core::PutTombstone& put);
    void apply(const core::DropTombstone& drop);
    void apply(const core::PutPeer& put);
    void apply(const core::DropPeer& drop);
    void apply(const core::PutGaps& put);
    void apply(const core::Account& account);
    void apply(const core::Bury& bury);
    void apply(const core::DropDeadLetter& drop);
    void apply(const core::PutLastValue& put);
    void apply(const core::DropLastValue& drop);
    void apply(const core::Watch&) {}  // nothing of it is kept
    std::vector<std::pair<core::BatchId, Entry>> in_order(const core::ReadBack& request) const;
    void settle(core::StreamId stream, core::BatchId id);
    bool is_meant(const core::DeadLetterFilter& filter, const core::DeadLetter& letter) const;
    bool has_rest(const core::DeadLetter& letter) const;

    AgentId agent_;
    std::uint64_t incarnation_ = 0;
    core::BatchId last_batch_;
    core::DestinationId last_destination_;
    std::uint64_t live_bytes_ = 0;
    std::map<core::BatchId, Row> rows_;
    // Where a producer's messages are, by their sequence: a last value is in a batch of its own as
    // well.
    std::map<std::pair<ProducerId, std::uint64_t>, std::set<core::BatchId>> by_sequence_;
    std::map<core::StreamId, Stream> streams_;
    std::map<core::DestinationId, core::Destination> destinations_;
    std::map<AgentId, core::PutPeer> peers_;
    std::map<AgentId, core::PeerMark> peer_marks_;
    std::map<ProducerId, core::ProducerMark> producer_marks_;
    std::map<ProducerId, std::set<std::uint64_t>> given_up_;
    std::map<std::pair<AgentId, Name>, core::PutInterest> interest_;
    std::map<Name, core::PutTombstone> tombstones_;
    std::map<core::DestinationId, core::Account> accounts_;
    std::map<core::DestinationId, core::PutGaps> gaps_;
    std::map<std::string, core::PutLastValue, std::less<>> last_values_;  // by channel
    std::vector<std::string> last_values_by_age_;
    DeadLetters dead_letters_;
    // By stream, batch and first message: said twice, it is buried once.
    std::map<std::tuple<core::StreamId, core::BatchId, std::uint32_t>, core::DeadLetterId> buried_;
    core::DeadLetterId last_dead_letter_;
};

}  // namespace bus::sim
