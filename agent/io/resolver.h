// Looks up host names on threads of its own: libzmq would do it on its I/O
// thread and stall every other socket meanwhile (FACTS trap F). A thread is
// started for a question that would have to wait for a slow one before it, up
// to a bound; at the end they are left behind rather than waited for, because
// nobody can call getaddrinfo off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/endpoint.h"

namespace bus::io {

class Resolver {
  public:
    struct Answer {
        std::uint32_t ticket = 0;
        TcpEndpoint name;                    // that was asked for
        std::vector<TcpEndpoint> addresses;  // numeric; empty: `error` says why
        std::string error;
    };

    // Slow names that others need not wait for.
    static constexpr std::size_t threads_max = 8;
    using LookUp = std::function<Answer(std::uint32_t ticket, const TcpEndpoint& name)>;

    // `look_up` runs on several threads at once.
    explicit Resolver(LookUp look_up = ask_the_system);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // The answer comes later, with the same ticket and name.
    void ask(std::uint32_t ticket, const TcpEndpoint& name);
    int fd() const noexcept;  // readable while there are answers
    std::vector<Answer> take();

    static Answer ask_the_system(std::uint32_t ticket, const TcpEndpoint& name);

  private:
    struct Shared;
    static void answer_questions(std::shared_ptr<Shared> shared);

    const std::shared_ptr<Shared> shared_;
};

}  // namespace bus::io
