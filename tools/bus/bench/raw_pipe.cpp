#include "bench/raw_pipe.h"

#include <fmt/format.h>

#include "bench/loopback.h"

namespace bus::bench {

using namespace std::chrono_literals;

RawPipe::RawPipe(const std::filesystem::path& folder, int interruption)
    : RawPipe(folder, interruption, curve_keys()) {}

RawPipe::RawPipe(const std::filesystem::path& folder, int interruption, const CurveKeys& keys)
    : folder_(folder),
      interruption_(interruption),
      public_key_(keys.public_key),
      secret_key_(keys.secret_key) {}

std::unique_ptr<Process> RawPipe::start(const char* name, const Load& load,
                                        const std::string& local, const std::string& link) {
    return start_role({.name = name,
                       .size = load.size,
                       .single = load.single,
                       .local = fmt::format("ipc://{}/{}{}", folder_.string(), local, channel_),
                       .link = link,
                       .public_key = link.empty() ? "" : public_key_,
                       .secret_key = link.empty() ? "" : secret_key_});
}

void RawPipe::next_channel() {
    ++channel_;
    const std::string link = free_loopback_endpoint();
    listener_ = start("raw-listener", {}, "b", link);
    listener_->hear(10s, interruption_);
    dialler_ = start("raw-dialler", {}, "a", link);
    dialler_->hear(10s, interruption_);
}

std::unique_ptr<Process> RawPipe::start_producer(const Load& load) {
    return start("raw-producer", load, "a");
}
std::unique_ptr<Process> RawPipe::start_consumer(const Load& load) {
    return start("raw-consumer", load, "b");
}
std::vector<const Process*> RawPipe::middle() const { return {dialler_.get(), listener_.get()}; }

}  // namespace bus::bench
