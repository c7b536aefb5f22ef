// The keeper holds every batch in custody until it is settled everywhere, and
// decides what has to go to the journal meanwhile: what outlives its grace, as
// a prefix of everything its source sent (DESIGN.md, section 3). One
// transaction is on its way at a time; while it syncs, the next one gathers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/channel_policy.h"
#include "core/custody.h"
#include "core/intake.h"
#include "core/journal.h"
#include "core/last_values.h"
#include "core/ledger.h"
#include "core/seen.h"
#include "core/steps.h"
#include "limits.h"
#include "wire/local.h"

namespace bus::core {

class Keeper {
  public:
    struct Where {
        StreamId stream;
        std::uint8_t flags = 0;
    };
    Keeper(const Recovered& recovered, Time now, std::uint64_t wall_micros)
        : last_batch_(recovered.last_batch),
          recovered_through_(recovered.last_batch),
          space_(recovered.space),
          started_(now),
          started_wall_micros_(wall_micros),
          now_(now),
          full_(recovered.space.full) {}

    // The time of the input that is being worked on. Every input begins with it.
    void tick(Time now) { now_ = now; }
    Time now() const { return now_; }

    // ---- Custody.
    // Owed to all of `where` (at least one). `source`: the agent where it entered the bus.
    // `is_final`: this host wants it, too.
    std::shared_ptr<Custody> take(Batch batch, const std::vector<Where>& where, Time expires,
                                  DestinationId source = {}, std::uint8_t hops = 0,
                                  bool is_final = true);
    // Owed as long as it lives, and never journaled: a request, or its reply. none: it is in no
    // account, for the agents speak to each other, or its messages are in another one.
    enum class Account : std::uint8_t { counted, none };
    std::shared_ptr<Custody> take_fleeting(Batch batch, const std::vector<Where>& where,
                                           Time expires, DestinationId source, std::uint8_t hops,
                                           Account account = Account::counted);
    // Best effort: owed to nobody once it was handed out; in no account.
    std::shared_ptr<Custody> take_loose(Batch batch, const std::vector<Where>& where, Time expires);
    // Owed to nobody, and safe when the journal has what is retained of it.
    std::shared_ptr<Custody> take_retained(Batch batch, Time expires);
    // Its last message becomes the channel's last value; the custody is not safe before the journal
    // has that, or a later one.
    void retain(const std::shared_ptr<Custody>& custody);
    // Messages [first, first + count) of it, to travel alone, with bytes of their own. Whoever cut
    // the piece tells, once, how it ended or that it came back (Settlement::purged: neither is
    // known).
    Entry cut(const Entry& entry, std::uint32_t first, std::uint32_t count);
    void end_piece(const Entry& piece, Settlement how);
    // A row read back from the journal, as an entry of that stream.
    Entry taken_back(const LoadedEntry& row, StreamId stream);
    // A row whose bytes are damaged: accounted for, and gone. The journal has named it (Damaged).
    void lost(const LoadedEntry& row, StreamId stream);
    // What is left of its TTL, at least 1; 0: no TTL.
    std::uint64_t lifetime_left(const Custody& custody) const;
    // `origin` is told when the custody is safe; at once if it is.
    void attach(const std::shared_ptr<Custody>& custody, const std::shared_ptr<Intake>& intake,
                std::uint64_t number, std::uint16_t destinations);
    // Taken, and nothing more is to be done for it.
    void attach_safe(const std::shared_ptr<Intake>& intake, std::uint64_t number,
                     std::uint16_t destinations);
    // Its source wants to hear when the entries flagged `arrival` have arrived: so many of them.
    void want_arrival(const Custody& custody, const std::shared_ptr<Intake>& source,
                      std::uint64_t number, std::uint32_t entries);
    // What is on disk of that destination ends without being read: nobody can tell any more.
    void forget_arrivals(DestinationId at);
    // So many of them that were passed on (Settlement::moved) have arrived, or what became of them.
    // `safe`: the custody is, or has ended.
    void arrived_elsewhere(BatchId id, bool safe, std::uint32_t entries, wire::Fate fate);
    void settle(const Entry& entry, Settlement how, SettledApart apart = {});
    // A consumer of this host's has it now: for its producer it has arrived.
    void handed_out(const Entry& entry);
    // Its destination does without the bytes from now on, as long as the journal has them.
    void spare_bytes(const Entry& entry);
    // Messages [first, first + count) of it have expired: dead letters, where their channel asks
    // for that. How they settle.
    [[nodiscard]] Settlement expire(const Entry& entry, std::uint32_t first, std::uint32_t count);
    [[nodiscard]] Settlement expire(const Entry& entry) {
        return expire(entry, entry.owed().done, entry.messages() - entry.owed().done);
    }
    // The first `done` messages of it are acknowledged.
    void progress(const Entry& entry, std::uint32_t done);
    // A copy of messages [first, first + count) goes to the dead letters; the entry is not settled
    // by it. What was in memory only is not safe before that copy is on disk.
    // `name`: of an agent, for people. `attempts`: to hand it to a consumer; 0: not known.
    void bury(const Entry& entry, std::uint32_t first, std::uint32_t count, std::string reason,
              const std::string& name = {}, std::uint32_t attempts = 0);
    // The unsafe custody that holds this message for this host, if there is one: where a duplicate
    // waits.
    std::shared_ptr<Custody> find_unsafe(const wire::BatchHeader& copy) const;

