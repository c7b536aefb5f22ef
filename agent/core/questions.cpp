// Questions over the links: asked here, passed on, answered. They are for
// people, so nothing is repeated; whoever gets no answer says so.

#include "core/questions.h"

#include "base/suggestion.h"
#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;
using Outcome = wire::LinkAnswer::Outcome;
using Refused = Unexpected<std::string>;

namespace {

std::uint64_t millis(Duration time) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
}

bool contains(const std::vector<AgentId>& trail, const AgentId& agent) {
    return std::find(trail.begin(), trail.end(), agent) != trail.end();
}

}  // namespace

// ---- Asked here -----------------------------------------------------------------------------

// By the name of a peer's entry, else by the name it gave itself, or by its id.
Expected<AgentId, std::string> State::find_agent(const std::string& name) const {
    if (const Peer* const peer = configured_peer(name)) {
        if (!peer->id.is_zero()) return peer->id;
        const std::string why = peer->error_words(now);
        return Refused{"the link to " + name + " has not been up yet" +
                       (why.empty() ? "" : " (" + why + ")")};
    }
    std::vector<AgentId> found;
    for (const auto& [agent, remote] : remotes)
        if (remote->name == name || to_text(agent) == name) found.push_back(agent);
    if (found.size() == 1) return found.front();
    if (!found.empty())
        return Refused{counted(found.size(), "agent") + " are called " + name +
                       "; name one by its id, as `bus status --json` has it"};
    if (name == settings.name || name == to_text(settings.agent))
        return Refused{name + " is this agent itself"};
    const std::string similar = similar_agent(name);
    return Refused{"no agent " + name + " is known here" +
                   (similar.empty() ? "; `bus status` shows those that are" : similar)};
}

std::string State::similar_agent(const std::string& name) const {
    std::vector<std::string_view> names{settings.name};
    for (const auto& peer : peers)
        if (peer->configured) names.push_back(peer->settings.name);
    for (const auto& [agent, remote] : remotes)
        if (!remote->name.empty() && names.size() < limits::similar_queues_max)
            names.push_back(remote->name);
    return did_you_mean(name, names);
}

std::optional<std::string> State::why_not_ask(const Peer& by, bool by_echo) const {
    if (by.active == nullptr) {
        const std::string why = by.error_words(now);
        return "the link to " + by.settings.name + " is down" +
               (why.empty() ? "" : " (" + why + ")");
    }
    if (!by_echo && !by.takes_questions)
        return by.settings.name + " is of an earlier version and takes no questions";
    if (!by.questions_asked.free(now)) return std::string{Exchange::too_many_questions};
    return std::nullopt;
}

Expected<QuestionId, std::string> State::ask(const AgentId& target, wire::Asked what,
                                             std::uint8_t hops) {
    const Remote* const to = find_remote(target);
    if (to == nullptr || to->via == nullptr)
        return Refused{"no way to " + name_of(target) + " is known"};
    Peer& by = *peers_by_outbound.at(to->via);
    // A neighbour of any version answers a KEEPALIVE.
    const bool by_echo = what == wire::Asked::presence && (hops == 0 || by.id == target);
    if (auto why = why_not_ask(by, by_echo)) return Refused{std::move(*why)};
    Question* const question = questions.put(
        {.id = next_question(), .what = what, .target = target, .by = by.id, .asked = now});
    if (question == nullptr) return Refused{std::string{Exchange::too_many_questions}};
    by.questions_asked.spend(1, now);
    if (by_echo)
        question->stamp = ask_for_echo(by);
    else
        send(*by.active, wire::LinkQuery{.id = question->id.value,
                                         .what = what,
                                         .hops = hops,
                                         .target = target,
                                         .trail = {settings.agent}});
    return question->id;
}

void State::note_echo(const Peer& from, std::uint64_t stamp) {
    Question* const question = questions.find_stamped(from.id, stamp);
    if (question == nullptr) return;
    question->answer = {
        .outcome = question->target == from.id ? Outcome::target : Outcome::on_the_way,
        .agent = from.id,
        .name = from.settings.name,
        .round_trip = now - question->asked,
        .words = {},
        .summary = {}};
}

// ---- What arrives ------------------------------------------------------------------------------

void State::on_query(Link& link, const wire::LinkQuery& query) {
    Peer& peer = *link.peer;
    if (query.trail.back() != peer.id) {
        ++malformed;
        return;
    }
    if (!peer.questions_heard.free(now)) {
        ++questions_dropped;
        return;
    }
    peer.questions_heard.spend(1, now);
    if (query.what != wire::Asked::presence && !peer.settings.status) {
        deny({.who = "peer " + peer.settings.name,
              .act = Act::look,
              .kind = wire::Kind::topic,
              .channel = "status",
              .rule = "its entry has no \"status\": true"});
        return answer(link, query, Outcome::denied,
                      "the entry for " + peer.settings.name + " at " + settings.name +
                          " has neither full trust nor \"status\": true");
    }
    if (query.target != settings.agent && query.hops > 0) return pass_on(link, query);
    const auto outcome = query.target == settings.agent ? Outcome::target : Outcome::on_the_way;
    switch (query.what) {
        case wire::Asked::presence:
            return answer(link, query, outcome, {});
        case wire::Asked::status:
            return answer(link, query, outcome, summary_text());
    }
    answer(link, query, Outcome::unknown, {});
}

