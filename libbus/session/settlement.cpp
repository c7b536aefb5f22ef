// What the agent says about batches that have left, and who hears of it.
#include <algorithm>
#include <map>

#include "base/assert.h"
#include "base/mutation.h"
#include "session/producer_session.h"

namespace bus::session {
namespace {

Outcome outcome_of(wire::Fate fate) {
    switch (fate) {
        case wire::Fate::reached:
            return Outcome::reached;
        case wire::Fate::expired:
            return Outcome::expired;
        case wire::Fate::dead_lettered:
            return Outcome::dead_lettered;
        case wire::Fate::lapsed:
            return Outcome::lapsed;
        case wire::Fate::unknown:
            return Outcome::unknown;
    }
    return Outcome::unknown;
}

const std::string no_reason;

}  // namespace

void ProducerSession::on_welcome(const wire::Welcome& welcome, Time now) {
    connected_ = was_welcome_ = true;
    incarnation_ = welcome.incarnation;
    taken_ = welcome.taken;
    safe_ = welcome.safe;
    window_ = welcome.window;
    pass_safe_through(mutated(Mutation::hello_settles) ? welcome.taken : welcome.safe);
    resume_sending(welcome.taken);
    give_up_arrivals_beyond(welcome.taken);
    held_ = welcome.held;
    if (mutated(Mutation::hold_forgotten)) held_.clear();
    apply_holds();
    advance(now);
}

void ProducerSession::resume_sending(std::uint64_t taken) {
    if (mutated(Mutation::numbers_reused)) {
        next_number_ = 1;
        for (auto& sent : sent_) sent.number = next_number_++;
    }
    in_flight_ = charged_ = 0;
    resend_from_ = sent_.size();
    for (std::size_t i = 0; i < sent_.size(); ++i) {
        Departure& sent = sent_[i];
        sent.in_flight = !sent.is_settled() && sent.number <= taken;
        if (sent.in_flight) {
            in_flight_ += sent.bytes();
            charged_ += wire::frame_charge(sent.bytes());
        }
        if (!sent.is_settled() && !sent.in_flight) resend_from_ = std::min(resend_from_, i);
    }
}

// Safe once, and now the agent has not even taken it: its journal went back in time.
void ProducerSession::give_up_arrivals_beyond(std::uint64_t taken) {
    for (auto at = awaiting_.begin(); at != awaiting_.end();) {
        if (at->first <= taken) {
            ++at;
            continue;
        }
        for (const auto& wish : at->second.wishes)
            settle_wish(wish, Outcome::unknown, at->second.destinations, no_reason);
        at = awaiting_.erase(at);
    }
}

void ProducerSession::on_disconnected() {
    connected_ = false;
    resend_from_ = sent_.size();
}

void ProducerSession::on_receipts(const wire::Receipts& receipts) {
    for (const auto& record : receipts.records) on_record(record);
    pass_safe_through(receipts.safe_through);
}

void ProducerSession::on_record(const wire::Receipt& record) {
    const Outcome outcome = outcome_of(record.fate);
    if (Departure* sent = find_sent(record.number)) {
        on_safe(*sent, outcome, record.destinations);
        drop_settled_front();
    }
    if (record.stage == wire::Stage::safe) return;
    const auto found = awaiting_.find(record.number);
    if (found == awaiting_.end()) return;
    const auto destinations = record.destinations != 0
                                  ? std::optional<std::uint32_t>{record.destinations}
                                  : found->second.destinations;
    for (const auto& wish : found->second.wishes)
        settle_wish(wish, outcome, destinations, no_reason);
    awaiting_.erase(found);
}

// Settled in the middle, an entry stays as an empty one: numbers are consecutive, except those of a
// producer with a name.
Departure* ProducerSession::find_sent(std::uint64_t number) noexcept {
    if (mutated(Mutation::held_number_passed)) {
        const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const Departure& sent) {
            return sent.number == number && !sent.is_settled();
        });
        return found == sent_.end() ? nullptr : &*found;
    }
    if (sent_.empty() || number < sent_.front().number) return nullptr;
    auto index = number - sent_.front().number;
    if (options_.named) {
        const auto at = std::lower_bound(
            sent_.begin(), sent_.end(), number,
            [](const Departure& sent, std::uint64_t than) { return sent.number < than; });
        index = static_cast<std::uint64_t>(at - sent_.begin());
    }
    if (index >= sent_.size() || sent_[index].number != number || sent_[index].is_settled())
        return nullptr;
    return &sent_[index];
}

void ProducerSession::pass_safe_through(std::uint64_t number) {
    for (auto& sent : sent_) {
        if (sent.number > number && !mutated(Mutation::held_number_passed)) break;
        if (sent.number <= number && !sent.is_settled())
            on_safe(sent, Outcome::reached, std::nullopt);
    }
    drop_settled_front();
}

void ProducerSession::on_safe(Departure& sent, Outcome outcome,
                              std::optional<std::uint32_t> destinations) {
    std::vector<Wish> later;
    for (const auto& wish : sent.wishes) {
        const bool decided = wish.stage == wire::Stage::safe || outcome != Outcome::reached ||
                             destinations == std::optional<std::uint32_t>{0};
        if (decided)
            settle_wish(wish, outcome, destinations, no_reason);
        else
            later.push_back(wish);
    }
    if (!later.empty())
        awaiting_[sent.number] = {.wishes = std::move(later), .destinations = destinations};
    release(sent);
}

