// The producing side of a session: messages join an open batch; batches wait,
// leave with a number, and are kept until the agent has them safe; after a
// reconnect the agent's Welcome decides what is sent again.
//
//   open batch -> waiting (or held, by channel) -> sent -> safe [-> arrived, or consumed]
//
// When a batch that is not full leaves. Whoever owns the socket asks take()
// whenever it could send. The open batch goes along if it is at least as large
// as all that is on its way (so: at once when nothing is), or after
// limits::batch_age_max. A lone message never waits for company; a flood makes
// its batches double until they are full. What waits does so in three lanes,
// and numbers are given at departure: a high message overtakes low ones that wait.
//
// A producer with a name brings its own sequence, the same for the same message
// whenever its program starts. Its batches are numbered by it, so that the
// agent's mark says what it has taken in an earlier life of the program: what is
// safe already is not sent again. So they leave in order: it has no lanes, and
// a HOLD of one channel stops it.
//
// Pure: no socket, no clock, no thread. Not thread-safe: the caller locks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "session/bounds.h"
#include "session/frame.h"
#include "session/loose_frames.h"
#include "session/open_batch.h"
#include "session/outbox.h"
#include "session/outgoing.h"
#include "wire/lane_turns.h"
#include "wire/local.h"

namespace bus::session {

// A message that needs more than one batch, while it is being offered part by part.
struct LargeMessage {
    Outgoing message;  // its views must stay valid until all parts are taken
    std::uint64_t bytes = 0;
    std::uint64_t first_sequence = 0;
    std::uint32_t next_part = 0;
    std::uint32_t parts = 0;
    bool finished() const noexcept { return next_part == parts; }
    // Of the next part.
    std::size_t next_bytes() const noexcept {
        const std::uint64_t from = std::uint64_t{next_part} * limits::part_bytes;
        return static_cast<std::size_t>(std::min<std::uint64_t>(limits::part_bytes, bytes - from));
    }
};

class ProducerSession {
  public:
    struct Options {
        ProducerId producer;
        std::uint64_t outbox_bytes = limits::outbox_bytes_default;
        std::uint32_t batch_messages_max = 0;  // 0: as many as fit
        bool named = false;                    // its id comes with identify()
    };
    // The pool must outlive the session.
    ProducerSession(const Options& options, FramePool& pool);

    // A producer with a name: its id, before its first hello. The caller knows it only by then.
    void identify(const ProducerId& producer) { producer_ = producer; }
    bool is_identified() const noexcept { return !producer_.is_zero(); }

    // ---- The caller that publishes ---------------------------------------------

    // offer() without a stamp, for what joins the open batch: reading clocks for every message
    // would cost more than the rest. nullopt: it does not.
    [[nodiscard]] std::optional<Offer> join(const Outgoing& message);
    // A message of one batch. too_large: use a LargeMessage. With a name it is would_block until
    // there has been a welcome.
    [[nodiscard]] Offer offer(const Outgoing& message, Stamp stamp);

    static bool needs_parts(const Outgoing& message) noexcept;
    // nullopt: more than wire::message_bytes_max.
    static std::optional<LargeMessage> cut(const Outgoing& message);
    // The same of so many bytes that come piece by piece; the message's payload is empty.
    static std::optional<LargeMessage> announce(const Outgoing& message, std::uint64_t bytes);
    // Offers the next part. While a large message is unfinished, its channel takes nothing else
    // (would_block). The caller goes on until finished() or abandons it.
    [[nodiscard]] Offer offer_part(LargeMessage& large, Stamp stamp);
    // Of an announced one: the next part, next_bytes() long.
    [[nodiscard]] Offer offer_part(LargeMessage& large, Bytes part, Stamp stamp);
    // Bytes of its parts that have not left: the line is the others' as well.
    std::uint64_t bytes_waiting(const LargeMessage& large) const;
    // There is room for all its parts at once.
    bool fits_whole(const LargeMessage& large) const;
    // No more parts will come: what has not left is dropped (the caller knows, nobody else is
    // told), what has left is followed by an ABORT. Receipts of its parts stay undecided.
    void abandon(LargeMessage large, Stamp stamp);

    // ---- The owner of the socket --------------------------------------------------

    // The next frame to send now, or nothing: not connected, no room, nothing ready. The session
    // may hold the same frame; it is not written to again while it is shared.
    std::optional<Frame> take(Time now);
    // take() would yield something at that time if nothing else happens; `never` if it would not.
    Time next_deadline() const noexcept;
    // take() would yield a frame without any further waiting. Cheap.
    bool is_ready() const noexcept;

    void on_welcome(const wire::Welcome& welcome, Time now);
    void on_window(const wire::Window& window) { window_ = window.bytes; }
    void on_disconnected();
    void on_receipts(const wire::Receipts& receipts);
    void on_refused(const wire::Refused& refused);
    void on_hold(const std::vector<wire::HeldChannel>& channels);
    void on_resume(const std::vector<wire::HeldChannel>& channels);
    // Expires what has not left.
    void advance(Time now);

    // What was decided since the last call.
    bool has_decided() const noexcept { return !settled_.empty() || !undelivered_.empty(); }
    std::vector<Settled> take_settled();
    std::vector<Undelivered> take_undelivered();
    // Everything that is not safe yet becomes undelivered or, if it has left, unknown: the end.
    void give_up(const std::string& reason);

    // ---- What is so -------------------------------------------------------------------

