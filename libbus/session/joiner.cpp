#include "session/joiner.h"

#include <algorithm>

#include "session/bounds.h"

namespace bus::session {
namespace {
constexpr std::uint32_t headless_delay_millis = 1'000;
}

std::shared_ptr<Joined> Joiner::add(const wire::BatchHeader& header, const wire::MessageView& part,
                                    Joined::Piece piece, bool redelivered) {
    const Key key{header.producer, header.part->first_sequence};
    if ((header.flags & wire::batch_flag::abort) != 0) {
        cut_short(key, piece);
        return nullptr;
    }
    Unfinished* const message = find_or_begin(key, *header.part);
    if (!message) {
        turn_away(header, piece);
        return nullptr;
    }
    if (!message->message) {
        rule(piece, wire::Verdict::reject, message->reason);
        if (header.part->index + 1 == header.part->total) unfinished_.erase(key);
        return nullptr;
    }
    if (const auto wrong = mismatch(*message, *header.part, part); !wrong.empty()) {
        spoil(header, piece, wrong);
        return nullptr;
    }
    append(*message, header, part, piece, redelivered);
    if (message->next < header.part->total) return nullptr;
    auto whole = std::move(message->message);
    unfinished_.erase(key);
    remember(key);
    return whole;
}

void Joiner::remember(const Key& key) {
    finished_.push_back(key);
    if (finished_.size() > limits::unfinished_max) finished_.pop_front();
}

// A message that cannot be begun here. After it was joined, this is a part that was sent again, and
// the agent is owed nothing for it. Else, on a topic, its beginning came before the subscription;
// on a queue it is with another consumer.
void Joiner::turn_away(const wire::BatchHeader& header, Joined::Piece piece) {
    const Key key{header.producer, header.part->first_sequence};
    const bool finished = std::find(finished_.begin(), finished_.end(), key) != finished_.end();
    if (header.part->index == 0)
        rule(piece, wire::Verdict::reject, "too many unfinished large messages at once");
    else if (finished || header.kind == wire::Kind::topic)
        rule(piece, wire::Verdict::ack, {});
    else
        rule(piece, wire::Verdict::nack, {});
}

// Later parts without their beginning start nothing.
Joiner::Unfinished* Joiner::find_or_begin(const Key& key, const wire::Part& part) {
    const auto found = unfinished_.find(key);
    if (found != unfinished_.end()) {
        const bool spoilt = found->second.message == nullptr;
        if (part.index != 0 || !spoilt) return &found->second;
        unfinished_.erase(found);  // another copy, from the beginning
    }
    if (part.index != 0 || unfinished_.size() >= limits::unfinished_max) return nullptr;
    const bool fits = part.total_bytes <= whole_bytes_max_;
    return &unfinished_
                .emplace(key, Unfinished{.message = fits ? std::make_shared<Joined>() : nullptr,
                                         .first = part,
                                         .next = 0,
                                         .reason = fits ? std::string{} : too_large(part)})
                .first->second;
}

std::string Joiner::too_large(const wire::Part& part) const {
    return "its consumer takes " + std::to_string(whole_bytes_max_) +
           " bytes whole (whole_bytes_max), and this has " + std::to_string(part.total_bytes) +
           ": read it part by part (in_parts)";
}

std::string_view Joiner::mismatch(const Unfinished& message, const wire::Part& part,
                                  const wire::MessageView& view) {
    if (part.total != message.first.total || part.total_bytes != message.first.total_bytes)
        return "its parts disagree about the whole";
    if (part.index < message.next) return {};
    if (part.index > message.next) return "a part is missing";
    const auto bytes = message.message->payload.size() + view.payload.size();
    const bool is_last = part.index + 1 == part.total;
    if (bytes > part.total_bytes || (is_last && bytes != part.total_bytes))
        return "its parts do not add up to the whole";
    return {};
}

void Joiner::append(Unfinished& message, const wire::BatchHeader& header,
                    const wire::MessageView& part, Joined::Piece piece, bool redelivered) {
    Joined& whole = *message.message;
    whole.pieces.push_back(piece);
    whole.redelivered = whole.redelivered || redelivered;
    if (header.part->index < message.next) return;  // sent again: decided with the whole
    if (message.next == 0) {
        whole.channel = header.channel;
        whole.headers.assign(part.headers.begin(), part.headers.end());
    }
    whole.payload.insert(whole.payload.end(), part.payload.begin(), part.payload.end());
    ++message.next;
}

// The sender gave up: what has come of it is done with.
void Joiner::cut_short(const Key& key, Joined::Piece piece) {
    rule(piece, wire::Verdict::ack, {});
    const auto found = unfinished_.find(key);
    if (found == unfinished_.end()) return;
    give_up(found->second, wire::Verdict::ack, {});
    unfinished_.erase(found);
}

void Joiner::spoil(const wire::BatchHeader& header, Joined::Piece piece, std::string_view reason) {
    const Key key{header.producer, header.part->first_sequence};
    rule(piece, wire::Verdict::reject, reason);
    const auto found = unfinished_.find(key);
    if (found != unfinished_.end()) {
        give_up(found->second, wire::Verdict::reject, reason);
    } else if (unfinished_.size() < limits::unfinished_max) {
        unfinished_.emplace(key, Unfinished{.message = nullptr,
                                            .first = *header.part,
                                            .next = 0,
                                            .reason = std::string{reason}});
    }
    if (header.part->index + 1 == header.part->total) unfinished_.erase(key);
}

void Joiner::give_up(Unfinished& message, wire::Verdict verdict, std::string_view reason) {
    if (message.message)
        for (const auto& piece : message.message->pieces) rule(piece, verdict, reason);
    message.message = nullptr;
    message.reason = reason;
}

void Joiner::rule(const Joined::Piece& piece, wire::Verdict verdict, std::string_view reason) {
    rulings_.push_back({.tag = piece.tag,
                        .first = piece.index,
                        .count = 1,
                        .verdict = verdict,
                        .delay_millis = verdict == wire::Verdict::nack ? headless_delay_millis : 0,
                        .reason = std::string{reason}});
}

}  // namespace bus::session
