// bus why: everything between a publisher and a subscription of this host that
// this agent knows of, in the order in which a message meets it, from its end.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {
namespace {

using State = Exchange::State;
using Weight = WhyDiagnosis::Weight;

constexpr std::size_t peers_named_max = 8;

class Inquiry {
  public:
    Inquiry(const State& s, const std::string& what, State::QueueHome home)
        : s_(s), home_(std::move(home)) {
        answer_.what = what;
        is_channel_ = wire::is_channel(what);
        is_filter_ = wire::is_filter(what);
    }

    WhyDiagnosis answer() {
        for (const auto& [id, group] : s_.groups)
            if (is_meant(*group) && !is_left_behind(*group)) meant_.push_back(group.get());
        look_at_home();
        if (meant_.empty() && home_.name.empty()) look_for_nobody();
        for (const Group* group : meant_) look_at(*group);
        look_at_denials();
        look_at_holds();
        if (!meant_.empty()) look_at_peers();
        conclude();
        return std::move(answer_);
    }

  private:
    void say(Weight weight, std::string about, std::string words) {
        answer_.findings.push_back({weight, std::move(about), std::move(words)});
    }
    bool is_meant(const Group& group) const;
    // Of a queue that another agent keeps nothing is here, or what it has not got yet.
    bool is_left_behind(const Group& group) const {
        return home_.remote != nullptr && group.destination().type == Destination::Type::queue &&
               group.destination().name == answer_.what && group.idle();
    }
    std::string name_of(const Group& group) const;
    bool concerns(const std::string& channel) const;
    bool is_bounded(DestinationId to) const { return s_.bytes_max(to) < s_.quota(); }
    void look_for_nobody();
    void look_at_home();
    void look_at(const Group& group);
    void look_at_consumers(const Group& group);
    void look_at_account(const Group& group);
    void look_at_denials();
    void look_at_holds();
    void look_at_peers();
    void look_at_rules(const State::Peer& peer);
    void look_at_link(const State::Peer& peer);
    void conclude();

