// Walks deliveries message by message, in the order they came: verifies each
// (G4: what is damaged is rejected with a reason, never handed out), reports
// gaps, and joins the parts of large messages. One Unpacker a subscription.
//
// Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "session/gap_watch.h"
#include "session/joiner.h"
#include "wire/batch.h"
#include "wire/envelope.h"
#include "wire/local.h"

namespace bus::session {

// One message to hand out.
struct Received {
    std::string_view channel;
    Bytes headers, payload;
    ProducerId producer;
    wire::Lane lane = wire::Lane::normal;
    std::uint64_t sequence = 0;
    std::uint64_t created_micros = 0;
    std::uint16_t attempt = 1;
    bool redelivered = false;
    bool retained = false;     // a last value, for a late joiner
    std::uint64_t missed = 0;  // messages of this producer and channel that should have come before

    // What to acknowledge: message `index` of delivery `tag`; for a large message all its pieces.
    std::uint64_t tag = 0;
    std::uint32_t index = 0;
    bool last_of_tag = true;               // nothing of this delivery comes after it
    std::shared_ptr<const Joined> joined;  // large messages: owns what the views point to
    std::optional<wire::Part> first_part;  // that is all of the message that is here
};

class Unpacker {
  public:
    struct Terms {
        std::uint64_t whole_bytes_max = wire::message_bytes_max;  // what is larger is rejected
        // Of a large message the first part is handed out, as it came; the others do not come here.
        bool in_parts = false;
        bool shared = false;  // by a group: what does not come here went to others
    };
    Unpacker() : Unpacker(Terms{}) {}
    explicit Unpacker(const Terms& terms) : terms_(terms), joiner_(terms.whole_bytes_max) {}

    // Starts on a delivery, a whole frame. Requires: next() has yielded nullopt since the last one.
    // The bytes must stay until next() has yielded nullopt; views in Received point into them.
    // False: not even the envelope can be read; nothing can be said about it to the agent.
    [[nodiscard]] bool begin(Bytes frame);
    // The next message, until the next call of this or of begin(). nullptr: the delivery is walked
    // through.
    Received* next();
    // Verdicts that libbus gives itself, on what must not be handed out; to be sent to the agent.
    std::vector<wire::Ack> take_rulings() { return std::exchange(rulings_, {}); }
    bool has_rulings() const noexcept { return !rulings_.empty(); }
    // Messages of the current delivery that are still to come, as its envelope says.
    std::uint32_t left() const noexcept { return walk_ ? envelope_.messages - at_ : 0; }
    // The epoch ended: drops the current delivery and unfinished messages, keeps the gap watch.
    void reset();

  private:
    GapWatch::Passed pass_gaps();
    Received* hand_out(const wire::MessageView& view);
    Received* join(const wire::MessageView& view);
    void reject(std::uint32_t first, std::uint32_t count, std::string_view reason);
    void finish();
    void end_early(std::string_view reason);
    Received* received(const wire::MessageView& view);
    bool is_last() const noexcept { return at_ == envelope_.messages; }

    bool may_miss() const noexcept { return header_.kind == wire::Kind::topic && !terms_.shared; }

    const Terms terms_;
    wire::Envelope envelope_;
    wire::BatchHeader header_;
    std::optional<wire::MessageWalk> walk_;
    Received message_;          // what is the same in all of the delivery is written once
    bool as_part_ = false;      // it is the first part of a message that is read part by part
    std::uint32_t at_ = 0;      // next message, counted within the range
    std::uint64_t missed_ = 0;  // to be told with the next message
    GapWatch gaps_;
    Joiner joiner_;
    std::vector<wire::Ack> rulings_;
};

}  // namespace bus::session
