// Elements of one type that are found by a small number, which one keeps for
// life. What is given back is taken again first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace bus {

template <class T>
class Pool {
  public:
    std::uint32_t take(T element) {
        if (!free_.empty()) {
            const std::uint32_t at = free_.back();
            free_.pop_back();
            elements_[at] = std::move(element);
            return at;
        }
        // Half as much again, not twice: what is not used is counted as well.
        if (elements_.size() == elements_.capacity())
            elements_.reserve(elements_.size() + elements_.size() / 2 + 8);
        elements_.push_back(std::move(element));
        return static_cast<std::uint32_t>(elements_.size() - 1);
    }
    void give_back(std::uint32_t at) {
        elements_[at] = T{};
        free_.push_back(at);
    }

    T& operator[](std::uint32_t at) { return elements_[at]; }
    const T& operator[](std::uint32_t at) const { return elements_[at]; }

    std::size_t used() const { return elements_.size() - free_.size(); }
    std::size_t size() const { return elements_.size(); }  // numbers given so far: used and free
    std::size_t bytes() const {
        return elements_.capacity() * sizeof(T) + free_.capacity() * sizeof(std::uint32_t);
    }

  private:
    std::vector<T> elements_;
    std::vector<std::uint32_t> free_;
};

}  // namespace bus
