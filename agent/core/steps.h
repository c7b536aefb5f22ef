// What becomes of batches, step by step, for those who look on (bus-tap). While
// nobody does, a step costs a branch; while somebody does it is noted as far as
// there is room, and counted beyond: looking on holds up nobody.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/effects.h"

namespace bus::core {

class Steps {
  public:
    // So many steps have room until they are taken. Nobody looks: none are counted either.
    void begin(std::size_t room) {
        is_on_ = true;
        room_ = room;
    }
    void end() {
        is_on_ = false;
        steps_.clear();
        missed_ = 0;
    }
    bool is_on() const { return is_on_; }

    // `make` returns the Event, where there is room for it.
    template <class Make>
    void note(Make make) {
        if (is_on_) [[unlikely]]
            keep(make);
    }

    std::vector<Event> take() { return std::exchange(steps_, {}); }
    std::uint64_t take_missed() { return std::exchange(missed_, 0); }

  private:
    // Out of the way of those who only ask.
    template <class Make>
    [[gnu::noinline, gnu::cold]] void keep(Make& make) {
        if (steps_.size() < room_)
            steps_.push_back(make());
        else
            ++missed_;
    }

    bool is_on_ = false;
    std::size_t room_ = 0;
    std::vector<Event> steps_;
    std::uint64_t missed_ = 0;
};

}  // namespace bus::core
