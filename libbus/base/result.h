// A value or the reason there is none, with std::expected's member names
// (g++ 12 has no std::expected in C++20).
#pragma once

#include <utility>
#include <variant>

#include "base/assert.h"

namespace bus {

template <class E>
struct Unexpected {
    E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

template <class T, class E>
class [[nodiscard]] Expected {
  public:
    Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Expected(Unexpected<E> unexpected)
        : state_(std::in_place_index<1>, std::move(unexpected.error)) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& value() & { return *checked(); }
    const T& value() const& { return *const_cast<Expected*>(this)->checked(); }
    T&& value() && { return std::move(*checked()); }
    T& operator*() & { return *checked(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return checked(); }
    const T* operator->() const { return &value(); }
    const E& error() const {
        BUS_ASSERT(state_.index() == 1);
        return *std::get_if<1>(&state_);
    }

  private:
    T* checked() {
        BUS_ASSERT(state_.index() == 0);
        return std::get_if<0>(&state_);
    }
    std::variant<T, E> state_;
};

}  // namespace bus
