// A sequence of mostly no more than N elements, which are kept in it, without an allocation; more
// than that are kept in a vector. For what nearly every message has one of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace bus {

// T is made and assigned like a number: a T{} stands where there is none.
template <class T, std::size_t N>
class Few {
  public:
    using value_type = T;

    Few() = default;
    Few(std::initializer_list<T> elements) {
        for (const T& element : elements) push_back(element);
    }
    Few(const Few&) = default;
    Few& operator=(const Few&) = default;
    // What was moved from is empty.
    Few(Few&& other) noexcept
        : few_(std::move(other.few_)),
          many_(std::move(other.many_)),
          size_(std::exchange(other.size_, 0)) {}
    Few& operator=(Few&& other) noexcept {
        few_ = std::move(other.few_);
        many_ = std::move(other.many_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    ~Few() = default;

    void push_back(T element) {
        if (size_ == N)
            many_.assign(std::move_iterator(few_.begin()), std::move_iterator(few_.end()));
        if (size_ < N)
            few_[size_] = std::move(element);
        else
            many_.push_back(std::move(element));
        ++size_;
    }
    void clear() { *this = {}; }
    void reserve(std::size_t size) {
        if (size > N) many_.reserve(size);
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T* data() { return size_ > N ? many_.data() : few_.data(); }
    const T* data() const { return size_ > N ? many_.data() : few_.data(); }
    T* begin() { return data(); }
    const T* begin() const { return data(); }
    T* end() { return data() + size_; }
    const T* end() const { return data() + size_; }
    T& operator[](std::size_t at) { return data()[at]; }
    const T& operator[](std::size_t at) const { return data()[at]; }
    T& front() { return *begin(); }
    const T& front() const { return *begin(); }
    T& back() { return end()[-1]; }
    const T& back() const { return end()[-1]; }

    friend bool operator==(const Few& one, const Few& other) {
        return std::equal(one.begin(), one.end(), other.begin(), other.end());
    }

  private:
    std::array<T, N> few_{};
    std::vector<T> many_;  // all of them, if they are more than N
    std::size_t size_ = 0;
};

}  // namespace bus
