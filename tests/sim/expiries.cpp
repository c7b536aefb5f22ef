#include "expiries.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "trace.h"

namespace bus::sim {

Expiries::Key Expiries::key_of(int host, const std::string& name) const {
    const bool is_queue =
        std::any_of(book_.places().begin(), book_.places().end(),
                    [&](const Place& place) { return place.is_shared() && place.name == name; });
    return {is_queue ? -1 : host, name};
}

void Expiries::observe(Count& count, std::uint64_t now) {
    // Fewer than before: the destination was dropped when it was idle, and came back.
    count.total += now >= count.seen ? now - count.seen : now;
    count.seen = now;
}

void Expiries::on_crash(int host) {
    for (auto& [key, hosts] : at_)
        if (const auto found = hosts.find(host); found != hosts.end()) found->second.seen = 0;
    for (auto& [pair, count] : between_)
        if (pair.first == host) count.seen = 0;
}

std::uint64_t Expiries::expired_at(const Key& key) const {
    const auto found = at_.find(key);
    if (found == at_.end()) return 0;
    std::uint64_t total = 0;
    for (const auto& [host, count] : found->second) total += count.total;
    return total;
}

std::uint64_t Expiries::expired_on_the_way_to(const Key& key) const {
    std::uint64_t total = 0;
    for (const auto& [pair, count] : between_)
        if (key.first < 0 || pair.second == key.first) total += count.total;
    return total;
}

void Expiries::count_between(int from, int to, Counts& counts) const {
    if (!several_paths_) {
        ++counts.between[{from, to}];
        return;
    }
    for (const auto& [pair, count] : between_)
        if (pair.second == to) ++counts.between[pair];
}

Expiries::Counts Expiries::may_have_expired(Time now) const {
    Counts counts;
    for (const auto& message : book_.messages()) {
        if (!message.taken || !message.guaranteed || message.expires_at - tolerance > now) continue;
        std::set<int> hosts;
        for (PlaceId id = 0; id < book_.places().size(); ++id) {
            const Place& place = book_.place(id);
            if (!wants(place, message) || message.has_come_to(id)) continue;
            ++counts.at[{place.host, place.name}];
            if (place.host < 0)
                ++counts.of_queues;
            else if (hosts.insert(place.host).second)
                count_between(message.host, place.host, counts);
        }
    }
    return counts;
}

void Expiries::check_none_too_many(Time now) {
    std::uint64_t sum = 0;
    for (const auto& [key, hosts] : at_) sum += expired_at(key);
    for (const auto& [pair, count] : between_) sum += count.total;
    // Of two copies on two paths one may expire, and the other be delivered.
    if (std::exchange(checked_, sum) == sum || several_paths_) return;
    const Counts most = may_have_expired(now);
    const auto check = [](std::uint64_t expired, std::uint64_t may, const std::string& where) {
        if (expired > may)
            throw Broken("expired and delivered are disjoint",
                         fmt::format("{}: {} messages are counted as expired, but only {} are past "
                                     "their time and were not delivered",
                                     where, expired, may));
    };
    for (const auto& [key, hosts] : at_) {
        const auto found = most.at.find(key);
        check(expired_at(key), found == most.at.end() ? 0 : found->second,
              fmt::format("{} at host {}", key.second, key.first));
    }
    for (const auto& [pair, count] : between_) {
        const auto found = most.between.find(pair);
        check(count.total,
              (found == most.between.end() ? 0 : found->second) + most.of_queues + 2 * questions_,
              fmt::format("from host {} to host {}", pair.first, pair.second));
    }
}

void Expiries::check_accounted() const {
    std::map<Key, std::uint64_t> absent;
    for (const auto& message : book_.messages()) {
        if (!message.promised || message.withdrawn || message.expires_at == never) continue;
        for (const auto& [id, at] : message.owed) {
            const Place& place = book_.place(id);
            if (at.excuse.empty() && !place.ended && !message.has_come_to(id))
                ++absent[{place.host, place.name}];
        }
    }
    for (const auto& [key, count] : absent) {
        const auto expired = expired_at(key) + expired_on_the_way_to(key);
        if (count <= expired) continue;
        throw Broken(
            "G5 what did not come has expired",
            fmt::format("{} messages with a lifetime never came to {} at host {}, and only "
                        "{} have expired",
                        count, key.second, key.first, expired));
    }
}

}  // namespace bus::sim
