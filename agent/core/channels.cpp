// What may wait on channels: an age, beyond which it becomes a dead letter wherever
// it stands: behind others, and on disk only. (How much may wait: publishers.cpp.)

#include <algorithm>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

void State::apply_channels() {
    keeper.policies.replace(settings.channels);
    for (const std::uint32_t number : bounds.replace(settings.channels, settings.app_bounds))
        let_go_on(Cause{Cause::Of::bound, number});
    auto watch = bounds.take_watch();
    if (!watch) return;
    keeper.change(std::move(*watch), true);
    const auto forget = [](Run& run) { run.forget_searches(); };
    for (const auto& [id, group] : groups) group->for_each_run(forget);
    for (const auto& [agent, remote] : remotes) remote->for_each_run(forget);
}

// ---- Age -------------------------------------------------------------------------------------

Run::Search State::search_for(const PublisherBounds::One& bound) const {
    const Time before = now - bound.settings.waiting.age;
    return {.bound = bound.number,
            .channels = &bound.settings.channels,
            .before = before,
            .before_wall_micros = keeper.wall_micros(before),
            .now_wall_micros = keeper.wall_micros(now)};
}

void State::bury_old() {
    if (!bounds.has_ages()) return;
    for (const auto& [id, group] : groups) bury_old(*group);
    for (const auto& [agent, remote] : remotes) bury_old(*remote);
}

template <class To>
void State::bury_old(To& to) {
    for (const auto& bound : bounds.all())
        if (bound.settings.waiting.age > Duration{})
            bury_old(to, to.take_old(search_for(bound), effects.reads), bound);
}

// Until the journal knows that they are gone, reading back could bring them again.
template <class To>
void State::bury_old(To& to, std::vector<Entry> entries, const PublisherBounds::One& bound) {
    for (Entry& rest : to.take_rests()) entries.push_back(std::move(rest));
    if (entries.empty()) return;
    const std::string channels = bound.settings.channels.words();
    const Remote* const remote = find_remote(to.id());
    bury_overdue(entries,
                 {channels, "on " + channels, remote == nullptr ? "" : name_of(remote->agent()),
                  bound.settings.waiting.age});
    to.for_each_run([](Run& run) { run.pause(); });
    paused.emplace_back(keeper.pending_submission(), to.id());
}

// What was found on disk.
void State::bury_found(const Loaded& answer) {
    const auto* const bound = bounds.find(answer.request.old->bound);
    const auto search = [&]() -> Run::Search {
        if (bound != nullptr && bound->settings.waiting.age > Duration{}) return search_for(*bound);
        return {};  // it has ended: nothing is old
    }();
    visit_destination(answer.request.stream.to, [&](auto& to) {
        auto found = to.take_old(answer, search);
        if (bound != nullptr) bury_old(to, std::move(found), *bound);
        wake(to);  // it could not read on meanwhile
    });
}

// There may be more of it: at once, or it would take a second for every slice.
void State::go_on_searching() {
    const auto known = std::stable_partition(
        paused.begin(), paused.end(),
        [&](const auto& waiting) { return waiting.first > keeper.committed_through(); });
    std::set<DestinationId> free;
    for (auto at = known; at != paused.end(); ++at) free.insert(at->second);
    paused.erase(known, paused.end());
    for (const auto& [until, destination] : paused) free.erase(destination);
    for (const DestinationId id : free)
        visit_destination(id, [&](auto& to) {
            to.for_each_run([](Run& run) { run.go_on(); });
            bury_old(to);
            wake(to);
        });
}

}  // namespace bus::core
