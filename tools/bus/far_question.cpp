#include "far_question.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "failure.h"
#include "question.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds ask_again = 50ms;
constexpr std::chrono::milliseconds glance_max = 100ms;

Json request_of(const FarQuestion& question) {
    Json request{{"request", "ask"}, {"agent", question.agent}, {"what", question.what}};
    if (question.hops) request["hops"] = *question.hops;
    return request;
}

}  // namespace

FarQuestions::Asked FarQuestions::ask(const FarQuestion& question) const {
    const Json request = request_of(question);
    for (;;) {
        const Json answer = answer_of_agent(attachment_, request);
        Asked asked{.question = 0, .give_up = Clock::now() + patience_, .refused = {}};
        if (answer.at("ok").get<bool>())
            asked.question = answer.at("ask").at("question").get<std::uint64_t>();
        else if (answer.at("code") == "limit" && !interruption_.comes_within(ask_again))
            continue;
        else if (interruption_.asked())
            throw Interrupted{};
        else
            asked.refused = answer.at("reason").get<std::string>();
        return asked;
    }
}

std::optional<Json> FarQuestions::wait(const Asked& asked) const {
    for (auto glance = 1ms;; glance = std::min(2 * glance, glance_max)) {
        Json answer = ask_agent(attachment_, {{"request", "answer"}, {"question", asked.question}});
        if (answer.at("outcome") != "waiting") return answer;
        if (Clock::now() >= asked.give_up) return std::nullopt;
        if (interruption_.comes_within(glance)) throw Interrupted{};
    }
}

}  // namespace bus::cli
