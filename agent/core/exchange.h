// The exchange decides everything the agent does and touches nothing: inputs
// in, effects out. It has no clock, no socket, no disk and no thread; whoever
// owns it (agent.cpp, the simulator) calls it from one thread, gives it the
// time with every input and carries out effects() after each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/batch.h"
#include "core/diagnosis.h"
#include "core/drain.h"
#include "core/effects.h"
#include "core/journal.h"
#include "core/questions.h"
#include "core/removal.h"
#include "core/settings.h"
#include "core/status.h"
#include "core/subscriptions.h"
#include "wire/envelope.h"
#include "wire/link.h"
#include "wire/local.h"

namespace bus::core {

enum class Rejoin : std::uint8_t { done, unknown_peer, never_met, linked };

class Exchange {
  public:
    // `incarnation` is committed already and higher than that in `recovered`. `wall_micros`: this
    // host's wall clock at `now`; lifetimes across a power-off are reckoned with it.
    Exchange(Settings settings, std::uint64_t incarnation, Recovered recovered, Time now,
             std::uint64_t wall_micros);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // ---- Apps. A session exists from its first frame on; `uid` is what the kernel says.
    void on_session(SessionId session, std::uint32_t uid, Time now);
    void on_command(SessionId session, const wire::Command& command, Time now);
    // The batch is decoded, whole, sealed and well-formed (the edge answered otherwise).
    void on_batch(SessionId session, const wire::Envelope& envelope, Batch batch, Time now);
    void on_acks(SessionId session, std::span<const wire::Ack> acks, Time now);
    void on_session_gone(SessionId session, Time now);
    // Is this session one that hello opened? The edge answers frames of others with Reset.
    bool knows(SessionId session) const;

    // ---- Links. `key`: the peer's public key as CURVE proved it, one of settings.peers.
    void on_link_up(LinkId link, const std::string& key, bool dialled, Time now);
    void on_link_down(LinkId link, Time now);
    // No way to that peer works: why, for people. The edge goes on trying.
    void on_dial_failed(const std::string& peer, const std::string& why, Time now);
    void on_link_frame(LinkId link, const wire::LinkFrame& frame, Time now);
    // The batch is decoded and whole; an undecodable one is on_link_malformed.
    void on_link_batch(LinkId link, const wire::Envelope& envelope, Batch batch, Time now);
    void on_link_malformed(LinkId link, wire::Reject why, Time now);

    // ---- The journal.
    void on_journal(const JournalAnswer& answer, Time now);

    // ---- Everything else.
    void advance(Time now);      // timers that are due
    Time next_deadline() const;  // when advance has something to do
    void reload(Settings settings, Time now);
    // What it would mean to forget an agent. `agent`: a name, or an id in full.
    Removal plan_removal(const std::string& agent, Time now) const;
    // Does what the plan says. Requires: it may be forgotten, and is no peer of the settings any
    // more; `dead_letter` where something is owed to it.
    void remove_agent(const Removal& plan, bool dead_letter, Time now);
    // Takes nothing new and gives away what can go, until it is told otherwise or starts again.
    void drain(bool on, Time now);
    DrainReport drain_report(Time now) const;
    // Durable subscriptions: one order of an operator's; all there are, in the order of their
    // names; and whether a change is on disk.
    SubscriptionChange change_subscription(const SubscriptionOrder& order, Time now);
    std::vector<SubscriptionStatus> subscriptions(Time now) const;
    bool is_stored(Submission change) const;
    // To look at dead letters, to retry or purge them; one page of them at a time. Answered by
    // Effects::dead_letters: when the journal has found them, and what was to be done is on disk.
    // What dies from now on is not meant; the answer's request says through which id it was.
    void ask_dead_letters(DeadLetterRequest request, Time now);
    // No new sessions, links or batches; is_quiet() once nothing is in flight that is not safe.
    void stop_accepting(Time now);
    bool is_quiet() const;

    // Decides what may leave now and what must be journaled, after the inputs of a turn; then
    // effects() is complete. The caller carries them out and clears them.
    void finish_turn(Time now);
    Effects& effects();

    // From now on effects() tells what becomes of batches, so many steps in a turn at most, and how
    // many had no room; nullopt: nobody looks any more.
    void show_steps(std::optional<std::size_t> steps_max);

    // ---- What people ask.
    Status status(Time now) const;
    // Where a message that is published here now would go, and where not, and why. The channel is
    // valid.
    RouteDiagnosis diagnose_route(wire::Kind kind, const std::string& channel, Time now) const;
    // Why nothing comes to `what`: a channel, a filter, or a subscription's name.
    WhyDiagnosis diagnose_why(const std::string& what, Time now) const;
    // Asks that agent, by its name or id, over the links; the answer comes to question(). So many
    // agents may pass it on: whoever has it then answers in its place. Refused: why, for people.
    Expected<QuestionId, std::string> ask(const std::string& agent, wire::Asked what,
                                          std::uint8_t hops, Time now);
    static constexpr std::string_view too_many_questions =
        "so many questions are under way, or were asked in the last second: try again";
    // nullptr: it is forgotten. Good until the next input.
    const Question* question(QuestionId id) const;

    // What this agent took from that peer, or owes it, may not be what they both believe: it was
    // restored from a backup, or copied. The next session begins anew, whatever its tickets say.
    Rejoin rejoin(const std::string& peer, Time now);

    struct State;

  private:
    State& at(Time now);  // every input begins with its time
    std::unique_ptr<State> state_;
};

}  // namespace bus::core
