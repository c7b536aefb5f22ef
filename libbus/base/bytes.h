// Little-endian reading and writing of raw bytes. A Reader never reads past
// its end: it yields zeros and remembers, so a decoder checks once, at the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/assert.h"

namespace bus {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
T load(const std::byte* from) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <class T>
void store(std::byte* to, T value) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(to, &value, sizeof value);
}

class Reader {
  public:
    explicit Reader(Bytes bytes) noexcept : rest_(bytes) {}

    std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
    std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
    std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
    std::uint64_t u64() noexcept { return number<std::uint64_t>(); }
    template <class Id>
    Id id() noexcept {
        Id id;
        id.words[0] = u64();
        id.words[1] = u64();
        return id;
    }
    Bytes bytes(std::size_t count) noexcept {
        if (count > rest_.size()) {
            short_ = true;
            rest_ = {};
            return {};
        }
        const Bytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    // A string behind its length in one byte; in two bytes.
    std::string_view text8() noexcept { return as_text(bytes(u8())); }
    std::string_view text16() noexcept { return as_text(bytes(u16())); }

    std::size_t left() const noexcept { return rest_.size(); }
    // Nothing was missing. exhausted(): and nothing is left over.
    bool ok() const noexcept { return !short_; }
    bool exhausted() const noexcept { return !short_ && rest_.empty(); }

  private:
    template <class T>
    T number() noexcept {
        const Bytes raw = bytes(sizeof(T));
        return raw.size() == sizeof(T) ? load<T>(raw.data()) : T{};
    }
    Bytes rest_;
    bool short_ = false;
};

class Writer {
  public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) {}

    void u8(std::uint8_t v) { number(v); }
    void u16(std::uint16_t v) { number(v); }
    void u32(std::uint32_t v) { number(v); }
    void u64(std::uint64_t v) { number(v); }
    template <class Id>
    void id(const Id& id) {
        u64(id.words[0]);
        u64(id.words[1]);
    }
    void bytes(Bytes raw) { out_.insert(out_.end(), raw.begin(), raw.end()); }
    // Requires: the text fits its length.
    void text8(std::string_view text) {
        BUS_ASSERT(text.size() <= 0xFF);
        u8(static_cast<std::uint8_t>(text.size()));
        bytes(as_bytes(text));
    }
    void text16(std::string_view text) {
        BUS_ASSERT(text.size() <= 0xFFFF);
        u16(static_cast<std::uint16_t>(text.size()));
        bytes(as_bytes(text));
    }

  private:
    template <class T>
    void number(T value) {
        const auto at = out_.size();
        out_.resize(at + sizeof value);
        store(out_.data() + at, value);
    }
    std::vector<std::byte>& out_;
};

}  // namespace bus
