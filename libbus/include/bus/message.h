// What a user sends and what a user gets: bytes, with headers beside them.
// Everything here is a view; who owns the bytes is said where the view is handed out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/export.h"

namespace bus {

// The bytes to publish: text, a string literal (without its final zero) or any contiguous bytes.
// Only looked at during the call it is passed to.
class Payload {
  public:
    Payload() = default;
    Payload(std::string_view text) noexcept
        : bytes_(reinterpret_cast<const std::byte*>(text.data()), text.size()) {}
    Payload(const std::string& text) noexcept : Payload(std::string_view{text}) {}
    Payload(const char* text) noexcept : Payload(std::string_view{text}) {}
    Payload(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    Payload(const std::vector<std::byte>& bytes) noexcept : bytes_(bytes) {}

    std::span<const std::byte> bytes() const noexcept { return bytes_; }

  private:
    std::span<const std::byte> bytes_;
};

// Of three lanes: a message overtakes waiting ones of lower priority, which do not starve. Order
// holds within a priority.
enum class Priority { high, normal, low };
BUS_EXPORT const char* to_text(Priority priority) noexcept;

// A pair that travels beside the payload. Key: 1 to 255 bytes; value: 65,535 at most; all headers
// of a message together: 8 KiB. The standard keys: content-type, correlation-id, reply-to, key,
// traceparent.
struct Header {
    std::string_view key;
    std::string_view value;
};

// A message that came in. The views in it live as long as the Delivery it came with, or as the
// callback it is an argument of.
class BUS_EXPORT Message {
  public:
    struct Parts {  // what libbus builds it from; `headers` are encoded
        std::string_view channel;
        std::span<const std::byte> headers, payload;
        std::array<std::uint64_t, 2> producer{};
        std::uint64_t sequence = 0;
        std::uint64_t created_micros = 0;
        Priority priority = Priority::normal;
    };
    Message() = default;
    explicit Message(const Parts& parts) noexcept : parts_(parts) {}

    std::string_view channel() const noexcept { return parts_.channel; }
    std::span<const std::byte> bytes() const noexcept { return parts_.payload; }
    std::string_view payload() const noexcept {
        return {reinterpret_cast<const char*>(parts_.payload.data()), parts_.payload.size()};
    }
    // The first header with this key.
    std::optional<std::string_view> header(std::string_view key) const noexcept;
    std::vector<Header> headers() const;

    // "<producer, 32 hex digits>/<sequence>": the same on every host and for every copy.
    std::string id() const;
    const std::array<std::uint64_t, 2>& producer() const noexcept { return parts_.producer; }
    // Counts all messages of its producer.
    std::uint64_t sequence() const noexcept { return parts_.sequence; }
    // Microseconds since 1970 on the producer's clock; for people, hosts' clocks may differ.
    std::uint64_t created_micros() const noexcept { return parts_.created_micros; }
    Priority priority() const noexcept { return parts_.priority; }

  private:
    Parts parts_;
};

}  // namespace bus
