// The bus as a path: two private agents with an encrypted link between them,
// the producer's ("near", which dials) and the consumer's ("far", which listens).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "bench/path.h"
#include "bench/private_agent.h"

namespace bus::bench {

class AgentPair final : public Path {
  public:
    // Starts both.
    AgentPair(const std::filesystem::path& folder, const std::filesystem::path& executable,
              std::uint64_t journal_bytes_max, int interruption);

    std::unique_ptr<Process> start_producer(const Load& load) override;
    std::unique_ptr<Process> start_consumer(const Load& load) override;
    std::vector<const Process*> middle() const override;
    void next_channel() override { ++channel_; }

    PrivateAgent& near() noexcept { return near_; }
    PrivateAgent& far() noexcept { return far_; }
    // Returns once the near agent says that its link is up, or that it is not.
    void await_link(bool up);
    // Returns once neither agent has a message that is not settled.
    void await_settled();

  private:
    void await(const std::function<bool()>& condition, const char* what) const;
    std::unique_ptr<Process> start(const char* name, const Load& load, const PrivateAgent& at);

    const int interruption_;
    const std::string link_;
    PrivateAgent near_, far_;
    unsigned channel_ = 0;
};

// A producer or a consumer at that agent, on a channel of their own.
Role bus_role(const char* name, const Load& load, const PrivateAgent& at, unsigned channel);

}  // namespace bus::bench
