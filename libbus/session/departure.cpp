// The side of the socket: what leaves, in which order, and what is sent again.
#include <algorithm>

#include "base/assert.h"
#include "base/mutation.h"
#include "session/producer_session.h"
#include "wire/envelope.h"

namespace bus::session {
namespace {

std::uint64_t millis_left(Time until, Time now) {
    if (until == never) return 0;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(left, 1));
}

}  // namespace

// One frame may always be on its way, however small the window.
bool ProducerSession::fits_window(std::size_t bytes, bool guaranteed) const noexcept {
    if (!guaranteed) return loose_.empty() || loose_.bytes() + bytes <= limits::loose_bytes_max;
    return charged_ == 0 || charged_ + wire::frame_charge(bytes) <= window_;
}

bool ProducerSession::open_fits() const noexcept {
    return open_.is_open() && !open_.channel()->held &&
           fits_window(open_.frame_bytes(), open_.header().guaranteed());
}

// Batches double while a flood waits for receipts; a trickle leaves message by message.
bool ProducerSession::open_may_leave() const noexcept {
    // Somebody waits for a reply: only what the socket has not passed on makes it wait for company.
    if (open_.header().kind == wire::Kind::service) return loose_.bytes() <= limits::trickle_bytes;
    if (!open_.header().guaranteed()) return open_.opened() >= loose_due();
    return open_.frame_bytes() >= in_flight_ || in_flight_ <= limits::trickle_bytes;
}

// Whose turn it is; `with_open`: among them the open batch, behind what waits in its lane.
std::optional<wire::Lane> ProducerSession::next_lane(bool with_open) const noexcept {
    const bool open_counts = with_open && open_.is_open() && !open_.channel()->held;
    if (waiting_.empty()) return open_counts ? std::optional{open_.header().lane} : std::nullopt;
    return turns_.next([&](wire::Lane lane) {
        return !waiting_[lane].empty() || (open_counts && open_.header().lane == lane);
    });
}

bool ProducerSession::next_fits(wire::Lane lane) const noexcept {
    if (waiting_[lane].empty())
        return fits_window(open_.frame_bytes(), open_.header().guaranteed());
    const Departure& next = waiting_[lane].front();
    return fits_window(next.bytes(), next.guaranteed);
}

// With a name nothing may overtake a channel on HOLD.
bool ProducerSession::is_stopped(wire::Lane lane) const noexcept {
    return options_.named && !waiting_[lane].empty() && waiting_[lane].front().channel->held;
}

// When the next best-effort batch leaves, full or not.
Time ProducerSession::loose_due() const noexcept {
    return loose_left_ ? *loose_left_ + limits::loose_pause : Time{};
}

// And before that nothing else asks for it.
Time ProducerSession::open_due() const noexcept {
    return open_.header().guaranteed() ? open_.opened() + limits::batch_age_max : loose_due();
}

bool ProducerSession::is_ready() const noexcept {
    if (!connected_) return false;
    if (resend_from_ < sent_.size()) return fits_window(sent_[resend_from_].bytes(), true);
    const auto lane = next_lane(open_may_leave());
    return lane && !is_stopped(*lane) && next_fits(*lane);
}

Time ProducerSession::next_deadline() const noexcept {
    const auto lane = next_lane(true);
    if (!connected_ || resend_from_ < sent_.size() || !lane) return earliest_expiry_;
    // Nobody tells when the socket has let go of something.
    const Time earliest =
        loose_.empty() ? earliest_expiry_
                       : std::min<Time>(earliest_expiry_, loose_looked_ + limits::batch_age_max);
    if (!open_fits() || !waiting_[*lane].empty()) return earliest;
    return std::min(earliest, open_due());
}

std::optional<Frame> ProducerSession::take(Time now) {
    if (!connected_) return std::nullopt;
    loose_.look();
    loose_looked_ = now;
    if (auto again = take_again(now)) return again;
    if (resend_from_ < sent_.size()) return std::nullopt;  // no room: nothing may overtake
    return take_first(now);
}

