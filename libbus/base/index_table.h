// Finds elements by hash. The elements live in an array of their owner's, and
// keep the keys: a place here is eight bytes, part of a hash and an index. Open
// addressing with linear probing; a removal closes its gap, so that nothing has
// to be swept up, and memory follows the number of elements both ways.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace bus {

class IndexTable {
  public:
    static constexpr std::uint32_t none = 0xffff'ffff;

    // The element with that hash of which `is_it(index)` holds; none: there is none.
    template <class IsIt>
    std::uint32_t find(std::uint32_t hash, IsIt is_it) const {
        if (size_ == 0) return none;
        for (std::size_t at = home(hash);; at = after(at)) {
            const Place& place = places_[at];
            if (place.index == none) return none;
            if (place.hash == hash && is_it(place.index)) return place.index;
        }
    }

    // Requires: it is not there.
    void insert(std::uint32_t hash, std::uint32_t index) {
        if ((size_ + 1) * 4 > places_.size() * 3) resize(std::max(smallest, places_.size() * 2));
        put({hash, index});
        ++size_;
    }

    // Requires: it is there.
    void erase(std::uint32_t hash, std::uint32_t index) {
        BUS_ASSERT(size_ > 0);
        std::size_t gap = home(hash);
        for (; places_[gap].index != index; gap = after(gap))
            BUS_ASSERT(places_[gap].index != none);
        for (std::size_t at = after(gap); places_[at].index != none; at = after(at)) {
            // What stands between its home and here may not stand before its home.
            const std::size_t from_home = distance(home(places_[at].hash), at);
            if (from_home < distance(gap, at)) continue;
            places_[gap] = places_[at];
            gap = at;
        }
        places_[gap] = {};
        if (--size_ * 8 < places_.size() && places_.size() > smallest) resize(places_.size() / 2);
    }

    std::size_t size() const { return size_; }
    std::size_t bytes() const { return places_.capacity() * sizeof(Place); }

  private:
    struct Place {
        std::uint32_t hash = 0;
        std::uint32_t index = none;
    };
    static constexpr std::size_t smallest = 16;  // places; always a power of two

    std::size_t home(std::uint32_t hash) const { return hash & (places_.size() - 1); }
    std::size_t after(std::size_t at) const { return (at + 1) & (places_.size() - 1); }
    std::size_t distance(std::size_t from, std::size_t to) const {
        return (to - from) & (places_.size() - 1);
    }
    void put(Place place) {
        std::size_t at = home(place.hash);
        while (places_[at].index != none) at = after(at);
        places_[at] = place;
    }
    void resize(std::size_t places) {
        const auto before = std::exchange(places_, std::vector<Place>(places));
        for (const Place& place : before)
            if (place.index != none) put(place);
    }

    std::vector<Place> places_;
    std::size_t size_ = 0;
};

}  // namespace bus
