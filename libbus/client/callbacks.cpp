#include "client/callbacks.h"

namespace bus::client {

void Callbacks::run(Task task) {
    if (executor_) return executor_(std::move(task));
    {
        std::lock_guard lock{queue_->mutex};
        if (!queue_->finished) {
            queue_->tasks.push_back(std::move(task));
            if (!worker_.joinable()) worker_ = std::thread{work, queue_};
            queue_->filled.notify_one();
            return;
        }
    }
    task();
}

void Callbacks::finish() noexcept {
    {
        std::lock_guard lock{queue_->mutex};
        queue_->finished = true;
        queue_->filled.notify_one();
    }
    if (!worker_.joinable()) return;
    if (worker_.get_id() == std::this_thread::get_id())
        worker_.detach();
    else
        worker_.join();
}

void Callbacks::work(std::shared_ptr<Queue> queue) {
    std::unique_lock lock{queue->mutex};
    for (;;) {
        queue->filled.wait(lock, [&] { return queue->finished || !queue->tasks.empty(); });
        if (queue->tasks.empty()) return;
        Task task = std::move(queue->tasks.front());
        queue->tasks.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

}  // namespace bus::client
