// Where batches on a channel go is decided once and remembered, until the
// interest in that channel changes. The latest changes are kept by their filters:
// a route from before is compared with those, and only what one of them matches
// is decided anew. So subscriptions that come and go cost those channels a
// decision that they are about; after many changes at once deciding is cheaper
// than comparing.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/index_table.h"
#include "core/denials.h"
#include "wire/names.h"

namespace bus::core {

class Group;
class Remote;

struct Route {
    wire::ChannelKey channel;
    std::vector<Group*> groups;
    // Of these, those that what a peer sent is for as well: its own agent has fed the groups.
    std::vector<Group*> own;
    std::vector<Remote*> remotes;
    std::vector<Denial> denied;  // agents that want it and may not have it
    std::string no_home;         // of a queue with a home: why nothing can be sent there
    bool retains = false;        // the last message on it, of this host's producers
};

class RouteCache {
  public:
    // Beyond `max` channels one that was not asked for lately makes room.
    explicit RouteCache(std::size_t max) : max_(max) {}

    // nullptr: it has to be decided, into what renew() gives.
    const Route* find(wire::Kind kind, std::string_view channel);
    // Empty but for its channel. It stays where it is until the next renew().
    Route& renew(wire::Kind kind, std::string_view channel);

    // Who is given what that filter matches has changed.
    void note_change(wire::Kind kind, std::string_view filter);
    void forget_all() { valid_from_ = ++changes_; }

    std::size_t size() const { return kept_.size(); }

  private:
    struct Kept {
        Route route;
        std::uint32_t hash = 0;
        bool used = false;          // again, since the hand came by
        std::uint64_t checked = 0;  // the last change that is known to leave it as it is
    };
    struct Change {
        wire::Kind kind{};
        std::string filter;
    };
    static constexpr std::size_t changes_kept = 64;

    std::uint32_t find(std::uint32_t hash, wire::Kind kind, std::string_view channel) const;
    bool is_valid(Kept& kept) const;
    std::uint32_t make_room();

    const std::size_t max_;
    std::deque<Kept> kept_;  // those that are used stay where they are
    IndexTable table_;
    std::uint32_t hand_ = 0;                   // whom to ask next whether it is used
    std::array<Change, changes_kept> latest_;  // change n is at n % changes_kept
    std::uint64_t changes_ = 0, valid_from_ = 0;
};

}  // namespace bus::core
