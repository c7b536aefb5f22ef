// What the programs of the fault tests send each other: a message says which run of which producer
// it is from, its index there and its size; the rest of it follows from these, so that whoever gets
// one can tell whether every byte is as it was sent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace bus::fault {

struct Content {
    std::uint64_t run = 0, index = 0, size = 0;
};

// splitmix64: every bit of the result depends on every bit of `x`.
inline std::uint64_t scrambled(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

// Writes the message over `bytes`. Requires: content.size >= sizeof(Content).
inline void write_content(const Content& content, std::string& bytes) {
    bytes.resize(content.size);
    std::memcpy(bytes.data(), &content, sizeof content);
    std::uint64_t word = scrambled(content.run) ^ scrambled(content.index);
    for (std::size_t at = sizeof content; at < bytes.size(); at += sizeof word) {
        word = word * 6364136223846793005ull + 1442695040888963407ull;
        std::memcpy(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at));
    }
}

// nullopt: this is not what anybody sent. `scratch`: its memory is used again.
inline std::optional<Content> read_content(std::string_view bytes, std::string& scratch) {
    Content content;
    if (bytes.size() < sizeof content) return std::nullopt;
    std::memcpy(&content, bytes.data(), sizeof content);
    if (content.size != bytes.size()) return std::nullopt;
    write_content(content, scratch);
    return scratch == bytes ? std::optional{content} : std::nullopt;
}

}  // namespace bus::fault
