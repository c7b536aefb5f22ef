// A topic or queue to publish on, its name checked once.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bus/export.h"
#include "bus/message.h"
#include "bus/receipt.h"
#include "bus/stream.h"

namespace bus {

namespace client {
class Core;
}

// What try_publish says.
enum class Offer {
    taken,        // libbus has it and will not forget it while this process lives
    would_block,  // no room now: the agent is away, slow or full, or holds this channel back
    too_large,    // more than a message may have, or than the outbox can ever hold at once
    closed,       // the connection is closed, or this is a forked child
};

struct PublishOptions {
    // send() only: what its receipt waits for.
    Stage stage = Stage::safe;
    // send() only: that nobody wants the message is an outcome of its own, no_destination. A queue
    // is a destination, even when it has no consumers yet.
    bool require_destination = false;
    // Carried as far as it goes at once, and dropped where it cannot: no receipt, no journal, no
    // second attempt. publish() waits for the agent as ever; what consumers have no room for is
    // lost. A large message needs room for all of it.
    bool best_effort = false;
    // Not handed out after that long; 0: lives for ever. It counts from the call.
    std::chrono::milliseconds expires_in{0};
    // Not handed out before that long after the call, 366 days at most; 0: at once. This host's
    // agent keeps it meanwhile, across restarts and power-off, and looks for its destinations when
    // it is due. It comes later than its neighbours, and not in their order. Not with best_effort,
    // Stage::arrived or more than 56 KiB; expires_in must be longer.
    std::chrono::milliseconds deliver_after{0};
    // publish() and send(): how long to wait for room, then Error.
    std::chrono::milliseconds timeout{5000};
    // Of a producer with a name, and there required: from 1, ascending, and the same for the same
    // message whenever it is published again. Its messages keep this order: no priorities, 64 KiB
    // at most, and what holds back one channel holds back all. publish() waits for the agent at
    // first.
    std::uint64_t sequence = 0;
    // Ahead of waiting messages of lower priority, without starving them.
    Priority priority = Priority::normal;
    // Standard headers; empty ones do not travel.
    std::string_view key{}, reply_to{}, content_type{}, correlation_id{};
    // More headers, after those.
    std::span<const Header> headers{};
};

// Cheap to copy, usable from any thread, must not outlive its Connection's use: after the
// Connection is gone everything is `closed`.
class BUS_EXPORT Channel {
  public:
    enum class Kind { topic, queue };

    // Returns when libbus has taken the message, not when it arrives. Waits for room up to the
    // timeout. Throws Error: no room in time, too large, closed.
    void publish(Payload payload, const PublishOptions& options = {}) const;
    // Never waits.
    [[nodiscard]] Offer try_publish(Payload payload, const PublishOptions& options = {}) const;
    // As publish, with a receipt; of best effort none can say more than `unknown`.
    [[nodiscard]] Receipt send(Payload payload, const PublishOptions& options = {}) const;

    // A message of so many bytes, 1 GiB at most, that is written piece by piece. Its agent takes
    // what the channel's max_message allows, 16 MiB unless configured. Guaranteed only, and neither
    // delayed nor of a producer with a name. Of normal priority it goes as low, so that what is
    // small goes ahead of it on the way. Throws Error: that, or the connection is closed.
    [[nodiscard]] StreamWriter open_stream(std::uint64_t bytes,
                                           const PublishOptions& options = {}) const;

    const std::string& name() const noexcept { return name_; }
    Kind kind() const noexcept { return kind_; }

  private:
    friend class Connection;
    Channel(std::shared_ptr<client::Core> core, Kind kind, std::string_view name);

    std::shared_ptr<client::Core> core_;
    Kind kind_;
    std::string name_;
};

}  // namespace bus
