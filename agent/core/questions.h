// What this agent asks others over the links for people: how far away they are
// and how they are. A question is answered, or it grows old; the latest are kept
// until whoever asked has read them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/time.h"
#include "limits.h"
#include "wire/link_question.h"

namespace bus::core {

using QuestionId = StrongInt<struct QuestionTag>;

struct Question {
    using Outcome = wire::LinkAnswer::Outcome;
    struct Answer {
        Outcome outcome = Outcome::target;
        AgentId agent;     // who answered
        std::string name;  // its
        Duration round_trip{};
        std::string words;  // where it is not what was asked for: why
        std::optional<wire::Summary> summary;
    };
    QuestionId id;
    wire::Asked what = wire::Asked::presence;
    AgentId target;
    AgentId by;  // the neighbour it left to: only that one brings the answer
    Time asked{};
    std::uint64_t stamp = 0;  // it left as a KEEPALIVE with this echo; 0: as a QUERY
    std::optional<Answer> answer;
};

class Questions {
  public:
    // nullptr: so many are under way. Good until the next.
    [[nodiscard]] Question* put(Question question) {
        if (kept_.size() >= limits::questions_max) {
            const Question& oldest = kept_.front();
            if (!oldest.answer && question.asked - oldest.asked < limits::question_patience)
                return nullptr;
            kept_.pop_front();
        }
        return &kept_.emplace_back(std::move(question));
    }
    // nullptr: there is none, or none any more.
    const Question* find(QuestionId id) const {
        const auto found = std::find_if(kept_.begin(), kept_.end(),
                                        [&](const Question& each) { return each.id == id; });
        return found == kept_.end() ? nullptr : &*found;
    }
    // That `by` may answer. nullptr: it was answered, or never asked.
    Question* find_waiting(const AgentId& by, QuestionId id) {
        return find_waiting_if(
            [&](const Question& each) { return each.by == by && each.id == id; });
    }
    // That left to `by` as a KEEPALIVE.
    Question* find_stamped(const AgentId& by, std::uint64_t stamp) {
        return find_waiting_if(
            [&](const Question& each) { return each.by == by && each.stamp == stamp; });
    }

  private:
    template <class Condition>
    Question* find_waiting_if(Condition condition) {
        const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Question& each) {
            return !each.answer && condition(each);
        });
        return found == kept_.end() ? nullptr : &*found;
    }

    std::deque<Question> kept_;  // the oldest first
};

}  // namespace bus::core
