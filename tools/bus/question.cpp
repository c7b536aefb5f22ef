#include "question.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "attachment.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string answer_to(const Attachment& attachment, const Json& request) {
    const Connection bus{attachment.connect_options()};
    if (auto answer = bus.control(request.dump(), attachment.connect_timeout())) return *answer;
    throw Failure(ExitCode::no_agent, fmt::format("{}. It answers its own user and root only",
                                                  attachment.nobody_answers().what()));
}

}  // namespace

Json answer_of_agent(const Attachment& attachment, const Json& request) {
    return Json::parse(answer_to(attachment, request));
}

Json ask_agent(const Attachment& attachment, const Json& request) {
    const Json answer = answer_of_agent(attachment, request);
    if (!answer.at("ok").get<bool>())
        throw Failure(ExitCode::failed, answer.at("reason").get<std::string>());
    return answer.at(request.at("request").get<std::string>());
}

}  // namespace bus::cli
