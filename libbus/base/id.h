// Ids are types: a producer's id cannot be passed where an agent's belongs.
// 128 random bits each, so that hosts need not agree on who hands them out.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bus {

template <class Tag>
struct Id128 {
    std::array<std::uint64_t, 2> words{};

    friend auto operator<=>(const Id128&, const Id128&) = default;
    bool is_zero() const noexcept { return words[0] == 0 && words[1] == 0; }
};

using ProducerId = Id128<struct ProducerTag>;
using AgentId = Id128<struct AgentTag>;

// 32 lower-case hexadecimal digits, the first word first, most significant digit first.
std::string id_text(const std::array<std::uint64_t, 2>& words);
std::optional<std::array<std::uint64_t, 2>> id_words(std::string_view text);

template <class Tag>
std::string to_text(const Id128<Tag>& id) {
    return id_text(id.words);
}

template <class Id>
std::optional<Id> id_from_text(std::string_view text) {
    const auto words = id_words(text);
    if (!words) return std::nullopt;
    return Id{*words};
}

// An integer that is only comparable with its own kind. Explicit both ways.
template <class Tag, class Value = std::uint64_t>
struct StrongInt {
    Value value{};

    constexpr StrongInt() = default;
    constexpr explicit StrongInt(Value v) : value(v) {}
    friend constexpr auto operator<=>(const StrongInt&, const StrongInt&) = default;
    constexpr StrongInt next() const { return StrongInt{static_cast<Value>(value + 1)}; }
};

}  // namespace bus

template <class Tag>
struct std::hash<bus::Id128<Tag>> {
    std::size_t operator()(const bus::Id128<Tag>& id) const noexcept {
        return static_cast<std::size_t>(id.words[0] ^ (id.words[1] * 0x9E3779B97F4A7C15ull));
    }
};

template <class Tag, class Value>
struct std::hash<bus::StrongInt<Tag, Value>> {
    std::size_t operator()(const bus::StrongInt<Tag, Value>& id) const noexcept {
        return std::hash<Value>{}(id.value);
    }
};
