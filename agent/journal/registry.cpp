#include "journal/registry.h"

namespace bus::journal {
namespace {

template <class Enum>
std::uint64_t number_of(Enum value) {
    return static_cast<std::uint64_t>(value);
}
template <class Enum>
Enum enum_of(const Statement& row, int column) {
    return static_cast<Enum>(row.number(column));
}
constexpr std::uint64_t ticket_confirmed = 1, ticket_rejoining = 2;

std::string string_of(const Statement& row, int column) { return std::string{row.text(column)}; }

}  // namespace

Registry::Registry(Database& database)
    : database_(&database),
      save_meta_{database,
                 "REPLACE INTO meta (id, agent, incarnation, commits, last_batch,"
                 " last_destination, live_bytes, dead_letters, dead_bytes)"
                 " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)"},
      put_destination_{database,
                       "REPLACE INTO destination (id, type, kind, name, filter,"
                       " group_name, agent, paused, declared, owner)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      drop_destination_{database, "DELETE FROM destination WHERE id = ?"},
      drop_account_{database, "DELETE FROM account WHERE destination = ?"},
      put_peer_mark_{database,
                     "REPLACE INTO peer_mark (peer, incarnation, number)"
                     " VALUES (?, ?, ?)"},
      put_producer_mark_{database,
                         "INSERT INTO producer_mark (producer, number, used)"
                         " VALUES (?, ?, ?) ON CONFLICT (producer) DO UPDATE"
                         " SET number = max(number, excluded.number), used = excluded.used"},
      drop_producer_mark_{database, "DELETE FROM producer_mark WHERE producer = ?"},
      put_given_up_{database, "REPLACE INTO given_up (producer, first_sequence) VALUES (?, ?)"},
      drop_given_up_{database, "DELETE FROM given_up WHERE producer = ?"},
      put_interest_{database,
                    "REPLACE INTO interest (peer, kind, name, filter, group_name,"
                    " durable) VALUES (?, ?, ?, ?, ?, ?)"},
      drop_interest_{database,
                     "DELETE FROM interest"
                     " WHERE peer = ? AND kind = ? AND name = ? AND filter = ?"
                     " AND group_name = ?"},
      put_tombstone_{database,
                     "REPLACE INTO tombstone (kind, name, filter, version, group_name)"
                     " VALUES (?, ?, ?, ?, ?)"},
      drop_tombstone_{database,
                      "DELETE FROM tombstone"
                      " WHERE kind = ? AND name = ? AND filter = ? AND group_name = ?"},
      put_peer_{database,
                "REPLACE INTO peer (id, name, key, incarnation, nonce, interest_version, issued,"
                " before, held, ticket_flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      drop_peer_{database, "DELETE FROM peer WHERE id = ?"},
      drop_peer_mark_{database, "DELETE FROM peer_mark WHERE peer = ?"},
      drop_peer_interest_{database, "DELETE FROM interest WHERE peer = ?"},
      put_account_{database,
                   "REPLACE INTO account (destination, incarnation, recovered, taken, settled,"
                   " filtered, expired, lapsed, dead_lettered, purged, moved, waiting, unrouted)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      put_gaps_{database,
                "REPLACE INTO gap (destination, lapsed, best_effort, damaged, restored, told, news,"
                " reason, channel, messages, first_taken, last_taken)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      drop_gaps_{database, "DELETE FROM gap WHERE destination = ?"} {}

Status Registry::load_meta(std::optional<Meta>& meta) {
    Statement row{*database_,
                  "SELECT agent, incarnation, commits, last_batch, last_destination,"
                  " live_bytes, dead_letters, dead_bytes FROM meta"};
    meta.reset();
    if (!row.next()) return row.status();
    meta = Meta{.agent = row.id<AgentId>(0),
                .incarnation = row.number(1),
                .commits = row.number(2),
                .last_batch = core::BatchId{row.number(3)},
                .last_destination = core::DestinationId{static_cast<std::uint32_t>(row.number(4))},
                .live_bytes = row.number(5),
                .dead_letters = row.number(6),
                .dead_bytes = row.number(7)};
    return Status::ok;
}

Status Registry::save_meta(const Meta& meta) {
    return save_meta_
        .bind(meta.agent, meta.incarnation, meta.commits, meta.last_batch, meta.last_destination,
              meta.live_bytes, meta.dead_letters, meta.dead_bytes)
        .run();
}

Status Registry::load(core::Recovered& recovered) {
    Status status = load_destinations(recovered);
    if (status == Status::ok) status = load_peers(recovered);
    if (status == Status::ok) status = load_marks(recovered);
    if (status == Status::ok) status = load_interest(recovered);
    if (status == Status::ok) status = load_gaps(recovered);
    return status;
}

Status Registry::load_destinations(core::Recovered& recovered) {
    Statement row{*database_,
                  "SELECT id, type, kind, name, filter, group_name, agent, paused, declared,"
                  " owner FROM destination ORDER BY id"};
    while (row.next())
        recovered.destinations.push_back(
            {.type = enum_of<core::Destination::Type>(row, 1),
             .id = core::DestinationId{static_cast<std::uint32_t>(row.number(0))},
             .kind = enum_of<wire::Kind>(row, 2),
             .name = string_of(row, 3),
             .filter = string_of(row, 4),
             .group = string_of(row, 5),
             .agent = row.id<AgentId>(6),
             .paused = row.number(7) != 0,
             .declared = row.number(8) != 0,
             .owner = row.number(9)});
    return row.status();
}

Status Registry::load_peers(core::Recovered& recovered) {
    Statement row{*database_,
                  "SELECT id, name, key, incarnation, nonce, interest_version, issued, before,"
                  " held, ticket_flags FROM peer"};
    while (row.next())
        recovered.peers.push_back(
            {.id = row.id<AgentId>(0),
             .name = string_of(row, 1),
             .key = string_of(row, 2),
             .incarnation = row.number(3),
             .interest_version = row.number(5),
             .nonce = row.number(4),
             .tickets = {.issued = row.id<wire::Ticket>(6),
                         .before = row.id<wire::Ticket>(7),
                         .confirmed = (row.number(9) & ticket_confirmed) != 0,
                         .held = row.id<wire::Ticket>(8),
                         .rejoining = (row.number(9) & ticket_rejoining) != 0}});
    return row.status();
}

Status Registry::load_marks(core::Recovered& recovered) {
    Statement peer{*database_, "SELECT peer, incarnation, number FROM peer_mark"};
    while (peer.next())
        recovered.peer_marks.push_back({peer.id<AgentId>(0), peer.number(1), peer.number(2)});
    if (peer.status() != Status::ok) return peer.status();
    Statement producer{*database_, "SELECT producer, number, used FROM producer_mark"};
    while (producer.next())
        recovered.producer_marks.push_back(
            {producer.id<ProducerId>(0), producer.number(1), producer.number(2)});
    if (producer.status() != Status::ok) return producer.status();
    Statement given_up{*database_, "SELECT producer, first_sequence FROM given_up"};
    while (given_up.next())
        recovered.given_up.push_back({given_up.id<ProducerId>(0), given_up.number(1)});
    return given_up.status();
}

Status Registry::load_interest(core::Recovered& recovered) {
    Statement wanted{*database_,
                     "SELECT peer, kind, durable, name, group_name, filter FROM interest"};
    while (wanted.next())
        recovered.interest.push_back({.peer = wanted.id<AgentId>(0),
                                      .kind = enum_of<wire::Kind>(wanted, 1),
                                      .durable = wanted.number(2) != 0,
                                      .name = string_of(wanted, 3),
                                      .group = string_of(wanted, 4),
                                      .filter = string_of(wanted, 5)});
    if (wanted.status() != Status::ok) return wanted.status();
    Statement removed{*database_, "SELECT kind, name, filter, version, group_name FROM tombstone"};
    while (removed.next())
        recovered.tombstones.push_back({.kind = enum_of<wire::Kind>(removed, 0),
                                        .name = string_of(removed, 1),
                                        .filter = string_of(removed, 2),
                                        .version = removed.number(3),
                                        .group = string_of(removed, 4)});
    return removed.status();
}

Status Registry::load_gaps(core::Recovered& recovered) {
    Statement row{*database_,
                  "SELECT destination, lapsed, best_effort, damaged, restored, told, news, reason,"
                  " channel, messages, first_taken, last_taken FROM gap"};
    while (row.next())
        recovered.gaps.push_back(
            {.destination = core::DestinationId{static_cast<std::uint32_t>(row.number(0))},
             .gaps =
                 core::Gaps{{.lost = {row.number(1), row.number(2), row.number(3), row.number(4)},
                             .told = row.number(5),
                             .has_news = row.number(6) != 0,
                             .last = {.reason = enum_of<core::Gaps::Reason>(row, 7),
                                      .channel = string_of(row, 8),
                                      .messages = row.number(9),
                                      .from_micros = row.number(10),
                                      .to_micros = row.number(11)}}}});
    return row.status();
}

Status Registry::put(const core::PutDestination& change) {
    const auto& put = change.destination;
    return put_destination_
        .bind(put.id, number_of(put.type), number_of(put.kind), std::string_view{put.name},
              std::string_view{put.filter}, std::string_view{put.group}, put.agent,
              std::uint64_t{put.paused}, std::uint64_t{put.declared}, put.owner)
        .run();
}

Status Registry::drop(core::DestinationId id) {
    Status status = drop_destination_.bind(id).run();
    if (status == Status::ok) status = drop_account_.bind(id).run();
    return status == Status::ok ? drop_gaps_.bind(id).run() : status;
}

Status Registry::apply(const core::PutGaps& change) {
    const auto kept = change.gaps.kept();
    return put_gaps_
        .bind(change.destination, kept.lost[0], kept.lost[1], kept.lost[2], kept.lost[3], kept.told,
              std::uint64_t{kept.has_news}, number_of(kept.last.reason),
              std::string_view{kept.last.channel}, kept.last.messages, kept.last.from_micros,
              kept.last.to_micros)
        .run();
}

Status Registry::apply(const core::PeerMark& change) {
    return put_peer_mark_.bind(change.peer, change.incarnation, change.number).run();
}

Status Registry::apply(const core::ProducerMark& change) {
    return put_producer_mark_.bind(change.producer, change.number, change.wall_micros).run();
}

Status Registry::apply(const core::DropProducerMark& change) {
    const Status status = drop_producer_mark_.bind(change.producer).run();
    return status == Status::ok ? drop_given_up_.bind(change.producer).run() : status;
}

Status Registry::apply(const core::GiveUp& change) {
    return put_given_up_.bind(change.producer, change.first_sequence).run();
}

Status Registry::apply(const core::PutInterest& change) {
    return put_interest_
        .bind(change.peer, number_of(change.kind), std::string_view{change.name},
              std::string_view{change.filter}, std::string_view{change.group},
              std::uint64_t{change.durable})
        .run();
}

Status Registry::apply(const core::DropInterest& change) {
    return drop_interest_
        .bind(change.peer, number_of(change.kind), std::string_view{change.name},
              std::string_view{change.filter}, std::string_view{change.group})
        .run();
}

Status Registry::apply(const core::PutTombstone& change) {
    return put_tombstone_
        .bind(number_of(change.kind), std::string_view{change.name},
              std::string_view{change.filter}, change.version, std::string_view{change.group})
        .run();
}

Status Registry::apply(const core::DropTombstone& change) {
    return drop_tombstone_
        .bind(number_of(change.kind), std::string_view{change.name},
              std::string_view{change.filter}, std::string_view{change.group})
        .run();
}

Status Registry::apply(const core::PutPeer& change) {
    const core::Tickets& tickets = change.tickets;
    const std::uint64_t flags =
        (tickets.confirmed ? ticket_confirmed : 0) | (tickets.rejoining ? ticket_rejoining : 0);
    return put_peer_
        .bind(change.id, std::string_view{change.name}, std::string_view{change.key},
              change.incarnation, change.nonce, change.interest_version, tickets.issued,
              tickets.before, tickets.held, flags)
        .run();
}

Status Registry::apply(const core::DropPeer& change) {
    Status status = drop_peer_.bind(change.id).run();
    if (status == Status::ok) status = drop_peer_mark_.bind(change.id).run();
    return status == Status::ok ? drop_peer_interest_.bind(change.id).run() : status;
}

Status Registry::apply(const core::Account& change, std::uint64_t incarnation) {
    return put_account_
        .bind(change.destination, incarnation, change.recovered, change.taken, change.settled,
              change.filtered, change.expired, change.lapsed, change.dead_lettered, change.purged,
              change.moved, change.waiting, change.unrouted)
        .run();
}

}  // namespace bus::journal
