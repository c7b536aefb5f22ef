#include "questions.h"

#include <fmt/format.h>

#include "expiries.h"
#include "trace.h"
#include "wire/standard_headers.h"

namespace bus::sim {

QuestionId Questions::add(Question question) {
    all_.push_back({.question = std::move(question), .denied = {}});
    return all_.size();
}

Questions::Asked& Questions::at(QuestionId id) {
    if (id == 0 || id > all_.size())
        throw Broken("requests: as asked", "a request that nobody made");
    return all_[id - 1];
}

std::string Questions::describe(QuestionId id) const {
    const Question& question = all_[id - 1].question;
    return fmt::format("request {} of host {} to {}", id, question.host, question.service);
}

// Nobody knows how long it has been on a link; one that comes marked may have come back by one.
void Questions::on_asked(QuestionId id, int host, bool redelivered, Time now) {
    Asked& asked = at(id);
    ++asked.begun;
    const bool same_host = asked.question.host == host;
    if (same_host && !redelivered && now > asked.question.deadline + Expiries::tolerance)
        throw Broken("requests: none is carried out too late", describe(id));
    if (!asked.denied.empty())
        throw Broken("requests: what was not carried out is not carried out",
                     fmt::format("{} was answered with {}", describe(id), asked.denied));
    if (redelivered || asked.question.to_all) return;
    if (++asked.unmarked > 1)
        throw Broken("requests: all hand-outs but one are marked", describe(id));
}

void Questions::on_given_back(QuestionId id) { --at(id).begun; }

void Questions::on_answer(QuestionId id, std::uint64_t instance, QuestionId of,
                          std::string_view error) {
    Asked& asked = at(id);
    if (asked.question.instance != instance)
        throw Broken("requests: answers go to who asked", describe(id));
    if (error.empty()) {
        if (of != id) throw Broken("requests: answers go to who asked", describe(of));
        asked.answered = true;
        return;
    }
    if (asked.question.probe && error == wire::request_error::busy)
        asked.answered = true;  // beyond a limit it is told so
    else if (asked.question.probe)
        throw Broken("requests: answered where there are responders",
                     fmt::format("{}: {}", describe(id), error));
    if (error == wire::request_error::responder_lost) return;
    if (asked.begun > 0)
        throw Broken("requests: what was carried out is not denied",
                     fmt::format("{} is answered with {}", describe(id), error));
    asked.denied = error;
}

void Questions::check_probes() const {
    for (QuestionId id = 1; id <= all_.size(); ++id)
        if (all_[id - 1].question.probe && !all_[id - 1].answered)
            throw Broken("requests: answered where there are responders", describe(id));
}

}  // namespace bus::sim