std::optional<Frame> ProducerSession::take_again(Time now) {
    for (; resend_from_ < sent_.size(); ++resend_from_) {
        Departure& sent = sent_[resend_from_];
        if (sent.is_settled()) continue;
        if (is_expired(sent, now)) {
            expire(std::move(sent));
            continue;
        }
        if (!fits_window(sent.bytes(), true)) return std::nullopt;
        ++resend_from_;
        ++sent.retries;
        return addressed(sent, now);
    }
    drop_settled_front();
    return std::nullopt;
}

std::optional<Frame> ProducerSession::take_first(Time now) {
    const bool with_open = open_may_leave() || now >= open_due();
    while (const auto lane = next_lane(with_open)) {
        if (!waiting_[*lane].empty() && is_expired(waiting_[*lane].front(), now)) {
            expire(std::move(waiting_[*lane].front()));
            waiting_[*lane].pop_front();
            continue;
        }
        if (is_stopped(*lane) || !next_fits(*lane)) return std::nullopt;
        if (waiting_[*lane].empty()) close_open();
        Departure departure = std::move(waiting_[*lane].front());
        waiting_[*lane].pop_front();
        turns_.pass(*lane);
        if (!was_taken_before(departure)) return depart(departure, now);
        note_taken_before(std::move(departure));
    }
    return std::nullopt;
}

Frame ProducerSession::depart(Departure& departure, Time now) {
    if (departure.part && departure.part->index == 0)
        departure.channel->lane(departure.lane).departed = departure.sequence;
    if (!departure.guaranteed) {
        Frame frame = addressed(departure, now);
        loose_.add(frame);
        loose_left_ = now;
        for (const auto& wish : departure.wishes)
            settle_wish(wish, Outcome::unknown, std::nullopt, "best effort has no receipt");
        release(departure);
        return frame;
    }
    if (options_.named) departure.number = departure.last_sequence();
    if (departure.number == 0) departure.number = next_number_++;
    departure.first_incarnation = incarnation_;
    sent_.push_back(std::move(departure));
    resend_from_ = sent_.size();
    return addressed(sent_.back(), now);
}

// In an earlier life of the program, and not safe yet: it is kept as if it had left.
bool ProducerSession::was_taken_before(const Departure& departure) const noexcept {
    return options_.named && departure.last_sequence() <= taken_;
}

void ProducerSession::note_taken_before(Departure departure) {
    departure.number = departure.last_sequence();
    departure.first_incarnation = incarnation_;
    departure.in_flight = true;
    in_flight_ += departure.bytes();
    charged_ += wire::frame_charge(departure.bytes());
    sent_.push_back(std::move(departure));
    resend_from_ = sent_.size();
}

// Writes the envelope; to a copy if the socket still holds what was sent before.
Frame ProducerSession::addressed(Departure& departure, Time now) {
    if (departure.frame.is_shared()) departure.frame = pool_.copy(departure.frame.bytes());
    bool resent = departure.guaranteed && departure.first_incarnation != incarnation_;
    if (mutated(Mutation::resent_lost) && departure.retries > 1) resent = false;
    const wire::Envelope envelope{
        .flags = resent ? wire::envelope_flag::resent : std::uint16_t{0},
        .number = departure.number,
        .lifetime_millis = millis_left(departure.expires, now),
        .first = 0,
        .messages = departure.messages,
        .delay_millis = departure.due <= now ? 0 : millis_left(departure.due, now),
    };
    wire::encode_envelope(envelope, departure.frame.data());
    if (departure.guaranteed) {
        departure.in_flight = true;
        in_flight_ += departure.bytes();
        charged_ += wire::frame_charge(departure.bytes());
    }
    return departure.frame;
}

// ---- Expiry -----------------------------------------------------------------------

bool ProducerSession::is_expired(const Departure& departure, Time now) noexcept {
    if (departure.is_later_part())
        return departure.channel->lane(departure.lane).expired == departure.part->first_sequence;
    return departure.expires <= now;
}