// Only to those that the asking peer was told of.
void State::pass_on(Link& link, wire::LinkQuery query) {
    const Peer& from = *link.peer;
    const Remote* const to = from.told.contains(query.target) ? find_remote(query.target) : nullptr;
    if (to == nullptr || to->via == nullptr)
        return answer(link, query, Outcome::no_way,
                      settings.name + " knows no way there for " + from.settings.name);
    const Peer& next = *peers_by_outbound.at(to->via);
    if (next.active == nullptr)
        return answer(link, query, Outcome::no_way,
                      "the link from " + settings.name + " to " + next.settings.name + " is down");
    if (!next.takes_questions)
        return answer(link, query, Outcome::no_way,
                      next.settings.name + " is of an earlier version and takes no questions");
    if (contains(query.trail, next.id) || query.trail.size() >= wire::path_agents_max)
        return answer(
            link, query, Outcome::no_way,
            "the way there is changing, or longer than " + counted(wire::path_agents_max, "hop"));
    --query.hops;
    query.trail.push_back(settings.agent);
    send(*next.active, std::move(query));
}

void State::answer(Link& link, const wire::LinkQuery& query, Outcome outcome, std::string text) {
    text.resize(std::min(text.size(), wire::answer_text_max));
    send(link, wire::LinkAnswer{.id = query.id,
                                .what = query.what,
                                .outcome = outcome,
                                .agent = settings.agent,
                                .name = settings.name,
                                .trail = query.trail,
                                .text = std::move(text)});
}

void State::on_answer(Link& link, wire::LinkAnswer answer) {
    if (answer.trail.back() != settings.agent) {
        ++malformed;
        return;
    }
    answer.trail.pop_back();
    if (answer.trail.empty()) return take_answer(*link.peer, std::move(answer));
    Peer& from = *link.peer;
    const Peer* const next = peer_by_id(answer.trail.back());
    if (!from.answers_heard.free(now) || next == nullptr || next->active == nullptr) {
        ++questions_dropped;
        return;
    }
    from.answers_heard.spend(1, now);
    send(*next->active, std::move(answer));
}

void State::take_answer(const Peer& from, wire::LinkAnswer answer) {
    Question* const question = questions.find_waiting(from.id, QuestionId{answer.id});
    if (question == nullptr) return;  // too late, or an invention
    Question::Answer taken{.outcome = std::min(answer.outcome, Outcome::unknown),
                           .agent = answer.agent,
                           .name = std::move(answer.name),
                           .round_trip = now - question->asked,
                           .words = {},
                           .summary = {}};
    const bool is_answer = taken.outcome <= Outcome::on_the_way;
    if (is_answer && question->what == wire::Asked::status)
        taken.summary = wire::decode_summary(answer.text);
    else
        taken.words = std::move(answer.text);
    question->answer = std::move(taken);
}

// ---- How this agent is ------------------------------------------------------------------------

// Made anew once a second at most, as it looks at all streams.
const std::string& State::summary_text() {
    if (!summary_made || now - *summary_made >= limits::summary_age_max) {
        summary_made = now;
        summary = wire::encode_summary(summarise());
    }
    return summary;
}

wire::Summary State::summarise() const {
    wire::Summary told{.version = settings.version, .uptime_millis = millis(now - started)};
    Time oldest = never;
    const auto add = [&](const Run::Size& waiting, Time since) {
        told.waiting_messages += waiting.messages;
        told.waiting_bytes += waiting.bytes;
        if (waiting.messages > 0) oldest = std::min(oldest, since);
    };
    for (const auto& [id, group] : groups) add(group->waiting(), group->oldest());
    for (const auto& [agent, remote] : remotes) add(remote->waiting(), remote->oldest());
    if (oldest != never) told.oldest_millis = millis(now - oldest);
    told.journal_live_bytes = keeper.space().live_bytes;
    told.journal_file_bytes = keeper.space().file_bytes;
    told.journal_full = everything_held;
    told.dead_letters = keeper.space().dead_letters;
    for (const auto& [id, account] : keeper.ledger.accounts()) told.unrouted += account.unrouted;
    summarise_links(told);
    return told;
}

void State::summarise_links(wire::Summary& told) const {
    const Peer* latest = nullptr;
    for (const auto& peer : peers) {
        if (!peer->configured) continue;
        ++(peer->active != nullptr ? told.links_up : told.links_down);
        if (peer->active == nullptr && !peer->last_error.empty() &&
            (latest == nullptr || latest->last_error_at < peer->last_error_at))
            latest = peer.get();
    }
    if (latest == nullptr) return;
    told.last_error = "link " + latest->settings.name + ": " + latest->last_error;
    told.last_error_millis = millis(now - latest->last_error_at);
}

// ---- The door -----------------------------------------------------------------------------------

Expected<QuestionId, std::string> Exchange::ask(const std::string& agent, wire::Asked what,
                                                std::uint8_t hops, Time now) {
    State& s = at(now);
    const auto target = s.find_agent(agent);
    if (!target) return Refused{target.error()};
    return s.ask(*target, what, hops);
}

const Question* Exchange::question(QuestionId id) const { return state_->questions.find(id); }

}  // namespace bus::core
