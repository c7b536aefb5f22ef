// Whether somebody works on what waits in queues and groups, and keeps up with
// it. What nobody consumes anywhere is mostly a name that was mistyped, or a
// program that did not come up: whoever looks at the log or the status finds it
// there. And a host whose consumers are behind does not ask for more work, so
// that it waits where others may have it, and not in a heap that grows here.

#include <algorithm>

#include "base/suggestion.h"
#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

void State::note_attendance(Group& group) {
    if (group.is_service()) return;  // whoever asks is told
    Group::Attendance& at = group.attendance;
    const bool is_attended = group.consumers() > 0 || !group.takers.empty();
    at.ever = at.ever || is_attended;
    const auto waiting = is_attended ? 0 : group.waiting().messages;
    if (is_attended || waiting == 0) {
        if (std::exchange(at.told, false) && is_attended)
            event(Event::Kind::queue_attended, group.title(), "somebody consumes it now");
        at.lonely_since.reset();
        return;
    }
    if (at.told) return;
    if (!at.lonely_since) at.lonely_since = now;
    const std::string suggestion = similar_queue(group);
    // What looks like a slip is told at once.
    const bool is_time = now - *at.lonely_since >= Duration{limits::attendance_patience};
    if (!is_time && suggestion.empty()) return;
    at.told = true;
    event(Event::Kind::queue_unattended, group.title(),
          counted(waiting, "message") +
              (waiting == 1 ? " waits here, and nobody takes it"
                            : " wait here, and nobody takes them") +
              ", neither here nor at an agent within reach" + suggestion,
          waiting);
}

void State::note_load(Group& group) {
    if (group.is_service() || group.is_kept_here() || group.consumers() == 0 || group.is_paused()) {
        group.behind = false;
        return;
    }
    const Duration age = now - std::min(now, group.oldest_waiting());
    if (!group.behind && age > Duration{limits::behind_after}) {
        group.behind = true;
        hide_interest(group);
    } else if (group.behind && age < Duration{limits::behind_until}) {
        group.behind = false;
        show_interest(group);
    }
}

// Of a queue that nobody has consumed since this agent started: one of a similar name that has
// consumers.
std::string State::similar_queue(const Group& group) const {
    if (group.destination().type != Destination::Type::queue || group.attendance.ever) return {};
    return similar_queue(group.destination().name);
}

std::string State::similar_queue(const std::string& name) const {
    std::set<std::string> consumed;
    for (const auto& [id, other] : groups)
        if (other->destination().type == Destination::Type::queue &&
            (other->consumers() > 0 || !other->takers.empty()))
            consumed.insert(other->destination().name);
    for (const auto& [agent, remote] : remotes) {
        const auto& items = remote->interest.items();
        for (auto at = items.lower_bound({wire::Kind::queue, "", "", ""});
             at != items.end() && at->second.kind == wire::Kind::queue &&
             consumed.size() < limits::similar_queues_max;
             ++at)
            consumed.insert(at->second.filter);
    }
    if (consumed.contains(name)) return {};
    const std::vector<std::string_view> candidates{consumed.begin(), consumed.end()};
    return did_you_mean(name, candidates);
}

}  // namespace bus::core
