#include "bench/raw_pipe.h"

#include <fmt/format.h>

#include "bench/loopback.h"

namespace bus::bench {

using namespace std::chrono_literals;

RawPipe::RawPipe(Reach reach, const std::filesystem::path& folder, int interruption)
    : RawPipe(reach, folder, interruption, curve_keys()) {}

RawPipe::RawPipe(Reach reach, const std::filesystem::path& folder, int interruption,
                 const CurveKeys& keys)
    : reach_(reach),
      folder_(folder),
      interruption_(interruption),
      public_key_(keys.public_key),
      secret_key_(keys.secret_key) {}

std::string RawPipe::ipc(const std::string& name) const {
    return fmt::format("ipc://{}/{}{}", folder_.string(), name, channel_);
}

std::unique_ptr<Process> RawPipe::start(const char* name, const Load& load,
                                        const std::string& local, const std::string& link) {
    return start_role({.name = name,
                       .size = load.size,
                       .single = load.single,
                       .local = ipc(local),
                       .link = link,
                       .public_key = link.empty() ? "" : public_key_,
                       .secret_key = link.empty() ? "" : secret_key_});
}

void RawPipe::next_channel() {
    ++channel_;
    middle_.clear();
    const auto add = [this](const char* role, const char* local, const std::string& link) {
        middle_.push_back(start(role, {}, local, link));
        middle_.back()->hear(10s, interruption_);
    };
    if (reach_ == Reach::one_host) return add("raw-relay", "a", ipc("b"));
    const std::string link = free_loopback_endpoint();
    add("raw-listener", "b", link);
    add("raw-dialler", "a", link);
}

std::unique_ptr<Process> RawPipe::start_producer(const Load& load) {
    return start(load.request ? "raw-requester" : "raw-producer", load, "a");
}
std::unique_ptr<Process> RawPipe::start_consumer(const Load& load) {
    return start(load.request ? "raw-responder" : "raw-consumer", load, "b");
}
std::vector<const Process*> RawPipe::middle() const {
    std::vector<const Process*> all;
    for (const auto& one : middle_) all.push_back(one.get());
    return all;
}

}  // namespace bus::bench
