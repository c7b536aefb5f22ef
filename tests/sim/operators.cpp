#include "operators.h"

namespace bus::sim {

using namespace std::chrono_literals;

void Operators::order(Host& host, core::SubscriptionOrder order, Told told, Done done) {
    attempt(std::make_shared<Task>(Task{host, std::move(order), std::move(told), std::move(done)}));
}

void Operators::attempt(const std::shared_ptr<Task>& task) {
    Host& host = task->host;
    if (!host.is_up() || host.is_stopping())
        return timeline_.after(50ms, [this, task] { attempt(task); });
    const auto change = host.order(task->order);
    if (task->told) task->told(change);
    await(task, host.starts(), change.stored_by);
}

void Operators::await(const std::shared_ptr<Task>& task, std::uint64_t starts,
                      core::Submission change) {
    timeline_.after(10ms, [this, task, starts, change] {
        const Host& host = task->host;
        if (!host.is_up() || host.starts() != starts) return attempt(task);
        if (!host.has_stored(change)) return await(task, starts, change);
        if (task->done) task->done();
    });
}

}  // namespace bus::sim
