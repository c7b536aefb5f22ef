#include "io/connections.h"

namespace bus::io {

void Connections::on_accepted(int fd) { open_[fd] = newest_[fd] = ++last_; }

void Connections::on_disconnected(int fd) {
    const auto found = open_.find(fd);
    if (found == open_.end()) return;
    ended_.push_back(found->second);
    open_.erase(found);
}

std::optional<Connections::Owner> Connections::bind(int fd, Owner owner) {
    const auto newest = newest_.find(fd);
    if (newest == newest_.end()) return std::nullopt;  // ends by its silence, or at the next send
    std::optional<Owner> before;
    if (const auto found = owners_.find(newest->second); found != owners_.end())
        before = found->second;
    owners_[newest->second] = owner;
    if (!open_.contains(fd)) ended_.push_back(newest->second);
    return before;
}

std::vector<Connections::Owner> Connections::take_ended() {
    std::vector<Owner> gone;
    for (const Number number : ended_) {
        const auto found = owners_.find(number);
        if (found == owners_.end()) continue;
        gone.push_back(found->second);
        owners_.erase(found);
    }
    ended_.clear();
    return gone;
}

}  // namespace bus::io
