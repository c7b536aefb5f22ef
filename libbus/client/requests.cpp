#include "client/requests.h"

#include "wire/names.h"

namespace bus::client {

void Requests::set_address(const AgentId& agent, const ProducerId& producer) {
    address_ = wire::reply_address(agent, producer);
}

void Requests::add(Request request, Time due) {
    request->id = ++last_id_;
    if (due != never) due_.emplace(due, last_id_);
    waiting_.emplace(last_id_, Waiting{std::move(request), due});
}

Requests::Request Requests::find(std::uint64_t id) const {
    const auto found = waiting_.find(id);
    return found == waiting_.end() ? nullptr : found->second.request;
}

void Requests::remove(std::uint64_t id) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    due_.erase({found->second.due, id});
    waiting_.erase(found);
}

std::vector<Requests::Request> Requests::take_due(Time now) {
    std::vector<Request> taken;
    while (next_deadline() <= now) {
        const auto id = due_.begin()->second;
        taken.push_back(find(id));
        remove(id);
    }
    return taken;
}

std::vector<Requests::Request> Requests::take_all() {
    std::vector<Request> taken;
    for (auto& [id, waiting] : waiting_) taken.push_back(std::move(waiting.request));
    waiting_.clear();
    due_.clear();
    return taken;
}

}  // namespace bus::client
