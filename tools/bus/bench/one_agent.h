// The bus within one host as a path: a private agent without any link.
#pragma once

#include <filesystem>

#include "bench/path.h"
#include "bench/private_agent.h"

namespace bus::bench {

class OneAgent final : public Path {
  public:
    // Starts it.
    OneAgent(const std::filesystem::path& folder, const std::filesystem::path& executable,
             std::uint64_t journal_bytes_max, int interruption);

    std::unique_ptr<Process> start_producer(const Load& load) override;
    std::unique_ptr<Process> start_consumer(const Load& load) override;
    std::vector<const Process*> middle() const override { return {&agent_.process()}; }
    void next_channel() override { ++channel_; }

  private:
    PrivateAgent agent_;
    unsigned channel_ = 0;
};

}  // namespace bus::bench
