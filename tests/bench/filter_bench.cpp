// What the index of filters costs by itself: bytes for a filter, look-ups of
// channels that ten filters match, filters coming and going.
//
//     filter_bench [FILTERS]
#include <time.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "core/filter_index.h"

namespace {

// Of this process's processor time: others may have some of the machine.
struct Clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static time_point now() {
        timespec at{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
        return time_point{std::chrono::seconds{at.tv_sec} + duration{at.tv_nsec}};
    }
};
using bus::core::FilterIndex;
using bus::wire::Kind;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of three to five tokens, ten for each thing that sends: one literal, some with wildcards in
// different places, those of the things nearby told apart by one token.
struct Case {
    std::vector<std::string> filters, channels;
};

Case make(std::size_t filters) {
    Case made;
    for (std::size_t at = 0; made.filters.size() < filters; ++at) {
        const auto plant = "plant" + std::to_string(at % 50);
        const auto line = "line" + std::to_string(at % 1'000);
        const auto machine = "machine-" + std::to_string(at);
        const auto channel = plant + "." + line + "." + machine + ".temperature";
        made.channels.push_back(channel);
        for (const auto& filter :
             {channel, plant + "." + line + "." + machine + ".*",
              plant + "." + line + "." + machine + ".**", plant + ".*." + machine + ".temperature",
              plant + ".*." + machine + ".*", plant + ".*." + machine + ".**",
              "*." + line + "." + machine + ".temperature", "*." + line + "." + machine + ".**",
              "*.*." + machine + ".temperature", "*.*." + machine + ".**"})
            made.filters.push_back(filter);
    }
    return made;
}

void measure_lookups(const FilterIndex& index, const Case& made) {
    std::vector<std::size_t> order(made.channels.size());
    std::mt19937 random{1};
    for (auto& at : order) at = random() % made.channels.size();
    std::uint64_t hits = 0, lookups = 0;
    const auto start = Clock::now();
    while (seconds_since(start) < 1)
        for (const auto at : order) {
            index.match(Kind::topic, made.channels[at], [&](auto) { ++hits; });
            ++lookups;
        }
    const double seconds = seconds_since(start);
    std::printf("look-ups          %10.0f /s, %.1f hits each\n",
                static_cast<double>(lookups) / seconds,
                static_cast<double>(hits) / static_cast<double>(lookups));
}

void measure_churn(FilterIndex& index, const Case& made) {
    std::uint64_t changes = 0;
    std::size_t at = 0;
    const auto start = Clock::now();
    while (seconds_since(start) < 1)
        for (int step = 0; step < 100; ++step, ++changes, at = (at + 7'919) % made.filters.size()) {
            index.remove(Kind::topic, made.filters[at], at + 1);
            index.add(Kind::topic, made.filters[at], at + 1);
        }
    std::printf("remove and add    %10.0f ns\n",
                seconds_since(start) * 1e9 / static_cast<double>(changes));
}

}  // namespace

int main(int count, char** words) {
    const std::size_t filters = count > 1 ? std::stoul(words[1]) : 100'000;
    const Case made = make(filters);
    FilterIndex index;
    const auto adding = Clock::now();
    for (std::size_t at = 0; at < made.filters.size(); ++at)
        index.add(Kind::topic, made.filters[at], at + 1);
    std::printf("%zu filters\nadd               %10.0f ns\nmemory            %10.1f bytes/filter\n",
                index.size(), seconds_since(adding) * 1e9 / static_cast<double>(index.size()),
                static_cast<double>(index.bytes()) / static_cast<double>(index.size()));
    measure_lookups(index, made);
    measure_churn(index, made);
    const auto removing = Clock::now();
    for (std::size_t at = 0; at < made.filters.size(); ++at)
        index.remove(Kind::topic, made.filters[at], at + 1);
    std::printf("remove            %10.0f ns\nleft              %10zu bytes\n",
                seconds_since(removing) * 1e9 / static_cast<double>(filters), index.bytes());
}
