// Runs the user's callbacks, never under a lock and never on the thread that
// owns the socket: on the user's executor, or on a thread of its own that
// starts with the first callback.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace bus::client {

class Callbacks {
  public:
    using Task = std::function<void()>;
    explicit Callbacks(std::function<void(Task)> executor) : executor_(std::move(executor)) {}
    ~Callbacks() { finish(); }

    // Any thread. After finish(): on the caller's thread, at once.
    void run(Task task);
    // Runs what is left and ends the thread. From a callback, does not wait for itself.
    void finish() noexcept;

  private:
    struct Queue {
        std::mutex mutex;
        std::condition_variable filled;
        std::deque<Task> tasks;
        bool finished = false;
    };
    static void work(std::shared_ptr<Queue> queue);

    const std::function<void(Task)> executor_;
    std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
    std::thread worker_;
};

}  // namespace bus::client
