// What is asked about dead letters while it lasts: to look at some, to take
// them again where they died, to do away with them. One request at a time is
// with the journal, so what it finds has not been taken again meanwhile, but
// for what is known here to be leaving.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/custody.h"
#include "core/journal.h"

namespace bus::core {

struct DeadLetterRequest {
    enum class Act : std::uint8_t {
        look,
        retry,    // each goes to the destination where it died
        purge,    // gone for good
        forward,  // the exchange's own: on to where its channel says (Settings::dead_letter_to)
    };
    std::uint64_t number = 0;  // the asker's own, comes back with the answer
    Act act = Act::look;
    bool dry_run = false;
    FindDeadLetters find;
};

struct DeadLetterAnswer {
    DeadLetterRequest request;
    DeadLettersFound found;
    // Retried or purged, and on disk as such; in a dry run, what would be.
    struct Count {
        std::uint64_t letters = 0, messages = 0, bytes = 0;
        void add(const DeadLetter& letter) {
            ++letters;
            messages += letter.messages;
            bytes += letter.bytes;
        }
    };
    Count done;
    // What stays a dead letter, by why.
    struct Left {
        std::string why;
        Count count;
    };
    std::vector<Left> left;
    void leave(const DeadLetter& letter, const std::string& why) {
        auto at =
            std::find_if(left.begin(), left.end(), [&](const Left& one) { return one.why == why; });
        if (at == left.end()) at = left.insert(at, Left{why, {}});
        at->count.add(letter);
    }
};

class DeadLetters {
  public:
    explicit DeadLetters(DeadLetterId last) : last_at_start_(last) {}

    // ---- Requests.
    void ask(DeadLetterRequest request) { waiting_.push_back(std::move(request)); }
    // To be asked of the journal now.
    std::optional<FindDeadLetters> next();
    // The journal has answered next().
    DeadLetterRequest take_request();
    bool is_asking() const { return asked_.has_value(); }

    // ---- On their way out of the journal: found again, they are none any more.
    bool is_leaving(DeadLetterId id) const;
    // It goes with the first commit of `copies`, if that is one (Custody::dead_letter), else when
    // all are safe.
    void leave(DeadLetterId id, std::vector<std::shared_ptr<Custody>> copies);
    // It goes with that submission.
    void leave(DeadLetterId id, Submission with) { leaving_.push_back({id, {}, with}); }
    // `answer` is to be given when all of it that is leaving has left, unless it only looks.
    void answer_then(DeadLetterAnswer answer);
    // Looks what has become safe and what is on disk; `drop` is told what is to go now and says
    // with which submission.
    template <class Drop>
    void follow(Submission committed, Drop drop);
    // Those of which all that was to leave has left.
    std::vector<DeadLetterAnswer> take_answers();

    // ---- A large message is taken again whole, or not at all.
    // Whether this letter was, and if not why.
    void note_judged(const DeadLetter& letter, const std::optional<std::string>& why) {
        judged_ = Judged{letter.part ? letter : DeadLetter{}, why};
        judged_.letter.batch = {};
    }
    // What was said of the part before it; nullptr: it is the first that is found of its message.
    const std::optional<std::string>* judged_before(const DeadLetter& letter) const {
        const bool follows = judged_.letter.is_of_same_message(letter) &&
                             judged_.letter.part->index + 1 == letter.part->index;
        return follows ? &judged_.why : nullptr;
    }

    // An earlier start of this agent may have handed out a copy of it already.
    bool is_of_earlier_start(DeadLetterId id) const { return id <= last_at_start_; }

  private:
    struct Leaving {
        DeadLetterId id;
        std::vector<std::shared_ptr<Custody>> copies;
        std::optional<Submission> with;  // its end is in there
        bool gone = false;
    };
    struct Answering {
        DeadLetterAnswer answer;
        std::vector<DeadLetterId> awaits;
    };
    struct Judged {
        DeadLetter letter;  // a part
        std::optional<std::string> why;
    };
    const DeadLetterId last_at_start_;
    std::deque<DeadLetterRequest> waiting_;
    std::optional<DeadLetterRequest> asked_;
    std::vector<Leaving> leaving_;
    std::vector<Answering> answering_;
    Judged judged_;  // last
};

template <class Drop>
void DeadLetters::follow(Submission committed, Drop drop) {
    for (Leaving& one : leaving_) {
        if (one.with) {
            one.gone = one.gone || committed >= *one.with;
            continue;
        }
        const bool safe = std::all_of(one.copies.begin(), one.copies.end(),
                                      [](const auto& copy) { return copy->safe(); });
        if (!safe) continue;
        const bool went_with_it =
            one.copies.size() == 1 && one.copies.front()->place == Custody::Place::journaled;
        if (went_with_it)
            one.gone = true;
        else
            one.with = drop(one.id);
        one.copies.clear();
    }
}

}  // namespace bus::core
