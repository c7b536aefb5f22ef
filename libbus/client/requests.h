// The requests of a connection that wait for their replies, by the number that
// travels with each as its correlation id. Not thread-safe: the core locks.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "client/pending_request.h"

namespace bus::client {

class Requests {
  public:
    using Request = std::shared_ptr<PendingRequest>;

    // Requests of one connection that may wait at a time.
    static constexpr std::size_t most = 65'536;

    // Where replies go to: known with the first welcome.
    void set_address(const AgentId& agent, const ProducerId& producer);
    const std::string& address() const noexcept { return address_; }

    bool is_full() const noexcept { return waiting_.size() >= most; }
    // `due`: when it ends if nobody waits for it; `never`: somebody does, who sees to that.
    void add(Request request, Time due);
    // nullptr: it is over.
    Request find(std::uint64_t id) const;
    void remove(std::uint64_t id);

    Time next_deadline() const noexcept { return due_.empty() ? never : due_.begin()->first; }
    std::vector<Request> take_due(Time now);
    std::vector<Request> take_all();

  private:
    struct Waiting {
        Request request;
        Time due = never;
    };
    std::string address_;
    std::uint64_t last_id_ = 0;
    std::unordered_map<std::uint64_t, Waiting> waiting_;
    std::set<std::pair<Time, std::uint64_t>> due_;
};

}  // namespace bus::client
