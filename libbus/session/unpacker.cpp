#include "session/unpacker.h"

#include <iterator>

#include "base/assert.h"
#include "base/mutation.h"

namespace bus::session {
namespace {
constexpr std::string_view damaged_header = "damaged on the way: the header of its batch";
constexpr std::string_view damaged_message = "damaged on the way: its checksum does not hold";
constexpr std::string_view damaged_form = "damaged on the way: its batch is not well-formed";
}  // namespace

bool Unpacker::begin(Bytes frame) {
    BUS_ASSERT(!walk_);
    const auto decoded = wire::decode_envelope(frame);
    if (!decoded) return false;
    envelope_ = decoded->envelope;
    at_ = 0;
    missed_ = 0;
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    if (!header) {
        reject(0, envelope_.messages, damaged_header);
        return true;
    }
    header_ = *header;
    const std::uint64_t end = std::uint64_t{envelope_.first} + envelope_.messages;
    if (end > header_.message_count) {
        reject(0, envelope_.messages, damaged_form);
        return true;
    }
    // Its agent did not know, for it has started since: what is newer has come.
    if (envelope_.retained() && !header_.is_delayed() &&
        gaps_.has_passed(header_, header_.channel_sequence + envelope_.first)) {
        rulings_.push_back(
            {.tag = envelope_.number, .first = envelope_.first, .count = envelope_.messages});
        return true;
    }
    const auto passed = pass_gaps();
    const bool sparse = (header_.flags & wire::batch_flag::sparse) != 0;
    if (may_miss() && !sparse) missed_ = passed.missing;
    // Another path was quicker, and the agent, which started since, cannot know.
    if (passed.late) envelope_.flags |= wire::envelope_flag::redelivered;
    walk_.emplace(decoded->batch.subspan(header_.header_length), header_.sequence + envelope_.first,
                  wire::MessageWalk::Check::checksum);
    as_part_ = header_.part && terms_.in_parts && header_.part->index == 0 &&
               (header_.flags & wire::batch_flag::abort) == 0;
    message_ = {.channel = header_.channel,
                .headers = {},
                .payload = {},
                .producer = header_.producer,
                .lane = header_.lane,
                .created_micros = header_.created_micros,
                .attempt = envelope_.attempt,
                .redelivered = envelope_.redelivered(),
                .retained = envelope_.retained(),
                .tag = envelope_.number,
                .joined = nullptr,
                .first_part = as_part_ ? header_.part : std::nullopt};
    return true;
}

// The first part of a message that is read part by part announces all of it. What was kept for a
// late joiner stands outside of what is counted.
GapWatch::Passed Unpacker::pass_gaps() {
    if (header_.is_delayed() || envelope_.retained()) return {};
    const auto sequence = header_.channel_sequence + envelope_.first;
    if (!terms_.in_parts || !header_.part) return gaps_.pass(header_, sequence, envelope_.messages);
    if ((header_.flags & wire::batch_flag::abort) != 0) gaps_.take_back_to(header_, sequence);
    const bool is_first = header_.part->index == 0;
    return gaps_.pass(header_, sequence, envelope_.messages,
                      is_first ? header_.part->total : envelope_.messages);
}

Received* Unpacker::next() {
    while (walk_) {
        const auto view = at_ < envelope_.messages ? walk_->next() : std::nullopt;
        if (!view) {
            if (at_ < envelope_.messages) end_early(damaged_form);
            finish();
            break;
        }
        ++at_;
        if (auto* const message = header_.part && !as_part_ ? join(*view) : hand_out(*view)) {
            const auto missed = std::exchange(missed_, 0);
            message->missed = may_miss() ? missed : 0;
            return message;
        }
    }
    return nullptr;
}

Received* Unpacker::hand_out(const wire::MessageView& view) {
    if (view.intact) return received(view);
    reject(at_ - 1, 1, damaged_message);
    ++missed_;
    return nullptr;
}

// What is missing and could not be told with a message of this delivery is told with a later one.
void Unpacker::finish() {
    walk_.reset();
    if (header_.kind == wire::Kind::topic && missed_ > 0 && !header_.is_delayed() &&
        !envelope_.retained())
        gaps_.lose(header_, missed_);
}

Received* Unpacker::received(const wire::MessageView& view) {
    message_.headers = view.headers;
    message_.payload = view.payload;
    message_.sequence = view.sequence;
    message_.index = envelope_.first + at_ - 1;
    message_.last_of_tag = is_last();
    return &message_;
}

// A part is a batch of its own; the message comes out at the last.
Received* Unpacker::join(const wire::MessageView& view) {
    const Joined::Piece piece{envelope_.number, envelope_.first + at_ - 1};
    std::shared_ptr<Joined> whole;
    if (view.intact) {
        whole = joiner_.add(header_, view, piece, envelope_.redelivered());
        if (mutated(Mutation::parts_settle_singly))
            rulings_.push_back({.tag = piece.tag, .first = piece.index, .count = 1});
    } else {
        joiner_.spoil(header_, piece, damaged_message);
        ++missed_;
    }
    for (auto& ruling : joiner_.take_rulings()) rulings_.push_back(std::move(ruling));
    if (!whole) return nullptr;
    Received* const message = received(view);
    message->channel = whole->channel;
    message->headers = whole->headers;
    message->payload = whole->payload;
    message->sequence = header_.part->first_sequence;
    message->redelivered = whole->redelivered;
    message->joined = std::move(whole);
    return message;
}

void Unpacker::end_early(std::string_view reason) {
    const auto left = envelope_.messages - at_;
    missed_ += left;
    reject(at_, left, reason);
    at_ = envelope_.messages;
}

// `first` counts within the range.
void Unpacker::reject(std::uint32_t first, std::uint32_t count, std::string_view reason) {
    if (count == 0) return;
    rulings_.push_back({.tag = envelope_.number,
                        .first = envelope_.first + first,
                        .count = count,
                        .verdict = wire::Verdict::reject,
                        .delay_millis = 0,
                        .reason = std::string{reason}});
}

void Unpacker::reset() {
    walk_.reset();
    joiner_.clear();
}

}  // namespace bus::session
