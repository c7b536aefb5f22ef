// Who is told of a denial: its cause is logged once, and counted from then on.

#include "core/denials.h"

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

void State::deny(const Denial& denial) {
    ++denied;
    if (denials.note(denial, now))
        event(Event::Kind::rule_denied, "rules",
              denial.words() + "; more of this is counted: bus why " + denial.channel);
}

State::Refusal State::refuse_by_rule(const Denial& denial, std::uint64_t messages) {
    deny(denial);
    event(Event::Kind::batch_denied, denial.channel, denial.refusal(), messages);
    return {{wire::Reject::not_allowed, denial.refusal()}};
}

Denial State::denial_of_uid(std::uint32_t uid, Act act, wire::Kind kind,
                            std::string_view what) const {
    const Permissions* const rule = rules.rule(uid);
    return {.who = "uid " + std::to_string(uid),
            .act = act,
            .kind = kind,
            .channel = std::string{what},
            .rule = rule == nullptr ? "" : allowed_words(*rule, act, kind)};
}

Denial State::denial_of_peer(const Peer& peer, Act act, wire::Kind kind, std::string_view what) {
    return {.who = "peer " + peer.settings.name,
            .act = act,
            .kind = kind,
            .channel = std::string{what},
            .rule = peer.settings.may ? allowed_words(*peer.settings.may, act, kind) : ""};
}

// The peers by which it can be reached, none of which may have that.
std::vector<Denial> State::denials_of(const Remote& remote, wire::Kind kind,
                                      std::string_view channel) const {
    std::vector<Denial> all;
    for (const AgentId& by : paths.ways(remote.agent()))
        if (const Peer* const peer = peer_by_id(by);
            peer != nullptr && peer->configured && !peer->may_have(kind, channel))
            all.push_back(denial_of_peer(*peer, Act::take, kind, channel));
    return all;
}

}  // namespace bus::core
