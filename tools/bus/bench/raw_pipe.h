// The raw libzmq pipe: the same processes, the same frames, CURVE in the middle
// unless it is within one host, and no guarantees. What the bus could reach at the most.
#pragma once

#include <filesystem>
#include <string>

#include "bench/curve_keys.h"
#include "bench/path.h"

namespace bus::bench {

class RawPipe final : public Path {
  public:
    enum class Reach { two_hosts, one_host };
    // Sockets go to `folder`, the link to loopback.
    RawPipe(Reach reach, const std::filesystem::path& folder, int interruption);

    std::unique_ptr<Process> start_producer(const Load& load) override;
    std::unique_ptr<Process> start_consumer(const Load& load) override;
    std::vector<const Process*> middle() const override;
    // A new pipe: what the last one's ends have left in it is gone.
    void next_channel() override;

  private:
    RawPipe(Reach reach, const std::filesystem::path& folder, int interruption,
            const CurveKeys& keys);
    std::string ipc(const std::string& name) const;
    std::unique_ptr<Process> start(const char* name, const Load& load, const std::string& local,
                                   const std::string& link = {});

    const Reach reach_;
    const std::filesystem::path folder_;
    const int interruption_;
    const std::string public_key_, secret_key_;
    unsigned channel_ = 0;
    std::vector<std::unique_ptr<Process>> middle_;
};

}  // namespace bus::bench
