// The threads of a Service: one of them waits for the next request, the others
// work on theirs.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bus/request.h"
#include "bus/subscription.h"

namespace bus::client {

class Responders {
  public:
    using Handler = std::function<std::string(const Message&)>;

    Responders(Consumer consumer, Handler handler, unsigned threads);
    ~Responders() { close(); }

    void close() noexcept;
    bool is_open() const noexcept { return consumer_.is_open(); }
    std::string why() const { return consumer_.why(); }

  private:
    void work();
    std::string answer_to(Delivery& request) const;

    Consumer consumer_;
    std::mutex turn_;  // whose it is to wait for a request
    const Handler handler_;
    std::vector<std::thread> threads_;
};

}  // namespace bus::client
