#include "last_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace.h"

namespace bus::sim {

bool LastValues::retains(wire::Kind kind, std::string_view channel) const {
    return std::any_of(retained_.begin(), retained_.end(),
                       [&](const auto& one) { return one.channels.covers(kind, channel); });
}

// ---- Publishers' agents --------------------------------------------------------------------

// What is delayed becomes the last value when it is due, which nobody sees here.
void LastValues::on_taken(int host, const wire::BatchHeader& batch) {
    if (!batch.guaranteed() || batch.is_delayed() || !retains(batch.kind, batch.channel)) return;
    Take& take = takes_[{host, batch.producer, batch.sequence}];
    take.latest = ++taken_;
    if (take.first == 0) take.first = take.latest;
    take.channel = batch.channel;
    take.has_ttl = batch.ttl_millis > 0;
    if (take.has_ttl) may_expire_[{host, take.channel}] = take.latest;
}

const LastValues::Take* LastValues::find(int host, const ProducerId& producer,
                                         std::uint64_t sequence) const {
    auto at = takes_.upper_bound({host, producer, sequence});
    if (at == takes_.begin()) return nullptr;
    --at;
    const auto& [of, by, first] = at->first;
    return of == host && by == producer ? &at->second : nullptr;
}

void LastValues::on_safe(int host, const Run& run, const Disk& durable) {
    const auto found = takes_.find({host, run.producer, run.first});
    if (found == takes_.end()) return;
    const Take& take = found->second;
    if (take.has_ttl) return;  // its app may have let it expire, and numbers behind it cover it
    auto& safe = safe_[{host, take.channel}];
    safe = std::max(safe, take.first);
    require(host, take.channel, take.first, durable);
}

void LastValues::check(int host, const Disk& durable) const {
    for (const auto& [at, take] : safe_)
        if (at.first == host) require(host, at.second, take, durable);
}

void LastValues::excuse(int host) {
    std::erase_if(safe_, [&](const auto& one) { return one.first.first == host; });
    std::erase_if(takes_, [&](const auto& one) { return std::get<0>(one.first) == host; });
}

void LastValues::require(int host, const std::string& channel, std::uint64_t take,
                         const Disk& durable) const {
    constexpr const char* invariant = "last values: none is older than what was said to be safe";
    const auto kept = durable.last_values().find(channel);
    if (kept == durable.last_values().end()) {
        const auto expiring = may_expire_.find({host, channel});
        if (expiring != may_expire_.end() && expiring->second >= take) return;
        throw Broken(invariant, fmt::format("host {} has none of {}", host, channel));
    }
    const auto& header = kept->second.batch.header();
    if (header.is_delayed()) return;
    const Take* const value = find(host, header.producer, header.sequence);
    if (value != nullptr && value->latest < take)
        throw Broken(invariant, fmt::format("host {} has {}/{} of {}, its take {}, and has said "
                                            "safe of take {}",
                                            host, to_text(header.producer), header.sequence,
                                            channel, value->latest, take));
}

// ---- Late joiners ----------------------------------------------------------------------------

void LastValues::on_live(std::uint64_t consumer, const session::Received& received) {
    auto& latest = live_[{consumer, received.producer, std::string{received.channel}}];
    latest = std::max(latest, received.sequence);
}

void LastValues::on_given(std::uint64_t consumer, const session::Received& received) {
    const std::string channel{received.channel};
    if (!retains(wire::Kind::topic, channel))
        throw Broken("last values: only of channels that retain them", channel);
    const auto live = live_.find({consumer, received.producer, channel});
    if (live != live_.end() && live->second >= received.sequence && !received.redelivered)
        throw Broken("last values: none comes behind what is newer",
                     fmt::format("{}/{} on {} behind {}", to_text(received.producer),
                                 received.sequence, channel, live->second));
    ++given_count_;
    given_[{consumer, channel}].push_back(
        {received.producer, received.sequence, received.created_micros});
}

void LastValues::check_joined(std::uint64_t consumer,
                              const std::vector<core::PutLastValue>& values) const {
    std::map<std::string, std::uint64_t> newest;
    for (const auto& value : values) {
        const auto& header = value.batch.header();
        auto& created = newest[std::string{header.channel}];
        created = std::max(created, header.created_micros);
    }
    for (const auto& [channel, created] : newest) {
        const auto given = given_.find({consumer, channel});
        const bool has_it =
            given != given_.end() &&
            std::any_of(given->second.begin(), given->second.end(),
                        [&, at = created](const Given& one) { return one.created_micros == at; });
        if (!has_it)
            throw Broken("last values: a late joiner gets the newest of each channel",
                         fmt::format("consumer {} has {} of {}", consumer,
                                     given == given_.end() ? 0 : given->second.size(), channel));
    }
}

}  // namespace bus::sim