void ProducerSession::settle_wish(const Wish& wish, Outcome outcome,
                                  std::optional<std::uint32_t> destinations,
                                  const std::string& reason) {
    settled_.push_back({wish.receipt, outcome, destinations, reason});
}

// The outbox is done with it; the entry stays, empty.
void ProducerSession::release(Departure& departure) {
    bytes_ -= departure.bytes();
    if (departure.in_flight) {
        in_flight_ -= departure.bytes();
        charged_ -= wire::frame_charge(departure.bytes());
    }
    unsafe_messages_ -= departure.messages;
    departure.in_flight = false;
    departure.frame = {};
    departure.wishes.clear();
}

void ProducerSession::drop_settled_front() {
    while (!sent_.empty() && sent_.front().is_settled()) {
        sent_.pop_front();
        if (resend_from_ > 0) --resend_from_;
    }
}

void ProducerSession::on_refused(const wire::Refused& refused) {
    Departure* const sent = find_sent(refused.number);
    if (!sent) return;
    lose(std::move(*sent), Outcome::refused,
         refused.reason.empty() ? std::string{wire::to_text(refused.code)} : refused.reason);
    drop_settled_front();
}

// The moved-from entry that stays behind counts as settled. Of requests and replies nobody hears:
// who asked has a deadline.
void ProducerSession::lose(Departure departure, Outcome outcome, const std::string& reason) {
    for (const auto& wish : departure.wishes) settle_wish(wish, outcome, std::nullopt, reason);
    Frame frame = departure.frame;
    const bool is_told = !departure.is_abort && departure.channel->key.kind != wire::Kind::service;
    release(departure);
    if (is_told) undelivered_.push_back({std::move(frame), outcome, reason});
}

void ProducerSession::give_up(const std::string& reason) {
    close_open();
    const auto lose_all = [&](Lines& lines) {
        for (auto& line : lines) {
            for (auto& departure : line) lose(std::move(departure), Outcome::refused, reason);
            line.clear();
        }
    };
    for (auto& [key, channel] : channels_) lose_all(channel->line);
    lose_all(waiting_);
    for (auto& departure : sent_)
        if (!departure.is_settled()) lose(std::move(departure), Outcome::unknown, reason);
    sent_.clear();
    resend_from_ = 0;
    held_bytes_ = 0;
    for (const auto& [number, awaiting] : awaiting_)
        for (const auto& wish : awaiting.wishes)
            settle_wish(wish, Outcome::unknown, awaiting.destinations, reason);
    awaiting_.clear();
}

std::vector<Settled> ProducerSession::take_settled() { return std::exchange(settled_, {}); }

std::vector<Undelivered> ProducerSession::take_undelivered() {
    return std::exchange(undelivered_, {});
}

std::vector<wire::NumberRange> ProducerSession::awaiting_arrival() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, awaiting] : awaiting_) numbers.push_back(number);
    const auto wants_arrival = [](const Wish& wish) { return wish.stage != wire::Stage::safe; };
    for (const auto& sent : sent_)
        if (std::any_of(sent.wishes.begin(), sent.wishes.end(), wants_arrival))
            numbers.push_back(sent.number);
    std::sort(numbers.begin(), numbers.end());
    std::vector<wire::NumberRange> ranges;
    for (const auto number : numbers) {
        if (!ranges.empty() && ranges.back().last + 1 == number)
            ranges.back().last = number;
        else if (ranges.size() < wire::hello_awaiting_max)
            ranges.push_back({number, number});
    }
    return ranges;
}

std::vector<wire::UnfinishedMessage> ProducerSession::unfinished() const {
    struct Known {
        bool wanted = false;
        std::uint64_t last_number = 0;
    };
    std::map<std::uint64_t, Known> known;
    const auto look = [&](const Departure& departure) {
        if (!departure.part) return;
        Known& message = known[departure.part->first_sequence];
        message.wanted = message.wanted || !departure.is_settled();
        const bool is_last =
            departure.is_abort || departure.part->index + 1 == departure.part->total;
        if (is_last) message.last_number = departure.number;
    };
    const auto look_at_all = [&](const Lines& lines) {
        for (const auto& line : lines)
            for (const auto& departure : line) look(departure);
    };
    for (const auto& departure : sent_) look(departure);
    look_at_all(waiting_);
    for (const auto& [key, channel] : channels_) {
        look_at_all(channel->line);
        if (channel->unfinished != 0) known[channel->unfinished].wanted = true;
    }
    std::vector<wire::UnfinishedMessage> found;
    for (const auto& [first, message] : known)
        if (message.wanted && found.size() < wire::hello_unfinished_max)
            found.push_back({first, message.last_number});
    return found;
}

wire::Hello ProducerSession::hello(std::string app) const {
    return {.app = std::move(app),
            .producer = is_identified() ? std::optional{producer_} : std::nullopt,
            .awaiting = awaiting_arrival(),
            .unfinished = unfinished(),
            .keep = options_.named};
}

}  // namespace bus::session
