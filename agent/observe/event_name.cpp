#include "observe/event_name.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace bus::observe {
namespace {

using Kind = core::Event::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 46> names{{
    {Kind::batch_taken, "taken"},
    {Kind::batch_safe, "safe"},
    {Kind::batch_journaled, "journaled"},
    {Kind::batch_sent, "sent"},
    {Kind::batch_arrived, "arrived"},
    {Kind::batch_handed_out, "handed_out"},
    {Kind::batch_acknowledged, "acknowledged"},
    {Kind::batch_redelivered, "redelivered"},
    {Kind::batch_given_back, "given_back"},
    {Kind::batch_expired, "expired"},
    {Kind::batch_dead_lettered, "dead_lettered"},
    {Kind::batch_denied, "denied"},
    {Kind::batch_refused, "refused"},
    {Kind::batch_unrouted, "unrouted"},
    {Kind::batch_filtered, "filtered"},
    {Kind::batch_lapsed, "lapsed"},
    {Kind::batch_purged, "purged"},
    {Kind::batch_duplicate_dropped, "duplicate_dropped"},
    {Kind::best_effort_dropped, "best_effort_dropped"},
    {Kind::session_opened, "session_opened"},
    {Kind::session_closed, "session_closed"},
    {Kind::rule_denied, "rule_denied"},
    {Kind::subscription_added, "subscription_added"},
    {Kind::subscription_removed, "subscription_removed"},
    {Kind::subscription_changed, "subscription_changed"},
    {Kind::subscription_lapsing, "subscription_lapsing"},
    {Kind::link_up, "link_up"},
    {Kind::link_down, "link_down"},
    {Kind::link_refused, "link_refused"},
    {Kind::link_gap, "link_gap"},
    {Kind::link_duplicate_closed, "link_duplicate_closed"},
    {Kind::history_lost, "history_lost"},
    {Kind::channel_held, "channel_held"},
    {Kind::channel_resumed, "channel_resumed"},
    {Kind::journal_full, "journal_full"},
    {Kind::journal_resumed, "journal_resumed"},
    {Kind::journal_failed, "journal_failed"},
    {Kind::journal_damaged, "journal_damaged"},
    {Kind::dead_letters_dropped, "dead_letters_dropped"},
    {Kind::last_values_dropped, "last_values_dropped"},
    {Kind::descriptors_scarce, "descriptors_scarce"},
    {Kind::peer_removed, "peer_removed"},
    {Kind::drain_changed, "drain_changed"},
    {Kind::overdue_buried, "overdue_buried"},
    {Kind::queue_unattended, "queue_unattended"},
    {Kind::queue_attended, "queue_attended"},
}};
// Ascending and without holes, so that each is found by its number.
static_assert([] {
    for (std::size_t at = 0; at < names.size(); ++at)
        if (static_cast<std::size_t>(names[at].first) != at) return false;
    return names.back().first == Kind::queue_attended;
}());

}  // namespace

std::string_view to_text(Kind kind) { return names.at(static_cast<std::size_t>(kind)).second; }

std::optional<Kind> event_kind(std::string_view name) {
    const auto* const found =
        std::ranges::find(names, name, &std::pair<Kind, std::string_view>::second);
    return found == names.end() ? std::nullopt : std::optional{found->first};
}

std::string event_names() {
    std::string all;
    for (const auto& [kind, name] : names) (all += all.empty() ? "" : ", ") += name;
    return all;
}

}  // namespace bus::observe
