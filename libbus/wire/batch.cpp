#include "wire/batch.h"

#include <xxhash.h>

#include <array>

#include "base/assert.h"

namespace bus::wire {
namespace {

constexpr std::uint32_t magic = 0x31535542;  // "BUS1"
constexpr std::uint8_t version = 1;
constexpr std::size_t fixed_length = 80;
constexpr std::size_t checksum_offset = 72;
constexpr std::uint16_t section_part = 1;
constexpr std::size_t section_head = 4;
constexpr std::size_t part_length = 24;
constexpr std::size_t message_prefix = 8;  // length and checksum

std::uint32_t header_checksum(const std::byte* header, std::size_t length) {
    // The checksum field counts as zero; hash around it.
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    static constexpr std::array<std::byte, 4> zero{};
    XXH3_64bits_update(&state, header, checksum_offset);
    XXH3_64bits_update(&state, zero.data(), zero.size());
    XXH3_64bits_update(&state, header + checksum_offset + 4, length - checksum_offset - 4);
    return static_cast<std::uint32_t>(XXH3_64bits_digest(&state));
}

Expected<std::optional<Part>, Reject> decode_sections(Bytes sections) {
    std::optional<Part> part;
    Reader in{sections};
    while (in.ok() && in.left() > 0) {
        const auto type = in.u16();
        const Bytes raw = in.bytes(in.u16());
        if (!in.ok()) return Unexpected{Reject::malformed};
        if (type != section_part) continue;  // of a later version
        Reader fields{raw};
        part = Part{.first_sequence = fields.u64(),
                    .index = fields.u32(),
                    .total = fields.u32(),
                    .total_bytes = fields.u64()};
        if (!fields.ok() || part->total == 0 || part->index >= part->total)
            return Unexpected{Reject::malformed};
    }
    return part;
}

}  // namespace

std::size_t encoded_header_length(const BatchHeader& header) {
    return fixed_length + header.channel.size() + (header.part ? section_head + part_length : 0);
}

void encode_header(const BatchHeader& h, std::byte* out) {
    const auto length = encoded_header_length(h);
    BUS_ASSERT(h.channel.size() <= channel_bytes_max);
    store(out, magic);
    store(out + 4, version);
    store(out + 5, h.kind);
    store(out + 6, h.lane);
    store(out + 7, h.mode);
    store(out + 8, h.flags);
    store(out + 10, static_cast<std::uint16_t>(length));
    store(out + 12, h.message_count);
    store(out + 16, h.producer.words[0]);
    store(out + 24, h.producer.words[1]);
    store(out + 32, h.sequence);
    store(out + 40, h.channel_sequence);
    store(out + 48, h.created_micros);
    store(out + 56, h.ttl_millis);
    store(out + 64, h.body_length);
    store(out + 68, static_cast<std::uint32_t>(h.channel.size()));  // u8 and three reserved bytes
    store(out + 76, std::uint32_t{0});
    std::memcpy(out + fixed_length, h.channel.data(), h.channel.size());
    if (h.part) {
        std::byte* at = out + fixed_length + h.channel.size();
        store(at, section_part);
        store(at + 2, static_cast<std::uint16_t>(part_length));
        store(at + 4, h.part->first_sequence);
        store(at + 12, h.part->index);
        store(at + 16, h.part->total);
        store(at + 20, h.part->total_bytes);
    }
    store(out + checksum_offset, header_checksum(out, length));
}

Expected<BatchHeader, Reject> decode_batch(Bytes batch, Body body) {
    if (batch.size() < fixed_length) return Unexpected{Reject::malformed};
    const std::byte* in = batch.data();
    if (load<std::uint32_t>(in) != magic) return Unexpected{Reject::malformed};
    if (load<std::uint8_t>(in + 4) != version) return Unexpected{Reject::bad_version};
    BatchHeader h;
    h.header_length = load<std::uint16_t>(in + 10);
    const auto channel_length = load<std::uint8_t>(in + 68);
    if (h.header_length < fixed_length + channel_length || h.header_length > batch.size() ||
        h.header_length > batch_header_bytes_max)
        return Unexpected{Reject::malformed};
    if (load<std::uint32_t>(in + checksum_offset) != header_checksum(in, h.header_length))
        return Unexpected{Reject::bad_checksum};

    const auto kind = load<std::uint8_t>(in + 5);
    const auto lane = load<std::uint8_t>(in + 6);
    const auto mode = load<std::uint8_t>(in + 7);
    if (kind > 2 || lane >= lane_count || mode > 1) return Unexpected{Reject::malformed};
    h.kind = static_cast<Kind>(kind);
    h.lane = static_cast<Lane>(lane);
    h.mode = static_cast<Mode>(mode);
    h.flags = load<std::uint16_t>(in + 8);
    h.message_count = load<std::uint32_t>(in + 12);
    h.producer = ProducerId{{load<std::uint64_t>(in + 16), load<std::uint64_t>(in + 24)}};
    h.sequence = load<std::uint64_t>(in + 32);
    h.channel_sequence = load<std::uint64_t>(in + 40);
    h.created_micros = load<std::uint64_t>(in + 48);
    h.ttl_millis = load<std::uint64_t>(in + 56);
    h.body_length = load<std::uint32_t>(in + 64);
    h.channel = as_text(batch.subspan(fixed_length, channel_length));
    const auto sections = decode_sections(
        batch.subspan(fixed_length + channel_length, h.header_length - fixed_length - channel_length));
    if (!sections) return Unexpected{sections.error()};
    h.part = *sections;

    if (h.part.has_value() != ((h.flags & batch_flag::part) != 0)) return Unexpected{Reject::malformed};
    if (h.message_count == 0 || h.producer.is_zero() || h.sequence == 0 || h.channel_sequence == 0)
        return Unexpected{Reject::malformed};
    if (h.part && h.message_count != 1) return Unexpected{Reject::malformed};
    if (h.body_length > batch_body_bytes_max) return Unexpected{Reject::too_large};
    if (h.body_length < std::uint64_t{h.message_count} * message_overhead)
        return Unexpected{Reject::malformed};
    const std::size_t present = batch.size() - h.header_length;
    if (body == Body::whole ? present != h.body_length : present > h.body_length)
        return Unexpected{Reject::malformed};
    if (!is_channel(h.channel) && !h.channel.starts_with("$bus.")) return Unexpected{Reject::bad_name};
    return h;
}

std::uint32_t message_checksum(Bytes after_checksum, std::uint64_t sequence) noexcept {
    return static_cast<std::uint32_t>(
        XXH3_64bits_withSeed(after_checksum.data(), after_checksum.size(), sequence));
}

void encode_message(std::byte* at, std::uint64_t sequence, Bytes headers, Bytes payload) {
    const std::size_t length = 2 + headers.size() + payload.size();
    store(at, static_cast<std::uint32_t>(length));
    std::byte* rest = at + message_prefix;
    store(rest, static_cast<std::uint16_t>(headers.size()));
    if (!headers.empty()) std::memcpy(rest + 2, headers.data(), headers.size());
    if (!payload.empty()) std::memcpy(rest + 2 + headers.size(), payload.data(), payload.size());
    store(at + 4, message_checksum({rest, length}, sequence));
}

std::optional<MessageView> MessageWalk::next() noexcept {
    if (rest_.empty() || malformed_) return std::nullopt;
    malformed_ = true;  // until proven otherwise
    if (rest_.size() < message_overhead) return std::nullopt;
    const std::size_t length = load<std::uint32_t>(rest_.data());
    if (length < 2 || length > rest_.size() - message_prefix) return std::nullopt;
    const Bytes content = rest_.subspan(message_prefix, length);
    const std::size_t headers = load<std::uint16_t>(content.data());
    if (headers > length - 2) return std::nullopt;
    malformed_ = false;

    MessageView view{.sequence = sequence_,
                     .headers = content.subspan(2, headers),
                     .payload = content.subspan(2 + headers),
                     .encoded = rest_.first(message_prefix + length),
                     .intact = true};
    if (check_ == Check::checksum)
        view.intact =
            load<std::uint32_t>(rest_.data() + 4) == message_checksum(content, sequence_);
    rest_ = rest_.subspan(message_prefix + length);
    ++sequence_;
    return view;
}

bool is_well_formed(Bytes body, std::uint32_t count) noexcept {
    MessageWalk walk{body, 0, MessageWalk::Check::form};
    std::uint32_t found = 0;
    while (walk.next()) ++found;
    return !walk.malformed() && found == count;
}

void seal(std::span<std::byte> batch) {
    const auto decoded = decode_batch(batch);
    BUS_ASSERT(decoded.has_value());
    std::byte* at = batch.data() + decoded->header_length;
    for (std::uint32_t i = 0; i < decoded->message_count; ++i) {
        const std::size_t length = load<std::uint32_t>(at);
        store(at + 4, message_checksum({at + message_prefix, length}, decoded->sequence + i));
        at += message_prefix + length;
    }
    const auto flags =
        static_cast<std::uint16_t>(decoded->flags & ~unsigned{batch_flag::unsealed});
    store(batch.data() + 8, flags);
    store(batch.data() + checksum_offset, header_checksum(batch.data(), decoded->header_length));
}

Bytes cut_body(Bytes body, std::uint32_t first, std::uint32_t count) noexcept {
    std::size_t begin = 0;
    for (std::uint32_t i = 0; i < first; ++i)
        begin += message_prefix + load<std::uint32_t>(body.data() + begin);
    std::size_t end = begin;
    for (std::uint32_t i = 0; i < count; ++i)
        end += message_prefix + load<std::uint32_t>(body.data() + end);
    return body.subspan(begin, end - begin);
}

void append_header(std::vector<std::byte>& out, std::string_view key, std::string_view value) {
    Writer writer{out};
    writer.text8(key);
    writer.text16(value);
}

std::optional<HeaderField> HeaderWalk::next() noexcept {
    if (!reader_.ok() || reader_.left() == 0) return std::nullopt;
    const auto key = reader_.text8();
    const auto value = reader_.text16();
    if (!reader_.ok()) return std::nullopt;
    return HeaderField{key, value};
}

std::optional<std::string_view> find_header(Bytes headers, std::string_view key) noexcept {
    HeaderWalk walk{headers};
    while (const auto field = walk.next())
        if (field->key == key) return field->value;
    return std::nullopt;
}

}  // namespace bus::wire
