// A journal's dead letters for a host of a test: what it buries and drops is
// kept here, and what it looks for is found here.
#pragma once

#include <map>
#include <vector>

#include "hosts.h"

namespace bus::core::test {

class Graveyard {
  public:
    explicit Graveyard(Host& host) : host_(host) {}

    // Takes in what the host has committed since, and answers what it asks, until it asks no more.
    void settle() {
        do {
            host_.turn();
            take_in();
            host_.exchange->on_journal(Committed{last_, host_.space}, host_.now);
            host_.turn();
        } while (answer());
    }
    DeadLetterAnswer ask(DeadLetterRequest::Act act, DeadLetterFilter filter = {},
                         bool dry_run = false, std::size_t letters_max = 100) {
        settle();
        host_.exchange->ask_dead_letters(
            {.number = ++number_,
             .act = act,
             .dry_run = dry_run,
             .find = {.filter = std::move(filter),
                      .letters_max = letters_max,
                      .bytes_max = 1 << 20,
                      .with_batches = act == DeadLetterRequest::Act::retry}},
            host_.now);
        settle();
        REQUIRE_FALSE(host_.dead_letters.empty());
        DeadLetterAnswer answer = std::move(host_.dead_letters.back());
        host_.dead_letters.pop_back();
        CHECK(answer.request.number == number_);
        return answer;
    }
    const std::map<DeadLetterId, DeadLetter>& letters() const { return letters_; }
    // The host's journal has it from before.
    void add(DeadLetter letter) {
        highest_ = std::max(highest_, letter.id);
        letters_.emplace(letter.id, std::move(letter));
    }

  private:
    void take_in() {
        for (; taken_ < host_.transactions.size(); ++taken_) {
            last_ = host_.transactions[taken_].number;
            for (const Change& change : host_.transactions[taken_].changes) {
                if (const auto* put = std::get_if<PutDestination>(&change))
                    destinations_[put->destination.id] = put->destination;
                if (const auto* bury = std::get_if<Bury>(&change)) take_in(*bury);
                if (const auto* drop = std::get_if<DropDeadLetter>(&change))
                    letters_.erase(drop->id);
            }
        }
        host_.space.dead_letters = letters_.size();
        host_.space.last_dead_letter = highest_;
    }
    void take_in(const Bury& bury) {
        REQUIRE(destinations_.contains(bury.stream.to));
        const Destination& to = destinations_.at(bury.stream.to);
        const auto batch = OwnedBatch::make(
            wire::cut_batch(bury.batch.bytes(), bury.batch.header(), bury.first, bury.count));
        const auto& header = batch->header();
        add({.id = highest_.next(),
             .type = to.type,
             .destination = to.id,
             .name = to.name,
             .agent = to.agent,
             .lane = header.lane,
             .channel = {header.kind, std::string{header.channel}},
             .producer = header.producer,
             .sequence = header.sequence,
             .messages = bury.count,
             .bytes = batch->size(),
             .part = header.part,
             .attempts = bury.attempts,
             .taken_wall_micros = bury.taken_wall_micros,
             .buried_wall_micros = bury.wall_micros,
             .reason = bury.reason,
             .batch = *batch});
    }
    bool answer() {
        for (const FindDeadLetters& find : std::exchange(host_.finds, {})) {
            DeadLettersFound found{.request = find, .letters = {}, .totals = {}, .last = true};
            for (const auto& [id, letter] : letters_) {
                const auto& ids = find.filter.ids;
                const bool named =
                    ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
                if (!named || id <= find.filter.after || id > find.filter.through ||
                    !find.filter.covers(letter))
                    continue;
                found.last = found.letters.size() < find.letters_max;
                if (!found.last) break;
                found.letters.push_back(letter);
            }
            host_.exchange->on_journal(found, host_.now);
            answered_ = true;
        }
        return std::exchange(answered_, false);
    }

    Host& host_;
    std::map<DeadLetterId, DeadLetter> letters_;
    std::map<DestinationId, Destination> destinations_;
    DeadLetterId highest_;
    std::size_t taken_ = 0;
    Submission last_;
    std::uint64_t number_ = 0;
    bool answered_ = false;
};

}  // namespace bus::core::test
