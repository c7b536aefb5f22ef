#include "io/resolver.h"

#include <netdb.h>
#include <sys/eventfd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/assert.h"
#include "base/unique_fd.h"

namespace bus::io {

struct Resolver::Shared {
    struct Question {
        std::uint32_t ticket = 0;
        TcpEndpoint name;
    };
    explicit Shared(LookUp with) : look_up(std::move(with)) {}
    const LookUp look_up;
    std::mutex mutex;
    std::condition_variable asked;
    std::size_t threads = 0, idle = 0;
    std::deque<Question> questions;
    std::vector<Answer> answers;
    bool over = false;
    // Signals `answers`.
    UniqueFd ready{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
};

namespace {

std::string numeric_host(const addrinfo& info) {
    char text[NI_MAXHOST];
    const int failed =
        ::getnameinfo(info.ai_addr, info.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    return failed == 0 ? text : "";
}

}  // namespace

Resolver::Answer Resolver::ask_the_system(std::uint32_t ticket, const TcpEndpoint& name) {
    Answer answer{.ticket = ticket, .name = name, .addresses = {}, .error = {}};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(name.host.c_str(), nullptr, &hints, &found); failed != 0) {
        answer.error = ::gai_strerror(failed);
        return answer;
    }
    for (const addrinfo* info = found; info != nullptr; info = info->ai_next)
        if (auto host = numeric_host(*info); !host.empty())
            answer.addresses.push_back({.host = std::move(host), .port = name.port});
    ::freeaddrinfo(found);
    if (answer.addresses.empty()) answer.error = "the name has no address";
    return answer;
}

Resolver::Resolver(LookUp look_up) : shared_(std::make_shared<Shared>(std::move(look_up))) {
    BUS_ASSERT(shared_->ready);
}

Resolver::~Resolver() {
    const std::lock_guard lock{shared_->mutex};
    shared_->over = true;
    shared_->asked.notify_all();
}

void Resolver::ask(std::uint32_t ticket, const TcpEndpoint& name) {
    const std::lock_guard lock{shared_->mutex};
    shared_->questions.push_back({.ticket = ticket, .name = name});
    shared_->asked.notify_one();
    if (shared_->questions.size() <= shared_->idle || shared_->threads == threads_max) return;
    ++shared_->threads;
    std::thread{answer_questions, shared_}.detach();
}

void Resolver::answer_questions(std::shared_ptr<Shared> shared) {
    for (;;) {
        std::unique_lock lock{shared->mutex};
        ++shared->idle;
        shared->asked.wait(lock, [&] { return shared->over || !shared->questions.empty(); });
        --shared->idle;
        if (shared->over) return;
        const Shared::Question question = std::move(shared->questions.front());
        shared->questions.pop_front();
        lock.unlock();
        Answer answer = shared->look_up(question.ticket, question.name);
        lock.lock();
        shared->answers.push_back(std::move(answer));
        BUS_ASSERT(::eventfd_write(shared->ready.get(), 1) == 0);
    }
}

int Resolver::fd() const noexcept { return shared_->ready.get(); }

std::vector<Resolver::Answer> Resolver::take() {
    const std::lock_guard lock{shared_->mutex};
    eventfd_t count = 0;
    (void)::eventfd_read(shared_->ready.get(), &count);  // EAGAIN: there are none
    return std::exchange(shared_->answers, {});
}

}  // namespace bus::io
