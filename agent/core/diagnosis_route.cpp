// bus route: reads what routing.cpp and remote.cpp decide by.

#include <algorithm>
#include <set>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {
namespace {

using State = Exchange::State;
using Verdict = RouteDiagnosis::Verdict;

struct RouteQuestion {
    const State& s;
    wire::Kind kind;
    const std::string& channel;
    State::QueueHome home = {};
};

// Of a group: the agents whose consumers share it.
std::string takers_words(const State& s, const Group& group) {
    std::vector<std::string> names;
    for (const Remote* taker : group.takers) names.push_back(s.name_of(taker->agent()));
    std::sort(names.begin(), names.end());
    if (!names.empty()) return "consumers at " + joined(names);
    return group.consumers() > 0 ? "" : "it waits here until a consumer comes, on whatever host";
}

std::string consumers_words(const State& s, const Group& group) {
    if (group.is_shared())
        if (const auto elsewhere = takers_words(s, group); !elsewhere.empty()) return elsewhere;
    if (group.consumers() == 0)
        return group.is_queue() ? "nobody of this host receives from it"
                                : "it collects; nobody reads it now";
    const auto who = counted(group.consumers(), "consumer");
    if (group.consumers_with_room() == 0)
        return who + " without room until something is acknowledged";
    return who;
}

std::vector<Group*> groups_here(const RouteQuestion& q) {
    std::vector<Group*> found;
    if (q.kind == wire::Kind::topic) {
        q.s.find_subscribed(q.kind, q.channel, found);
        return found;
    }
    const auto one = q.s.groups_by_name.find({type_of(q.kind), q.channel});
    // Of a queue that another agent keeps, only what is left.
    const bool is_here =
        one != q.s.groups_by_name.end() && (q.home.remote == nullptr || !one->second->idle());
    if (is_here) found.push_back(one->second);
    return found;
}

RouteDiagnosis::Here here_of(const State& s, const Group& group) {
    const Destination& d = group.destination();
    return {.type = word_of(d.type),
            .name = group.title(),
            .filter = d.filter,
            .consumers = group.consumers(),
            .waiting_messages = group.waiting().messages,
            .words = consumers_words(s, group)};
}

std::vector<std::string> matching_filters(const RouteQuestion& q, const Remote& remote) {
    std::vector<std::string> filters;
    for (const auto& [key, item] : remote.interest.items())
        if (item.kind == q.kind && wire::matches(item.filter, q.channel) &&
            std::find(filters.begin(), filters.end(), item.filter) == filters.end())
            filters.push_back(item.filter);
    return filters;
}

std::string down_words(const State& s, const State::Peer& peer) {
    std::string words = "the link to " + peer.settings.name;
    words += peer.down_since == Time{} ? " has not been up since this agent started"
                                       : " is down for " + in_words(s.now - peer.down_since);
    const std::string why = peer.error_words(s.now);
    return words + (why.empty() ? "" : " (" + why + ")");
}

std::string denied_words(const RouteQuestion& q, const Remote& remote) {
    std::string words;
    for (const Denial& denial : q.s.denials_of(remote, q.kind, q.channel))
        words += (words.empty() ? "" : "; ") + denial.words();
    return words.empty() ? "it is no peer of this agent's configuration any more"
                         : words + ". Change its entry under \"peers\" to allow it";
}

// The messages of queues and services set out only to who can be reached.
std::string where_it_waits(const RouteQuestion& q, const std::string& at) {
    if (q.kind == wire::Kind::service) return "is not asked";
    return q.kind == wire::Kind::queue && q.home.remote == nullptr ? "stays in the queue here"
                                                                   : "waits at " + at;
}

std::pair<Verdict, std::string> judge(const RouteQuestion& q, const Remote& remote) {
    const State& s = q.s;
    if (!s.may_reach(remote, q.kind, q.channel)) return {Verdict::denied, denied_words(q, remote)};
    const std::string waits_here = where_it_waits(q, s.settings.name) + " until then";
    if (remote.via == nullptr)
        return {Verdict::waits,
                "no way to it is known, neither a link nor a peer that relays; " + waits_here};
    const State::Peer& peer = *s.peers_by_outbound.at(remote.via);
    if (!peer.may_have(q.kind, q.channel))
        return {Verdict::waits, State::denial_of_peer(peer, Act::take, q.kind, q.channel).words() +
                                    ", and the other ways are no better now; " + waits_here};
    if (peer.active == nullptr) return {Verdict::waits, down_words(s, peer) + "; " + waits_here};
    if (!remote.up)
        return {
            Verdict::waits,
            "a link beyond " + peer.settings.name + " is down" +
                (remote.down_since == Time{} ? "" : " for " + in_words(s.now - remote.down_since)) +
                "; " + where_it_waits(q, peer.settings.name)};
    if (remote.via->held().everything() || remote.via->held().holds(q.kind, q.channel))
        return {Verdict::waits, peer.settings.name +
                                    " holds it back: what waits there has reached its share; " +
                                    waits_here};
    return {Verdict::goes, ""};
}

RouteDiagnosis::There there_of(const RouteQuestion& q, const Remote& remote,
                               std::vector<std::string> filters) {
    auto [verdict, words] = judge(q, remote);
    const auto behind = remote.waiting().messages;
    if (verdict == Verdict::goes && behind > 0)
        words = "behind " + counted(behind, "message") + ", the oldest for " +
                in_words(q.s.now - std::min(q.s.now, remote.oldest()));
    RouteDiagnosis::There there{.agent = remote.agent(),
                                .name = q.s.name_of(remote.agent()),
                                .filters = std::move(filters),
                                .path = {},
                                .verdict = verdict,
                                .words = std::move(words)};
    if (const Paths::Path* const path = q.s.paths.best(remote.agent()))
        for (const AgentId& agent : path->agents) there.path.push_back(q.s.name_of(agent));
    return there;
}

std::vector<std::string> notes_on(const RouteQuestion& q) {
    std::vector<std::string> notes;
    const State& s = q.s;
    if (s.everything_held)
        notes.push_back("the journal is full: publishers wait until some of it drains");
    if (s.draining)
        notes.push_back("this host is being drained: publishers wait until `bus drain --undo`");
    std::set<std::string> words;
    for (const auto& [told, causes] : s.holds.all())
        if (told.channel.kind == q.kind && told.channel.name == q.channel)
            for (const Cause cause : causes) words.insert(s.bound_words(cause));
    for (const auto& why : words) notes.push_back("publishers on it are held back: " + why);
    if (!q.home.why.empty()) notes.push_back("what is sent is refused: " + q.home.why);
    if (q.home.where == State::QueueHome::Where::here)
        notes.push_back("this agent keeps the queue: no other takes from it");
    if (q.home.remote != nullptr)
        notes.push_back(s.name_of(q.home.remote->agent()) +
                        " keeps the queue: all that is sent goes there, and consumers anywhere "
                        "take it from there");
    if (q.kind == wire::Kind::queue && q.home.where == State::QueueHome::Where::nowhere)
        if (const auto similar = s.similar_queue(q.channel); !similar.empty())
            notes.push_back("nobody consumes a queue " + q.channel + similar);
    return notes;
}

bool reaches(const RouteDiagnosis& route) {
    const bool here = route.kind != wire::Kind::topic
                          ? std::any_of(route.here.begin(), route.here.end(),
                                        [](const auto& queue) { return queue.consumers > 0; })
                          : !route.here.empty();
    return here || std::any_of(route.there.begin(), route.there.end(), [&](const auto& there) {
               return there.verdict == Verdict::goes ||
                      (there.verdict == Verdict::waits && route.kind != wire::Kind::service);
           });
}

}  // namespace

RouteDiagnosis Exchange::diagnose_route(wire::Kind kind, const std::string& channel,
                                        Time now) const {
    state_->now = std::max(state_->now, now);
    const RouteQuestion q{
        *state_, kind, channel,
        kind == wire::Kind::queue ? state_->home_of(channel) : State::QueueHome{}};
    RouteDiagnosis route{.kind = kind, .channel = channel, .notes = notes_on(q)};
    for (const Group* group : groups_here(q)) route.here.push_back(here_of(q.s, *group));
    std::vector<Remote*> wanting;
    if (q.home.remote != nullptr)
        wanting.push_back(q.home.remote);
    else if (q.home.where != State::QueueHome::Where::here)
        q.s.find_wanting(kind, channel, wanting);
    for (const Remote* remote : wanting)
        route.there.push_back(there_of(q, *remote, matching_filters(q, *remote)));
    route.not_interested = q.s.remotes.size() - wanting.size();
    route.reaches_somebody = reaches(route);
    return route;
}

}  // namespace bus::core
