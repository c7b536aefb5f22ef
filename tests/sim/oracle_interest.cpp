// What the oracle knows of interest: who stands where, who has heard of it, and
// when it may end.
#include <fmt/format.h>

#include <algorithm>

#include "oracle.h"

namespace bus::sim {

using namespace core;
using namespace std::chrono_literals;

// When a crash has taken a subscription along, others may hear of its end and of its new beginning
// in one breath: what they know then and what their journals say of it differ for a while.
void Oracle::on_subscribed(PlaceId id, int host) {
    Place& place = book.place(id);
    place.stands = true;
    if (place.type == Place::Type::group) place.declared.insert(host);
    if (std::exchange(place.lost, false)) place.certain_from = timeline_.now() + 5s;
}

bool Oracle::is_known(int host, const Place& place) const {
    if (timeline_.now() < place.certain_from) return false;
    if (place.type == Place::Type::group)
        return std::any_of(place.declared.begin(), place.declared.end(), [&](int by) {
            return by == host || (!removed_.contains({host, by}) &&
                                  interest_.contains({host, by, place.name, place.filter}));
        });
    const bool durable = place.type == Place::Type::durable;
    return !removed_.contains({host, place.host}) &&
           interest_.contains({host, place.host, durable ? place.name : "", place.filter});
}

namespace {

// That a group has consumers there: nothing is owed for that.
bool is_of_consumers(const std::string& name, const std::string& group) {
    return name.empty() && !group.empty();
}

std::string known_name(const std::string& name, const std::string& group,
                       const std::string& filter) {
    return group.empty() ? name : wire::group_address(group, filter);
}

}  // namespace

void Oracle::on_interest(int host, const PutInterest& put) {
    if (put.kind != wire::Kind::topic || is_of_consumers(put.name, put.group)) return;
    interest_.insert(
        {host, host_of(put.peer), known_name(put.name, put.group, put.filter), put.filter});
}

void Oracle::on_interest_dropped(int host, const DropInterest& drop) {
    if (drop.kind != wire::Kind::topic || is_of_consumers(drop.name, drop.group)) return;
    const int of = host_of(drop.peer);
    const std::string name = known_name(drop.name, drop.group, drop.filter);
    if (interest_.erase({host, of, name, drop.filter}) == 0) return;
    if (!drop.group.empty())  // nobody ends one for good
        throw Broken("interest: durable interest never shrinks without REMOVE",
                     fmt::format("host {} forgets the group {}", host, name));
    for (PlaceId id = 0; id < book.places().size(); ++id) {
        const Place& place = book.place(id);
        const bool durable = place.type == Place::Type::durable;
        if (place.host != of || place.filter != drop.filter || place.is_shared() ||
            durable != !drop.name.empty() || (durable && place.name != drop.name))
            continue;
        if (place.ended) return;  // it may be this one's end, told late
        if (durable)
            throw Broken("interest: durable interest never shrinks without REMOVE",
                         fmt::format("host {} forgets the {}", host, describe(place)));
        if (!place.stands) continue;
        if (!lapsable_.contains({id, host}))
            throw Broken("interest: anonymous interest outlives its session by 30 s",
                         fmt::format("host {} forgets the {}", host, describe(place)));
        lapse(id, host, "its interest lapsed");
    }
}

// What is due meanwhile is not for it.
void Oracle::on_peer_removed(int host, int peer) {
    removed_.insert({host, peer});
    for (auto& message : book.messages())
        for (auto& [place, at] : message.owed)
            if (message.is_delayed() && message.host == host && book.place(place).is_of(peer))
                at.excuse_by("its peer was removed before it was due");
}

// What the host has taken for it, from its own apps or to pass on, becomes dead letters.
void Oracle::on_peer_retired(int host, int peer, bool is_forgotten) {
    retired_.insert({host, peer});
    // What had left for it has come back, and its next HELLO names no holds: it is a stranger.
    const auto is_way = [&](const auto& numbers) {
        return numbers.first.from == host && numbers.first.to == peer;
    };
    std::erase_if(unacked_, is_way);
    std::erase_if(link_unmarked_, is_way);
    std::erase_if(held_, [&](const auto& told) { return told.first == std::pair{host, peer}; });
    if (!is_forgotten) return;
    std::erase_if(interest_, [&](const auto& known) {
        return std::get<0>(known) == host && std::get<1>(known) == peer;
    });
    for (auto& message : book.messages())
        for (auto& [place, at] : message.owed)
            if (book.place(place).is_of(peer) && (several_paths_ || message.host == host))
                at.excuse_by("its peer was removed");
}

void Oracle::on_peer_dropped(int host, const AgentId& peer) {
    const int of = host_of(peer);
    if (retired_.contains({host, of})) {
        std::erase_if(interest_, [&](const auto& known) {
            return std::get<0>(known) == host && std::get<1>(known) == of;
        });
        return;
    }
    throw Broken("interest: durable interest never shrinks without REMOVE",
                 fmt::format("host {} forgets its peer {}", host, of));
}

// After a crash an agent knows what its journal knows.
void Oracle::recall_interest(int host) {
    std::erase_if(interest_, [&](const auto& known) { return std::get<0>(known) == host; });
    for (const auto& put : hosts_.at(std::size_t(host))->durable().interest())
        on_interest(host, put);
}

void Oracle::on_destination_dropped(int host, const DropDestination& drop) {
    if (!drop.reason.empty()) count_dead(host, drop.id);
    const auto found = destinations_.extract({host, drop.id});
    if (found.empty() || !dropped_.insert({host, drop.id}).second) return;
    const Destination& destination = found.mapped();
    if (destination.type != Destination::Type::agent &&
        destination.type != Destination::Type::queue &&
        destination.type != Destination::Type::shared)
        on_subscription_dropped(host, destination);
}

void Oracle::on_subscription_dropped(int host, const Destination& destination) {
    for (PlaceId id = 0; id < book.places().size(); ++id) {
        Place& place = book.place(id);
        if (place.host != host || place.name != destination.name) continue;
        if (place.ended) return;
        if (const auto purge = purges_.find(id); purge != purges_.end() && purge->second > 0) {
            --purge->second;
            return;
        }
        if (place.type == Place::Type::durable || !lapsable_.contains({id, host}))
            throw Broken("interest: a subscription ends only when it is told to",
                         fmt::format("host {} drops the {}", host, describe(place)));
        place.stands = false;
        return lapse(id, -1, "the subscription lapsed");
    }
}

void Oracle::on_purged(PlaceId place) {
    ++purges_[place];
    lapse(place, -1, "it was purged");
}

// After a crash what its journal says of its destinations holds, also which are paused.
void Oracle::recall_destinations(int host) {
    const auto& destinations = hosts_.at(std::size_t(host))->durable().destinations();
    for (const auto& [id, destination] : destinations) destinations_[{host, id}] = destination;
    for (Place& place : book.places()) {
        if (place.host != host || place.type != Place::Type::durable || place.ended) continue;
        place.paused = std::any_of(destinations.begin(), destinations.end(), [&](const auto& one) {
            return one.second.paused && one.second.name == place.name;
        });
    }
}

void Oracle::on_place_ended(PlaceId place) { book.place(place).ended = true; }

void Oracle::may_lapse(PlaceId place, int at_host) { lapsable_.insert({place, at_host}); }

void Oracle::lapse(PlaceId place, int taken_at, const std::string& why) {
    for (auto& message : book.messages()) {
        if (taken_at >= 0 && message.host != taken_at) continue;
        const auto owed = message.owed.find(place);
        if (owed != message.owed.end()) owed->second.excuse_by(why);
    }
}

void Oracle::on_crash(int host) {
    const Disk& disk = hosts_.at(std::size_t(host))->durable();
    last_values.check(host, disk);
    last_values.on_crash();
    recall_interest(host);
    recall_destinations(host);
    std::erase_if(purges_, [&](const auto& one) { return book.place(one.first).host == host; });
    recall_dead(host);
    std::erase_if(dropped_, [&](const auto& one) { return one.first == host; });
    expiries_.on_crash(host);
    std::erase_if(received_, [&](const auto& number) { return number.first.to == host; });
    std::erase_if(held_, [&](const auto& told) { return told.first.first == host; });
    for (PlaceId id = 0; id < book.places().size(); ++id) {
        Place& place = book.place(id);
        if (place.host != host || !place.stands || place.ended) continue;
        const bool kept = std::any_of(
            disk.destinations().begin(), disk.destinations().end(), [&](const auto& entry) {
                const Destination& to = entry.second;
                return to.name == place.name && to.type != Destination::Type::queue;
            });
        if (kept) continue;
        if (place.type == Place::Type::durable)
            throw Broken("interest: a confirmed durable subscription outlives a crash",
                         fmt::format("host {} has lost the {}", host, describe(place)));
        on_place_lost(id);
        lapse(id, -1, "the crash took the anonymous subscription along");
    }
}

// Its agent does not know it any more, until its app is back.
void Oracle::on_place_lost(PlaceId id) {
    Place& place = book.place(id);
    place.stands = false;
    place.lost = true;
    for (const auto* other : hosts_) may_lapse(id, other->index());
}

}  // namespace bus::sim