    // ---- What goes to the journal.
    // It shall be there by `due`, unless it settles before.
    void want(const std::shared_ptr<Custody>& custody, Time due);
    // Goes with the next transaction; on its own after limits::journal_idle_flush, or at once if
    // urgent.
    void change(Change change, bool urgent = false);
    // Every destination an Owe names has to be declared in the same transaction or before it.
    void declare(const Destination& destination) { undeclared_[destination.id] = destination; }
    void forget_destination(DestinationId id);
    // What is on disk only of it becomes dead letters; all else of it has settled.
    void bury_destination(DestinationId id, const std::string& name, const std::string& reason);
    std::optional<Transaction> gather();
    // Everything that is unsafe or pending becomes due at once: the agent is about to stop.
    void want_all();
    bool quiet() const {
        return !in_flight_ && pending_.empty() && unsafe_ == 0 && !last_values.has_changes();
    }
    Time next_due() const;

    // ---- Its answers. What became journaled is in `journaled_streams` until cleared.
    void on_committed(const Committed& answer);
    void on_failed(const Failed& answer);
    void on_undecided(const Undecided& answer);

    Ledger ledger;
    LastValues last_values;
    ChannelPolicies policies;
    Seen seen;
    MemoryMeter meter;
    Steps steps;
    std::set<StreamId> journaled_streams;
    std::vector<std::shared_ptr<Intake>> dirty_intakes;

    // Is the receipt `arrived` for this number still to come?
    bool awaits_arrival(const ProducerId& producer, std::uint64_t number) const {
        return awaited_.contains({producer, number});
    }
    struct Arrival {
        std::shared_ptr<Intake> source;
        std::uint64_t number = 0;
        std::uint32_t remaining = 0;
        wire::Fate fate = wire::Fate::reached;
        std::vector<DestinationId> owed = {};  // where the entries are that count
        bool consumed = false;                 // that is what its source wants to hear
    };
    std::vector<Arrival> arrived;

    bool committing() const { return in_flight_.has_value(); }
    Submission committed_through() const { return committed_; }
    // The submission that carries, or will carry, what was changed last.
    Submission pending_submission() const { return Submission{submitted_.value + 1}; }
    const JournalSpace& space() const { return space_; }
    // The last attempt failed; new data is not safe until one succeeds.
    bool failing() const { return failing_; }
    // No room for new data: only settlements are tried until there is.
    bool full() const { return full_; }
    std::size_t unsafe_count() const { return unsafe_; }
    Time from_wall(std::uint64_t wall_micros) const;
    std::uint64_t wall_micros(Time now) const {
        return started_wall_micros_ +
               static_cast<std::uint64_t>(
                   std::chrono::duration_cast<std::chrono::microseconds>(now - started_).count());
    }