    bool is_connected() const noexcept { return connected_; }
    // Taken from the caller and neither safe nor settled otherwise.
    std::uint64_t unsafe_messages() const noexcept { return unsafe_messages_; }
    std::uint64_t outbox_bytes() const noexcept { return bytes_; }
    std::uint64_t bytes_in_flight() const noexcept { return in_flight_ + loose_.bytes(); }
    // Numbers that have left and whose `arrived` is still awaited: for the hello,
    // wire::Hello::awaiting. Those that are not safe yet as well: they may be by the welcome, from
    // a journal that does not remember who waits.
    std::vector<wire::NumberRange> awaiting_arrival() const;
    // Large messages with a part that is not safe yet: for wire::Hello::unfinished.
    std::vector<wire::UnfinishedMessage> unfinished() const;
    // What to say first on a new connection.
    wire::Hello hello(std::string app) const;
    const ProducerId& producer() const noexcept { return producer_; }

  private:
    struct Awaiting {
        std::vector<Wish> wishes;
        std::optional<std::uint32_t> destinations;
    };

    // The caller's side.
    bool may_join(const Outgoing& message) const noexcept;
    bool awaits_too_many(const Outgoing& message) const noexcept;
    bool is_stale(const Outgoing& message, Stamp stamp) const noexcept;
    std::optional<Offer> judge_sequence(const Outgoing& message);
    bool continues(const Outgoing& message) const noexcept;
    Expected<ChannelState*, Offer> channel_of(const Outgoing& message);
    void forget_reply_channels();
    bool has_room(const ChannelState& channel, std::size_t bytes) const noexcept;
    void charge(const ChannelState& channel, std::size_t bytes) noexcept;
    Offer open_for(const Outgoing& message, Stamp stamp, std::size_t bytes);
    void start(ChannelState& channel, const Outgoing& message, Stamp stamp,
               const std::optional<wire::Part>& part, std::uint16_t flags);
    void append(const Outgoing& message);
    void append_part(ChannelState& channel, LargeMessage& large, Bytes payload, Stamp stamp,
                     std::uint16_t flags);
    void close_open();
    void put_in_line(Departure departure);
    bool waits_for_resume(const Departure& departure) const noexcept;

    // The socket's side.
    bool fits_window(std::size_t bytes, bool guaranteed) const noexcept;
    bool open_may_leave() const noexcept;
    Time open_due() const noexcept;
    Time loose_due() const noexcept;
    bool open_fits() const noexcept;
    std::optional<wire::Lane> next_lane(bool with_open) const noexcept;
    bool next_fits(wire::Lane lane) const noexcept;
    bool is_stopped(wire::Lane lane) const noexcept;
    std::optional<Frame> take_again(Time now);
    std::optional<Frame> take_first(Time now);
    Frame depart(Departure& departure, Time now);
    bool was_taken_before(const Departure& departure) const noexcept;
    void note_taken_before(Departure departure);
    Frame addressed(Departure& departure, Time now);
    static bool is_expired(const Departure& departure, Time now) noexcept;
    void expire(Departure departure);
    void expire_in(Lines& lines, Time now);

    // Settlement.
    void give_up_arrivals_beyond(std::uint64_t taken);
    void resume_sending(std::uint64_t taken);
    Departure* find_sent(std::uint64_t number) noexcept;
    void on_record(const wire::Receipt& record);
    void on_safe(Departure& sent, Outcome outcome, std::optional<std::uint32_t> destinations);
    void pass_safe_through(std::uint64_t number);
    void settle_wish(const Wish& wish, Outcome outcome, std::optional<std::uint32_t> destinations,
                     const std::string& reason);
    void release(Departure& departure);
    void lose(Departure departure, Outcome outcome, const std::string& reason);
    void drop_settled_front();

    // Holds.
    bool is_held(const ChannelState& channel) const noexcept;
    void apply_holds();
    void hold_line(ChannelState& channel);
    void resume_line(ChannelState& channel);
    void count_held();

    const Options options_;
    ProducerId producer_;
    FramePool& pool_;

    std::unordered_map<wire::ChannelKey, std::unique_ptr<ChannelState>, ChannelHash, ChannelEqual>
        channels_;
    std::size_t reply_channels_ = 0;
    std::vector<wire::HeldChannel> held_;
    OpenBatch open_;
    std::uint64_t next_sequence_ = 1;

    // Closed, never left, on channels that flow.
    Lines waiting_;
    wire::LaneTurns turns_;
    // Left; numbers are consecutive, what is settled in the middle stays as an empty entry.
    std::deque<Departure> sent_;
    std::uint64_t next_number_ = 1;
    // Index into sent_ of the next frame to send again; sent_.size(): none.
    std::size_t resend_from_ = 0;
    LooseFrames loose_;
    std::optional<Time> loose_left_;  // the last of them
    Time loose_looked_{};
    std::unordered_map<std::uint64_t, Awaiting> awaiting_;  // safe, not yet arrived; by number

    bool connected_ = false;
    bool was_welcome_ = false;  // once
    std::uint64_t incarnation_ = 0;
    std::uint64_t taken_ = 0, safe_ = 0;  // by the latest welcome
    std::uint64_t window_ = 0;
    std::uint64_t in_flight_ = 0;   // bytes on their way
    std::uint64_t charged_ = 0;     // the same as the window counts them
    std::uint64_t bytes_ = 0;       // all of the outbox
    std::uint64_t held_bytes_ = 0;  // of channels on HOLD
    std::uint64_t unsafe_messages_ = 0;
    Time earliest_expiry_ = never;

    std::vector<Settled> settled_;
    std::vector<Undelivered> undelivered_;
};

}  // namespace bus::session