    const State& s_;
    const State::QueueHome home_;  // of the queue of that name
    bool is_channel_ = false, is_filter_ = false;
    std::vector<const Group*> meant_;
    WhyDiagnosis answer_;
};

bool Inquiry::is_meant(const Group& group) const {
    const Destination& d = group.destination();
    if (d.type == Destination::Type::anonymous)
        return d.filter == answer_.what || (is_channel_ && wire::matches(d.filter, answer_.what));
    if (group.title() == answer_.what) return true;
    if (!has_filter(d.type)) return is_filter_ && wire::matches(answer_.what, d.name);
    return d.filter == answer_.what || (is_channel_ && wire::matches(d.filter, answer_.what));
}

std::string Inquiry::name_of(const Group& group) const {
    const Destination& d = group.destination();
    switch (d.type) {
        case Destination::Type::queue:
            return "queue " + d.name;
        case Destination::Type::service:
            return "service " + d.name;
        case Destination::Type::durable:
            return "durable " + d.name + " (" + d.filter + ")";
        case Destination::Type::shared:
            return "group " + d.group + " (" + d.filter + ")";
        case Destination::Type::anonymous:
            return "subscription to " + d.filter;
        case Destination::Type::agent:
        case Destination::Type::delay:
            break;
    }
    return "agent " + s_.name_of(d.agent);
}

// Is that channel, or filter, one of those that were asked about?
bool Inquiry::concerns(const std::string& channel) const {
    const auto touch = [&](const std::string& a, const std::string& b) {
        return a == b || (wire::is_filter(a) && wire::is_channel(b) && wire::matches(a, b));
    };
    if (touch(answer_.what, channel) || touch(channel, answer_.what)) return true;
    return std::any_of(meant_.begin(), meant_.end(), [&](const Group* group) {
        const Destination& d = group->destination();
        return touch(has_filter(d.type) ? d.filter : d.name, channel);
    });
}

void Inquiry::look_for_nobody() {
    say(Weight::problem, "here",
        "no program of this host has a subscription or a queue of that name, or one that matches " +
            answer_.what + ": `bus subscribe " + answer_.what + "` makes one");
    if (!is_channel_) return;
    std::vector<Remote*> wanting;
    for (const auto kind : {wire::Kind::topic, wire::Kind::queue})
        s_.find_wanting(kind, answer_.what, wanting);
    const std::size_t elsewhere = wanting.size();
    if (elsewhere > 0)
        say(Weight::note, "elsewhere",
            counted(elsewhere, "other agent") + " want" + (elsewhere == 1 ? "s" : "") +
                " it: `bus route " + answer_.what + "` tells how it gets there");
}

void Inquiry::look_at_home() {
    using Where = State::QueueHome::Where;
    const std::string about = "queue " + answer_.what;
    if (home_.where == Where::unknown)
        say(Weight::problem, about, "what is sent or asked for here is refused: " + home_.why);
    if (home_.where == Where::here)
        say(Weight::note, about,
            "this agent keeps it, for senders and consumers of all hosts that are configured so");
    if (home_.remote == nullptr) return;
    const std::string home = s_.name_of(home_.remote->agent());
    std::size_t consumers = 0, unattached = 0;
    for (const auto& [id, one] : s_.far_consumers) {
        if (one.queue != answer_.what) continue;
        ++consumers;
        unattached += one.attached ? 0 : 1;
    }
    const auto waiting = home_.remote->waiting().messages;
    const std::string behind =
        waiting == 0 ? "" : "; " + counted(waiting, "message") + " for " + home + " wait here";
    if (!home_.remote->up)
        return say(Weight::problem, about,
                   home +
                       " keeps it and is out of reach: what is sent waits here, and consumers "
                       "of this host get nothing until then" +
                       behind);
    say(unattached > 0 ? Weight::problem : Weight::good, about,
        home + " keeps it and is within reach; of this host it has " +
            counted(consumers, "consumer") +
            (unattached > 0 ? ", of which it has not confirmed " + std::to_string(unattached)
                            : "") +
            behind + ". `bus why " + answer_.what + "` at " + home + " tells more");
}

void Inquiry::look_at(const Group& group) {
    look_at_consumers(group);
    look_at_account(group);
    if (!group.interest_shown && !group.is_kept_here())
        say(Weight::problem, name_of(group),
            "the other agents are not asked for it, as nobody receives from it here");
}

void Inquiry::look_at_consumers(const Group& group) {
    const auto waiting = group.waiting();
    const std::string backlog =
        waiting.messages == 0 ? "nothing waits"
                              : counted(waiting.messages, "message") + " wait, the oldest for " +
                                    in_words(s_.now - std::min(s_.now, group.oldest()));
    if (group.is_paused())
        return say(Weight::problem, name_of(group),
                   "it is paused: it collects, and hands out nothing; " + backlog +
                       ". `bus subscription resume " + group.destination().name + "` ends that");
    if (group.consumers() == 0)
        return say(Weight::problem, name_of(group),
                   "no program reads it; " + backlog +
                       ". Start the program, or the agent's rules for its user may forbid it");
    const auto readers = counted(group.consumers(), "consumer");
    if (group.consumers_with_room() == 0)
        return say(Weight::problem, name_of(group),
                   readers + " without room: " + counted(group.unacknowledged(), "message") +
                       " handed out and not acknowledged, which is all that was asked for; " +
                       backlog +
                       ". The program hangs, forgets to acknowledge, or needs a larger prefetch");
    say(Weight::good, name_of(group),
        readers + " with room, " + counted(group.unacknowledged(), "message") +
            " handed out and not acknowledged; " + backlog);
}

void Inquiry::look_at_account(const Group& group) {
    const Account account = s_.keeper.ledger.account(group.id());
    if (account.taken + account.recovered == 0)
        say(Weight::note, name_of(group), "no message for it has come since this agent started");
    if (account.dead_lettered > 0)
        say(Weight::problem, name_of(group),
            counted(account.dead_lettered, "message") +
                " went to the dead letters: rejected, or handed out too often");
    const auto expired = account.expired + account.lapsed;
    if (expired > 0)
        say(Weight::note, name_of(group),
            counted(expired, "message") + " expired before being read");
}

void Inquiry::look_at_denials() {
    for (const auto& [key, count] : s_.denials.all())
        if (concerns(count.denial.channel))
            say(Weight::problem, "rules",
                count.denial.words() + "; denied " + counted(count.times, "time") + ", last " +
                    in_words(s_.now - count.last) + " ago");
}

void Inquiry::look_at_holds() {
    if (s_.everything_held)
        say(Weight::problem, "journal",
            "it is full: publishers of this host wait until some of it drains. `bus status` shows "
            "what fills it");
    if (s_.draining)
        say(Weight::problem, "this host",
            "it is being drained: it takes nothing new from its programs and its peers until `bus "
            "drain --undo` or its next start");
    for (const auto& bound : s_.bounds.all()) {
        const bool refuses =
            bound.refuses() &&
            (bound.reached != PublisherBounds::One::Reached::no || !bound.rate.free(s_.now));
        const std::string words = s_.bound_words(Cause{Cause::Of::bound, bound.number});
        if (refuses && (bound.owner != 0 || concerns(bound.settings.channels.filter)))
            say(Weight::problem, bound.words(), "what is published is refused: " + words);
        else if (bound.owner != 0 && bound.holds())
            say(Weight::problem, bound.words(), "its programs are held back: " + words);
    }
    for (const auto& [told, causes] : s_.holds.all()) {
        if (told.channel.name == "**" || !concerns(told.channel.name)) continue;
        const std::string subject = "channel " + told.channel.name;
        std::string who, bound = "its share of the journal";
        for (const Cause cause : causes) {
            if (cause.of == Cause::Of::bound)
                say(Weight::problem, subject,
                    "publishers are held back until less waits: " + s_.bound_words(cause));
            if (cause.of != Cause::Of::destination) continue;
            const DestinationId to = cause.destination();
            const auto group = s_.groups.find(to);
            const auto remote = s_.remotes_by_destination.find(to);
            if (group != s_.groups.end())
                who += (who.empty() ? "" : ", ") + name_of(*group->second);
            else if (remote != s_.remotes_by_destination.end())
                who += (who.empty() ? "agent " : ", agent ") + s_.name_of(remote->second->agent());
            if (is_bounded(to)) bound = "the limit of its entry";
        }
        if (who.empty()) continue;
        say(Weight::problem, subject,
            "publishers are held back until the backlog of " + who +
                " is smaller: it has reached " + bound);
    }
}

void Inquiry::look_at_peers() {
    std::size_t configured = 0;
    for (const auto& peer : s_.peers) {
        if (!peer->configured) continue;
        if (++configured > peers_named_max) continue;
        look_at_rules(*peer);
        look_at_link(*peer);
    }
    if (configured == 0)
        say(Weight::note, "links",
            "this agent has no peers: only programs of this host can publish for it");
    if (configured > peers_named_max)
        say(Weight::note, "links",
            counted(configured - peers_named_max, "more peer") +
                ": `bus status` shows their links");
}

// It is refused here what the rules do not let the peer give.
void Inquiry::look_at_rules(const State::Peer& peer) {
    if (!peer.settings.may) return;
    for (const Group* group : meant_) {
        const Destination& d = group->destination();
        const bool is_asked = is_channel_ && has_filter(d.type) && group->title() != answer_.what;
        const std::string& from = is_asked ? answer_.what : has_filter(d.type) ? d.filter : d.name;
        if (peer.may_give(d.kind, from)) continue;
        say(Weight::problem, "rules",
            State::denial_of_peer(peer, Act::give, d.kind, from).words() +
                ". What comes from there and is not named is refused; change the peer's entry to "
                "allow it");
        return;
    }
}

void Inquiry::look_at_link(const State::Peer& peer) {
    const std::string about = "link " + peer.settings.name;
    const std::string why = peer.error_words(s_.now);
    const std::string error = why.empty() ? "" : " (" + why + ")";
    if (peer.active == nullptr)
        return say(
            Weight::problem, about,
            (peer.down_since == Time{} ? "it has not been up since this agent started"
                                       : "it is down for " + in_words(s_.now - peer.down_since)) +
                error + "; what is published there waits there, or comes another way");
    const std::string and_behind = peer.relays ? " and tells it to those behind it" : "";
    if (!peer.interest_heard)
        return say(Weight::note, about,
                   "it is up and was told " + in_words(s_.now - peer.interest_told) +
                       " ago what is wanted here, but has not confirmed it yet");
    say(Weight::good, about,
        "it is up, knows what is wanted here, confirmed " +
            in_words(s_.now - *peer.interest_heard) + " ago" + and_behind);
}

void Inquiry::conclude() {
    std::stable_sort(answer_.findings.begin(), answer_.findings.end(),
                     [](const auto& a, const auto& b) { return a.weight < b.weight; });
    if (answer_.has_problem()) return;
    say(Weight::note, "publishers",
        "nothing is in the way as far as this agent knows. Who publishes cannot be known: at the "
        "publisher's host `bus route " +
            (is_channel_ ? answer_.what : std::string{"CHANNEL"}) + "` tells where it goes");
}

}  // namespace

WhyDiagnosis Exchange::diagnose_why(const std::string& what, Time now) const {
    state_->now = std::max(state_->now, now);
    return Inquiry{*state_, what,
                   wire::is_channel(what) ? state_->home_of(what) : State::QueueHome{}}
        .answer();
}

}  // namespace bus::core