  private:
    struct Due {
        Time at;
        std::weak_ptr<Custody> custody;
        bool operator<(const Due& other) const { return at > other.at; }  // the earliest on top
    };
    struct InFlight {
        Submission number;
        std::vector<std::shared_ptr<Custody>> custodies;
        std::vector<Change> changes;  // all but Put and Owe, to be said again if it fails
        std::vector<std::pair<std::shared_ptr<Intake>, std::uint64_t>> marks;
        std::vector<Destination> declared;
        std::vector<std::shared_ptr<Custody>> buried;
        LastValues::Changed last_values;  // as the changes
        std::vector<std::shared_ptr<Custody>> retained;
        bool brings_data() const { return !custodies.empty() || !last_values.empty(); }
    };
    using MessageKey = std::pair<ProducerId, std::uint64_t>;
    static MessageKey copy_key(const wire::BatchHeader& header);
    struct MessageKeyHash {
        std::size_t operator()(const MessageKey& key) const noexcept {
            return std::hash<ProducerId>{}(key.first) ^ (key.second * 0x9E3779B97F4A7C15ull);
        }
    };

    std::shared_ptr<Custody> owe(Batch batch, const std::vector<Where>& where, Time expires,
                                 DestinationId source, std::uint8_t hops, Account account);
    void safe(Custody& custody);
    void note(Event::Kind what, const Custody& custody);
    void note_end(const Entry& entry, Settlement how);
    void forget_message(const Custody& custody);
    void arrive(BatchId id, bool safe, std::uint32_t entries, wire::Fate fate);
    void gather_custodies(Transaction& transaction);
    void gather_last_values(Transaction& transaction);
    void copied(const std::vector<std::shared_ptr<Custody>>& custodies);
    void include(const std::shared_ptr<Custody>& custody, Transaction& transaction);
    void put(const std::shared_ptr<Custody>& custody, Transaction& transaction);
    void declare_destinations(const Custody& custody, Transaction& transaction);
    void add_pending(Change change, Time due);
    void add_marks(Transaction& transaction);
    void add_accounts(Transaction& transaction);
    void take_apart(bool maybe_on_disk);
    std::uint64_t expires_wall(Time expires) const;

    BatchId last_batch_;
    const BatchId recovered_through_;
    JournalSpace space_;
    const Time started_;
    const std::uint64_t started_wall_micros_;
    std::size_t unsafe_ = 0;
    // What this host wants of it. More than one of a message that may be a copy and may be none.
    std::unordered_multimap<MessageKey, std::weak_ptr<Custody>, MessageKeyHash> unsafe_by_message_;

    std::unordered_map<BatchId, Arrival> arrivals_;
    std::unordered_set<MessageKey, MessageKeyHash> awaited_;  // producer and number, of arrivals_

    std::priority_queue<Due> due_;  // whatever is unsafe and in memory is there
    std::vector<Change> pending_;
    std::vector<std::shared_ptr<Custody>> buried_;    // of the burials among them, each once
    std::vector<std::shared_ptr<Custody>> retained_;  // since what is in flight
    Time pending_due_ = never;
    std::unordered_map<DestinationId, Destination> undeclared_;
    std::unordered_map<Intake*, std::pair<std::shared_ptr<Intake>, std::uint64_t>> marks_;
    std::uint64_t gathered_bytes_ = 0;

    std::optional<InFlight> in_flight_;
    Submission submitted_, committed_;
    Time now_{};
    bool failing_ = false;
    bool full_ = false;
    Time puts_not_before_{};
    Time not_before_{};
};

}  // namespace bus::core
