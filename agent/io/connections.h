// Which connection of a listening socket a peer came by, so that its end is
// known. libzmq tells a ROUTER nothing when a peer leaves; its monitor does,
// by descriptor, and ZMQ_SRCFD gives the descriptor of a received frame.
// Descriptors are used again at once, hence connections are numbered here.
//
// Monitor and messages travel by different ways. Two rules make up for it: an
// unknown peer is bound only after the monitor was drained (its acceptance is
// in there), and an end counts only after the socket was read until nothing
// was left (all that was sent before the end has been seen then). One case
// stays ambiguous, a silent connection and its successor on the same
// descriptor within one turn; then bind() reports who was wrongly bound, and
// the worst is a session that says hello again.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace bus::io {

class Connections {
  public:
    using Owner = std::uint64_t;

    void on_accepted(int fd);
    void on_disconnected(int fd);
    // The peer `owner` sent its first frame by `fd`. Returns who was bound to that connection
    // before and so must be gone.
    std::optional<Owner> bind(int fd, Owner owner);
    // Whose connections have ended; each once. To be called when the socket was read empty after
    // the monitor was drained.
    std::vector<Owner> take_ended();

    std::size_t open() const noexcept { return open_.size(); }
    template <class Visit>
    void each_open(Visit visit) const {
        for (const auto& [fd, number] : open_) visit(fd);
    }
    bool has_ended() const noexcept { return !ended_.empty(); }

  private:
    using Number = std::uint64_t;
    Number last_ = 0;
    std::unordered_map<int, Number> open_;    // by descriptor
    std::unordered_map<int, Number> newest_;  // by descriptor, open or not; at most RLIMIT_NOFILE
    std::unordered_map<Number, Owner> owners_;
    std::vector<Number> ended_;
};

}  // namespace bus::io
