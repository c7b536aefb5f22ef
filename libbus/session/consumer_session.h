// The consuming side of a session: which subscriptions the app wants, what it
// must say to the agent to get them, again after each reconnect, and the
// acknowledgements that are gathered on their way back.
//
// Every attachment to the agent is an epoch. Deliveries belong to the epoch
// they came in; when it ends the agent hands out again what was not
// acknowledged, so what is left of it here is dropped, and late
// acknowledgements of it count for nothing.
//
// Pure and not thread-safe: the caller locks. Unpacker walks the deliveries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "session/ack_book.h"
#include "session/bounds.h"
#include "wire/local.h"

namespace bus::session {

class ConsumerSession {
  public:
    enum class Standing {
        asked,     // or will be, as soon as there is an agent
        standing,  // the agent has agreed
        refused,   // the agent said no; see reason()
        ended,     // unsubscribed, or unknown
    };

    // Adds a subscription; the id is given here, the one in `wish` is ignored.
    std::uint64_t subscribe(wire::Subscribe wish);
    // forget: see wire::Unsubscribe. Harmless when it has ended.
    void unsubscribe(std::uint64_t id, bool forget);
    // Of what was only declared: nothing more is said of it.
    void forget(std::uint64_t id) { subscriptions_.erase(id); }
    Standing standing(std::uint64_t id) const;
    // Why it was refused; empty otherwise.
    std::string reason(std::uint64_t id) const;

    void on_welcome();
    void on_disconnected();
    void on_subscribed(const wire::Subscribed& reply);
    void on_unsubscribed(const wire::Unsubscribed& reply);
    // False: not about a subscription of ours.
    bool on_failed(const wire::Failed& reply, Time now);
    // Asks again for what was refused for now.
    void advance(Time now);
    Time next_deadline() const;

    // Commands to send now, in order; nothing while there is no agent.
    std::vector<wire::Command> take_commands();

    // Counts attachments; changes at on_welcome and on_disconnected.
    std::uint64_t epoch() const noexcept { return epoch_; }

    // A verdict on `count` messages of delivery `tag`. False: of an older epoch, dropped.
    bool rule(std::uint64_t epoch, wire::Ack ack);
    // Encoded frames to send now, before any command.
    std::vector<std::vector<std::byte>> take_acks() { return acks_.take_frames(); }
    std::uint64_t gathered() const noexcept { return acks_.messages(); }
    // There are acknowledgements or commands to take.
    bool has_something_to_say() const noexcept { return gathered() > 0 || !commands_.empty(); }

  private:
    struct Subscription {
        wire::Subscribe wish;
        Standing standing = Standing::asked;
        bool was_standing = false;  // in an earlier epoch: a refusal for now is not its end
        Time ask_again = never;
        std::string reason;
    };

    std::map<std::uint64_t, Subscription> subscriptions_;
    // To be forgotten, until the agent has confirmed.
    std::map<std::uint64_t, wire::Subscribe> ending_;
    std::uint64_t next_id_ = 1;
    std::vector<wire::Command> commands_;
    bool connected_ = false;
    std::uint64_t epoch_ = 0;
    AckBook acks_;
};

}  // namespace bus::session
