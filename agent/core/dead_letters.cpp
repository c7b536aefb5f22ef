// Requests about dead letters, and what becomes of those that are found.

#include "core/dead_letters.h"

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

// ---- The requests ------------------------------------------------------------------------------

std::optional<FindDeadLetters> DeadLetters::next() {
    if (asked_ || waiting_.empty()) return std::nullopt;
    asked_ = std::move(waiting_.front());
    waiting_.pop_front();
    return asked_->find;
}

DeadLetterRequest DeadLetters::take_request() { return *std::exchange(asked_, std::nullopt); }

bool DeadLetters::is_leaving(DeadLetterId id) const {
    return std::any_of(leaving_.begin(), leaving_.end(),
                       [&](const Leaving& one) { return one.id == id; });
}

void DeadLetters::leave(DeadLetterId id, std::vector<std::shared_ptr<Custody>> copies) {
    leaving_.push_back({id, std::move(copies), std::nullopt});
}

void DeadLetters::answer_then(DeadLetterAnswer answer) {
    std::vector<DeadLetterId> awaits;
    const bool only_looks =
        answer.request.act == DeadLetterRequest::Act::look || answer.request.dry_run;
    for (const DeadLetter& letter : answer.found.letters)
        if (!only_looks && is_leaving(letter.id)) awaits.push_back(letter.id);
    answering_.push_back({std::move(answer), std::move(awaits)});
}

std::vector<DeadLetterAnswer> DeadLetters::take_answers() {
    std::vector<DeadLetterAnswer> ready;
    const auto has_gone = [&](DeadLetterId id) {
        return std::none_of(leaving_.begin(), leaving_.end(),
                            [&](const Leaving& one) { return one.id == id && !one.gone; });
    };
    std::erase_if(answering_, [&](Answering& one) {
        std::erase_if(one.awaits, has_gone);
        if (one.awaits.empty()) ready.push_back(std::move(one.answer));
        return one.awaits.empty();
    });
    // What the journal is looking for now it may have found before they went.
    if (!asked_) std::erase_if(leaving_, [](const Leaving& one) { return one.gone; });
    return ready;
}

void Exchange::ask_dead_letters(DeadLetterRequest request, Time now) {
    State& s = at(now);
    auto& through = request.find.filter.through;
    through = std::min(through, s.keeper.space().last_dead_letter);
    s.dead_letters.ask(std::move(request));
}

// ---- What the journal has found
// ------------------------------------------------------------------

void State::on_found(const DeadLettersFound& found) {
    DeadLetterAnswer answer{.request = dead_letters.take_request(), .found = found};
    switch (answer.request.act) {
        case DeadLetterRequest::Act::look:
            break;
        case DeadLetterRequest::Act::retry:
            retry_found(answer);
            break;
        case DeadLetterRequest::Act::purge:
            purge_found(answer);
            break;
        case DeadLetterRequest::Act::forward:
            return forward_found(found);
    }
    dead_letters.answer_then(std::move(answer));
}

void State::follow_dead_letters() {
    dead_letters.follow(keeper.committed_through(), [this](DeadLetterId id) {
        keeper.change(DropDeadLetter{id}, true);
        return keeper.pending_submission();
    });
    for (DeadLetterAnswer& answer : dead_letters.take_answers())
        effects.dead_letters.push_back(std::move(answer));
    look_for_what_goes_on();
    if (auto find = dead_letters.next()) effects.finds.push_back(std::move(*find));
}

void State::purge_found(DeadLetterAnswer& answer) {
    for (const DeadLetter& letter : answer.found.letters) {
        if (dead_letters.is_leaving(letter.id)) continue;
        answer.done.add(letter);
        if (answer.request.dry_run) continue;
        keeper.change(DropDeadLetter{letter.id}, true);
        dead_letters.leave(letter.id, keeper.pending_submission());
    }
}

void State::retry_found(DeadLetterAnswer& answer) {
    for (const DeadLetter& letter : answer.found.letters) {
        if (dead_letters.is_leaving(letter.id)) continue;
        const Home home = find_home(letter);
        const auto why = why_not_retry(letter, home);
        dead_letters.note_judged(letter, why);
        if (why) {
            answer.leave(letter, *why);
            continue;
        }
        answer.done.add(letter);
        if (!answer.request.dry_run) take_again(letter, home);
    }
}

// ---- Taken again
// ---------------------------------------------------------------------------------

State::Home State::find_home(const DeadLetter& letter) {
    switch (letter.type) {
        case Destination::Type::queue:
        case Destination::Type::shared:
        case Destination::Type::durable:
            return {.group = find_group(letter.type, letter.name)};
        case Destination::Type::anonymous: {
            const auto found = groups.find(letter.destination);
            return {.group = found == groups.end() ? nullptr : found->second.get()};
        }
        case Destination::Type::agent:
            return {.remote = find_remote(letter.agent)};
        case Destination::Type::delay:
        case Destination::Type::service:
            break;
    }
    return {};
}

namespace {

std::string gone_words(const DeadLetter& letter) {
    switch (letter.type) {
        case Destination::Type::durable:
            return "there is no durable subscription " + letter.name + " any more";
        case Destination::Type::shared:
            return "there is no group \"" + letter.name + "\" any more";
        case Destination::Type::agent:
            return "the agent " + letter.name + " is not known any more";
        case Destination::Type::delay:
            return "it died before it was due, and belongs to no destination";
        case Destination::Type::anonymous:
        case Destination::Type::queue:
        case Destination::Type::service:
            break;
    }
    return "the subscription, which had no name, has ended";
}

}  // namespace

// A queue is made anew.
std::optional<std::string> State::why_not_retry(const DeadLetter& letter, const Home& home) const {
    const auto* const before = dead_letters.judged_before(letter);
    if (before != nullptr && *before) return *before;
    const bool is_gone = home.group == nullptr && home.remote == nullptr;
    if (is_gone && letter.type != Destination::Type::queue) return gone_words(letter);
    if (!letter.batch) return "it is damaged in the journal";
    if (!letter.has_rest) return "parts of this large message are missing";
    if (before != nullptr) return std::nullopt;  // its beginning is on its way
    if (keeper.full()) return "the journal is full";
    if (draining) return "this agent is being drained";
    const DestinationId to = home.group != nullptr ? home.group->id()
                             : is_gone             ? DestinationId{}
                                                   : home.remote->id();
    if (!is_gone && queued_bytes(to) >= bytes_max(to)) return bound_words(to);
    return std::nullopt;
}

// Its consumer, and another agent, may have had it. Its lifetime and its age begin anew.
void State::take_again(const DeadLetter& letter, const Home& home) {
    Group* group = home.group;
    if (group == nullptr && home.remote == nullptr) group = &queue(letter.name);
    std::uint8_t flags = group == nullptr ? entry_flag::resent : entry_flag::redelivered;
    if (group != nullptr && group->is_queue()) flags |= entry_flag::pinned;
    const DestinationId to = group != nullptr ? group->id() : home.remote->id();
    const auto custody = keeper.take(letter.batch, {{{to, letter.lane}, flags}},
                                     expiry(Arrival{}, letter.batch.header()), {}, 0, false);
    custody->dead_letter = letter.id;
    keeper.want(custody, now);
    dead_letters.leave(letter.id, {custody});
    if (group != nullptr) {
        group->offer(Entry{custody, 0});
        touch(*group);
        watch_share(*group);
    } else {
        home.remote->offer(Entry{custody, 0});
        wake(*home.remote);
    }
}

}  // namespace bus::core
