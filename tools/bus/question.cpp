#include "question.h"

#include <nlohmann/json.hpp>

#include "attachment.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

Json answer_on(const Connection& bus, const Attachment& attachment, const Json& request) {
    if (const auto answer = bus.control(request.dump(), attachment.connect_timeout()))
        return Json::parse(*answer);
    throw attachment.nobody_answers("admin.sock");
}

// Under the request's name.
Json result_of(const Json& answer, const Json& request) {
    if (!answer.at("ok").get<bool>())
        throw Failure(ExitCode::failed, answer.at("reason").get<std::string>());
    return answer.at(request.at("request").get<std::string>());
}

}  // namespace

struct AgentTalk::Line {
    const Attachment& attachment;
    Connection bus;
};

AgentTalk::AgentTalk(const Attachment& attachment)
    : line_(std::make_unique<Line>(attachment, Connection{attachment.connect_options()})) {}
AgentTalk::~AgentTalk() = default;

Json AgentTalk::ask(const Json& request) const {
    return result_of(answer_on(line_->bus, line_->attachment, request), request);
}

Json answer_of_agent(const Attachment& attachment, const Json& request) {
    return answer_on(Connection{attachment.connect_options()}, attachment, request);
}

Json ask_agent(const Attachment& attachment, const Json& request) {
    return result_of(answer_of_agent(attachment, request), request);
}

}  // namespace bus::cli
