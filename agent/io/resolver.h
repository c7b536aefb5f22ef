// Looks up host names on a thread of its own: libzmq would do it on its I/O
// thread and stall every other socket meanwhile (FACTS trap F). The thread
// starts with the first question; at the end it is left behind rather than
// waited for, because nobody can call getaddrinfo off.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/endpoint.h"

namespace bus::io {

class Resolver {
  public:
    struct Answer {
        std::uint32_t ticket = 0;
        std::vector<TcpEndpoint> addresses;  // numeric; empty: `error` says why
        std::string error;
    };

    Resolver();
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // The answer comes later, with the same ticket; questions are answered in turn.
    void ask(std::uint32_t ticket, const TcpEndpoint& name);
    int fd() const noexcept;  // readable while there are answers
    std::vector<Answer> take();

  private:
    struct Shared;
    const std::shared_ptr<Shared> shared_;
    bool started_ = false;
};

}  // namespace bus::io
