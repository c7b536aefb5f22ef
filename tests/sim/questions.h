// What apps ask each other by requests, and what they are told: judges that
// nobody is told that a request was not carried out when it was, that no responder
// gets one twice unmarked or too late, and that answers go to who asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace bus::sim {

using QuestionId = std::uint64_t;

class Questions {
  public:
    struct Question {
        std::uint64_t instance = 0;  // of the app that asks
        int host = -1;
        std::string service;
        Time deadline{};
        bool to_all = false;
        bool probe = false;  // must be answered
    };
    QuestionId add(Question question);

    // A responder at that host has it.
    void on_asked(QuestionId id, int host, bool redelivered, Time now);
    // It had not begun.
    void on_given_back(QuestionId id);
    // `error`: what an agent says in the responder's place; empty: the answer to question `of`.
    void on_answer(QuestionId id, std::uint64_t instance, QuestionId of, std::string_view error);
    // No probe is without an answer.
    void check_probes() const;

  private:
    struct Asked {
        Question question;
        std::uint32_t unmarked = 0;  // hand-outs
        std::uint32_t begun = 0;     // responders that did not give it back
        bool answered = false;
        std::string denied;  // somebody said so: it was not carried out
    };
    Asked& at(QuestionId id);
    std::string describe(QuestionId id) const;

    std::vector<Asked> all_;
};

}  // namespace bus::sim
