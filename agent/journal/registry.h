// The small tables: destinations, peers, marks, interest, tombstones, accounts
// and the one row of meta. Read once at the start, written within the store's
// transactions.
#pragma once

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

// The row of meta. The agent is told apart from the counters, which change with each commit.
struct Meta {
    AgentId agent;
    std::uint64_t incarnation = 0, commits = 0;
    core::BatchId last_batch;
    core::DestinationId last_destination;
    std::uint64_t live_bytes = 0, dead_letters = 0, dead_bytes = 0;
};

class Registry {
  public:
    explicit Registry(Database& database);

    // Absent in a new journal.
    [[nodiscard]] Status load_meta(std::optional<Meta>& meta);
    [[nodiscard]] Status save_meta(const Meta& meta);
    [[nodiscard]] Status load(core::Recovered& recovered);

    [[nodiscard]] Status put(const core::PutDestination& change);
    [[nodiscard]] Status drop(core::DestinationId id);
    [[nodiscard]] Status apply(const core::PeerMark& change);
    [[nodiscard]] Status apply(const core::ProducerMark& change);
    [[nodiscard]] Status apply(const core::GiveUp& change);
    [[nodiscard]] Status apply(const core::DropProducerMark& change);
    [[nodiscard]] Status apply(const core::PutInterest& change);
    [[nodiscard]] Status apply(const core::DropInterest& change);
    [[nodiscard]] Status apply(const core::PutTombstone& change);
    [[nodiscard]] Status apply(const core::DropTombstone& change);
    [[nodiscard]] Status apply(const core::PutPeer& change);
    // Its mark and interest go with it.
    [[nodiscard]] Status apply(const core::DropPeer& change);
    [[nodiscard]] Status apply(const core::PutGaps& change);
    [[nodiscard]] Status apply(const core::Account& change, std::uint64_t incarnation);

  private:
    Status load_destinations(core::Recovered& recovered);
    Status load_peers(core::Recovered& recovered);
    Status load_marks(core::Recovered& recovered);
    Status load_interest(core::Recovered& recovered);
    Status load_gaps(core::Recovered& recovered);

    Database* database_;
    Statement save_meta_, put_destination_, drop_destination_, drop_account_;
    Statement put_peer_mark_, put_producer_mark_, drop_producer_mark_;
    Statement put_given_up_, drop_given_up_;
    Statement put_interest_, drop_interest_, put_tombstone_, drop_tombstone_;
    Statement put_peer_, drop_peer_, drop_peer_mark_, drop_peer_interest_, put_account_;
    Statement put_gaps_, drop_gaps_;
};

}  // namespace bus::journal