// What has left comes here only when the agent's Welcome says that it was not taken; another
// incarnation of the agent cannot know that.
void ProducerSession::expire(Departure departure) {
    if (departure.part && departure.part->index == 0)
        departure.channel->lane(departure.lane).expired = departure.sequence;
    const bool may_have_arrived =
        departure.number != 0 && departure.first_incarnation != incarnation_;
    lose(std::move(departure), may_have_arrived ? Outcome::unknown : Outcome::expired,
         "its time to live ended before the agent had it");
}

void ProducerSession::advance(Time now) {
    if (now < earliest_expiry_) return;
    if (open_.is_open() && open_.header().ttl_millis != 0) close_open();
    earliest_expiry_ = never;
    expire_in(waiting_, now);
    for (auto& [key, channel] : channels_) expire_in(channel->line, now);
    count_held();
}

void ProducerSession::expire_in(Lines& lines, Time now) {
    for (auto& line : lines) {
        Lines::Line rest;
        for (auto& departure : line) {
            if (is_expired(departure, now)) {
                expire(std::move(departure));
                continue;
            }
            if (!departure.is_later_part())
                earliest_expiry_ = std::min(earliest_expiry_, departure.expires);
            rest.push_back(std::move(departure));
        }
        line.swap(rest);
    }
}

// ---- Holds ------------------------------------------------------------------------

bool ProducerSession::is_held(const ChannelState& channel) const noexcept {
    return std::any_of(held_.begin(), held_.end(), [&](const wire::HeldChannel& held) {
        return (!held.kind || *held.kind == channel.key.kind) &&
               wire::matches(held.filter, channel.key.name);
    });
}

void ProducerSession::on_hold(const std::vector<wire::HeldChannel>& channels) {
    for (const auto& channel : channels) {
        const auto same = [&](const wire::HeldChannel& held) {
            return held.kind == channel.kind && held.filter == channel.filter;
        };
        if (std::none_of(held_.begin(), held_.end(), same)) held_.push_back(channel);
    }
    apply_holds();
}

void ProducerSession::on_resume(const std::vector<wire::HeldChannel>& channels) {
    for (const auto& channel : channels)
        std::erase_if(held_, [&](const wire::HeldChannel& held) {
            return held.kind == channel.kind && held.filter == channel.filter;
        });
    apply_holds();
}

void ProducerSession::apply_holds() {
    for (auto& [key, channel] : channels_) {
        const bool was_held = std::exchange(channel->held, is_held(*channel));
        if (channel->held && !was_held) hold_line(*channel);
        if (!channel->held && was_held) resume_line(*channel);
    }
    count_held();
}

void ProducerSession::hold_line(ChannelState& channel) {
    if (options_.named) return;
    for (auto& line : waiting_) {
        const auto moved =
            std::stable_partition(line.begin(), line.end(), [&](const Departure& departure) {
                return departure.channel != &channel || !waits_for_resume(departure);
            });
        for (auto at = moved; at != line.end(); ++at) channel.line.push(std::move(*at));
        line.erase(moved, line.end());
    }
}

void ProducerSession::resume_line(ChannelState& channel) {
    for (const auto lane : {wire::Lane::high, wire::Lane::normal, wire::Lane::low}) {
        auto& waiting = waiting_[lane];
        auto& line = channel.line[lane];
        Lines::Line merged;
        std::merge(std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()),
                   std::make_move_iterator(line.begin()), std::make_move_iterator(line.end()),
                   std::back_inserter(merged),
                   [](const Departure& a, const Departure& b) { return a.sequence < b.sequence; });
        waiting.swap(merged);
        line.clear();
    }
}

void ProducerSession::count_held() {
    held_bytes_ = 0;
    for (const auto& [key, channel] : channels_) {
        if (!channel->held) continue;
        for (const auto& line : channel->line)
            for (const auto& departure : line) held_bytes_ += departure.bytes();
        if (open_.channel() == channel.get()) held_bytes_ += open_.frame_bytes();
    }
}

}  // namespace bus::session
