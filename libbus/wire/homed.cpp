#include "wire/homed.h"

#include <array>
#include <charconv>

#include "wire/names.h"

namespace bus::wire {
namespace {

constexpr std::string_view address_prefix = "_homed.";
constexpr std::string_view address_suffix = " **";

enum class Type : std::uint8_t { attach = 1, attached = 2, ended = 3, acks = 4, detach = 5 };
constexpr std::uint8_t version = 1;
constexpr std::size_t reason_bytes_max = 1'000;

struct Encoder {
    Writer out;
    void begin(Type type, const AttachmentId& id) {
        out.u8(static_cast<std::uint8_t>(type));
        out.u8(version);
        out.u64(id.life);
        out.u64(id.number);
        out.u64(id.home);
    }
    void operator()(const Attach& frame) {
        begin(Type::attach, frame.id);
        out.u64(frame.acks);
        out.u32(frame.messages_max);
        out.u64(frame.bytes_max);
        out.u64(frame.ack_deadline_millis);
        out.u32(frame.rate);
        out.u8(frame.by_parts ? 1 : 0);
        out.text8(frame.queue);
    }
    void operator()(const Attached& frame) {
        begin(Type::attached, frame.id);
        out.u64(frame.given);
    }
    void operator()(const AttachmentEnded& frame) {
        begin(Type::ended, frame.id);
        out.u16(static_cast<std::uint16_t>(frame.code));
        out.text16(std::string_view{frame.reason}.substr(0, reason_bytes_max));
    }
    void operator()(const HomedAcks& frame) {
        begin(Type::acks, frame.id);
        out.u64(frame.count);
        out.bytes(encode_acks(frame.acks));
    }
    void operator()(const Detach& frame) {
        begin(Type::detach, frame.id);
        out.u8(frame.lost ? 1 : 0);
    }
};

// Fields may be added behind those that are known.
HomedFrame read_attach(const AttachmentId& id, Reader& in) {
    Attach frame{.id = id};
    frame.acks = in.u64();
    frame.messages_max = in.u32();
    frame.bytes_max = in.u64();
    frame.ack_deadline_millis = in.u64();
    frame.rate = in.u32();
    frame.by_parts = in.u8() != 0;
    frame.queue = in.text8();
    return frame;
}

HomedFrame read_ended(const AttachmentId& id, Reader& in) {
    AttachmentEnded frame{.id = id};
    frame.code = static_cast<Reject>(in.u16());
    frame.reason = in.text16();
    return frame;
}

std::optional<HomedFrame> read_acks(const AttachmentId& id, Reader& in) {
    HomedAcks frame{.id = id};
    frame.count = in.u64();
    auto acks = decode_acks(in.bytes(in.left()));
    if (!acks) return std::nullopt;
    frame.acks = std::move(*acks);
    return frame;
}

std::optional<HomedFrame> read_body(Type type, Reader& in) {
    AttachmentId id;
    id.life = in.u64();
    id.number = in.u64();
    id.home = in.u64();
    switch (type) {
        case Type::attach:
            return read_attach(id, in);
        case Type::attached:
            return Attached{id, in.u64()};
        case Type::ended:
            return read_ended(id, in);
        case Type::acks:
            return read_acks(id, in);
        case Type::detach:
            return Detach{id, in.u8() != 0};
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::byte> encode_homed(const HomedFrame& frame) {
    std::vector<std::byte> bytes;
    std::visit(Encoder{Writer{bytes}}, frame);
    return bytes;
}

Expected<HomedFrame, Reject> decode_homed(Bytes frame) {
    Reader in{frame};
    const auto type = static_cast<Type>(in.u8());
    if (in.u8() != version) return Unexpected{Reject::bad_version};
    auto read = read_body(type, in);
    if (!read || !in.ok()) return Unexpected{Reject::malformed};
    if (const auto* attach = std::get_if<Attach>(&*read))
        if (!is_channel(attach->queue) || attach->messages_max == 0 || attach->bytes_max == 0)
            return Unexpected{Reject::malformed};
    return std::move(*read);
}

std::size_t homed_ack_bytes(const Ack& ack) { return ack_bytes + ack.reason.size(); }

std::string homed_address(const HomedDelivery& delivery) {
    std::string text{address_prefix};
    for (const std::uint64_t part :
         {delivery.to.life, delivery.to.number, delivery.to.home, delivery.count,
          std::uint64_t{delivery.attempt}, std::uint64_t{delivery.redelivered ? 1u : 0u},
          delivery.lifetime_millis})
        text += std::to_string(part) + ".";
    text.pop_back();
    return text.append(address_suffix);
}

bool is_homed_address(std::string_view address) { return address.starts_with(address_prefix); }

std::optional<HomedDelivery> read_homed_address(std::string_view address) {
    if (!address.starts_with(address_prefix) || !address.ends_with(address_suffix))
        return std::nullopt;
    address.remove_prefix(address_prefix.size());
    address.remove_suffix(address_suffix.size());
    std::array<std::uint64_t, 7> parts{};
    const char* at = address.data();
    const char* const end = at + address.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && (at == end || *at++ != '.')) return std::nullopt;
        const auto read = std::from_chars(at, end, parts[i]);
        if (read.ec != std::errc{}) return std::nullopt;
        at = read.ptr;
    }
    if (at != end || parts[4] > 0xFFFF || parts[5] > 1) return std::nullopt;
    return HomedDelivery{.to = {parts[0], parts[1], parts[2]},
                         .count = parts[3],
                         .attempt = static_cast<std::uint16_t>(parts[4]),
                         .redelivered = parts[5] == 1,
                         .lifetime_millis = parts[6]};
}

}  // namespace bus::wire
