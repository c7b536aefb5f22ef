// What is asked of the agent on its admin socket.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>

namespace bus::cli {

struct Attachment;

// The answer under the request's name. `request`: an object with "request" and its arguments.
// Throws Failure: nobody answers, or the agent says why not.
nlohmann::ordered_json ask_agent(const Attachment& attachment,
                                 const nlohmann::ordered_json& request);
// The same over one connection, for who asks often.
class AgentTalk {
  public:
    explicit AgentTalk(const Attachment& attachment);
    ~AgentTalk();
    AgentTalk(const AgentTalk&) = delete;
    AgentTalk& operator=(const AgentTalk&) = delete;
    nlohmann::ordered_json ask(const nlohmann::ordered_json& request) const;

  private:
    struct Line;
    const std::unique_ptr<Line> line_;
};

// The whole answer; "ok" says whether the agent did what was asked. Throws Failure: nobody answers.
nlohmann::ordered_json answer_of_agent(const Attachment& attachment,
                                       const nlohmann::ordered_json& request);

}  // namespace bus::cli
