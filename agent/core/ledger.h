// The account of G5: for every destination, where each message went.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "core/journal.h"

namespace bus::core {

// Why an entry leaves a destination's account.
enum class Settlement : std::uint8_t {
    settled,
    filtered,
    expired,
    lapsed,
    dead_lettered,
    purged,
    moved
};

// So many messages of a batch went to the dead letters, or to relays, whatever became of the rest.
struct SettledApart {
    std::uint32_t buried = 0, moved = 0;
};

class Ledger {
  public:
    void recover(DestinationId to, std::uint64_t messages) {
        auto& account = of(to);
        account.recovered += messages;
        account.waiting += messages;
    }
    void take(DestinationId to, std::uint64_t messages) {
        auto& account = of(to);
        account.taken += messages;
        account.waiting += messages;
    }
    void leave(DestinationId to, std::uint64_t messages, Settlement how) {
        auto& account = of(to);
        column(account, how) += messages;
        account.waiting -= messages;
    }
    // Taken, and nobody here wanted it.
    void unrouted(std::uint64_t messages) { of(DestinationId{}).unrouted += messages; }
    void forget(DestinationId to) {
        accounts_.erase(to);
        changed_.erase(to);
    }
    // `to` takes the place of `from`, for which nothing waits any more.
    void pass_on(DestinationId from, DestinationId to) {
        Account figures = account(from);
        forget(from);
        figures.destination = to;
        of(to) = figures;
    }
    // The destination has ended, and nothing waits for it: its figures stay, with those of no
    // destination.
    void close(DestinationId to) {
        const Account gone = account(to);
        forget(to);
        Account& rest = of(DestinationId{});
        for (const auto column : {&Account::recovered, &Account::taken, &Account::settled,
                                  &Account::filtered, &Account::expired, &Account::lapsed,
                                  &Account::dead_lettered, &Account::purged, &Account::moved})
            rest.*column += gone.*column;
    }
    // The accounts that changed since the last call: they go with the next commit.
    std::set<DestinationId> take_changed() { return std::exchange(changed_, {}); }

    const std::map<DestinationId, Account>& accounts() const { return accounts_; }
    const Account& account(DestinationId to) const {
        static const Account none;
        const auto found = accounts_.find(to);
        return found == accounts_.end() ? none : found->second;
    }

  private:
    Account& of(DestinationId to) {
        auto& account = accounts_[to];
        account.destination = to;
        changed_.insert(to);
        return account;
    }
    static std::uint64_t& column(Account& account, Settlement how) {
        switch (how) {
            case Settlement::settled:
                return account.settled;
            case Settlement::filtered:
                return account.filtered;
            case Settlement::expired:
                return account.expired;
            case Settlement::lapsed:
                return account.lapsed;
            case Settlement::dead_lettered:
                return account.dead_lettered;
            case Settlement::purged:
                return account.purged;
            case Settlement::moved:
                return account.moved;
        }
        return account.settled;
    }
    std::map<DestinationId, Account> accounts_;
    std::set<DestinationId> changed_;
};

}  // namespace bus::core
