#include "wire/batch.h"

#define XXH_INLINE_ALL  // seven nanoseconds a message instead of a call through the library
#include <xxhash.h>

#include <array>
#include <limits>

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

// Of the header with its checksum field counted as zero. At most batch_header_bytes_max long.
std::uint32_t header_checksum(const std::byte* header, std::size_t length) {
    std::array<std::byte, batch_header_bytes_max> copy;
    std::memcpy(copy.data(), header, length);
    store(copy.data() + checksum_offset, std::uint32_t{0});
    return static_cast<std::uint32_t>(XXH3_64bits(copy.data(), length));
}

Expected<Part, Reject> decode_part(Bytes section) {
    Reader in{section};
    const Part part{
        .first_sequence = in.u64(), .index = in.u32(), .total = in.u32(), .total_bytes = in.u64()};
    if (!in.ok() || part.first_sequence == 0 || part.index >= part.total)
        return Unexpected{Reject::malformed};
    if (part.total_bytes > message_bytes_max) return Unexpected{Reject::too_large};
    return part;
}

Expected<std::optional<Part>, Reject> decode_sections(Bytes sections) {
    std::optional<Part> found;
    Reader in{sections};
    while (in.left() > 0) {
        const auto type = in.u16();
        const Bytes raw = in.bytes(in.u16());
        if (!in.ok()) return Unexpected{Reject::malformed};
        if (type != section_part) continue;  // of a later version
        const auto part = decode_part(raw);
        if (!part) return Unexpected{part.error()};
        if (found) return Unexpected{Reject::malformed};
        found = *part;
    }
    return found;
}

// The fixed fields, as they stand; the checksum holds already.
Expected<BatchHeader, Reject> read_fields(const std::byte* in) {
    const auto kind = load<std::uint8_t>(in + 5);
    const auto lane = load<std::uint8_t>(in + 6);
    const auto mode = load<std::uint8_t>(in + 7);
    if (kind > 2 || lane >= lane_count || mode > 1) return Unexpected{Reject::malformed};
    return BatchHeader{
        .kind = static_cast<Kind>(kind),
        .mode = static_cast<Mode>(mode),
        .lane = static_cast<Lane>(lane),
        .flags = load<std::uint16_t>(in + 8),
        .message_count = load<std::uint32_t>(in + 12),
        .producer = ProducerId{{load<std::uint64_t>(in + 16), load<std::uint64_t>(in + 24)}},
        .sequence = load<std::uint64_t>(in + 32),
        .channel_sequence = load<std::uint64_t>(in + 40),
        .created_micros = load<std::uint64_t>(in + 48),
        .ttl_millis = load<std::uint64_t>(in + 56),
        .body_length = load<std::uint32_t>(in + 64),
        .channel = {},
        .part = {},
        .header_length = load<std::uint16_t>(in + 10)};
}

// A run of `count` that begins at `first` does not wrap.
bool counts(std::uint64_t first, std::uint32_t count) {
    return first != 0 && first <= std::numeric_limits<std::uint64_t>::max() - count;
}

// What must hold among the fields.
Reject verify(const BatchHeader& h) {
    const bool part = (h.flags & batch_flag::part) != 0;
    const bool abort = (h.flags & batch_flag::abort) != 0;
    if (h.part.has_value() != part || (abort && !part)) return Reject::malformed;
    if (h.part && (h.message_count != 1 || h.part->first_sequence > h.sequence))
        return Reject::malformed;
    if (h.message_count == 0 || h.producer.is_zero()) return Reject::malformed;
    if (!counts(h.sequence, h.message_count) || !counts(h.channel_sequence, h.message_count))
        return Reject::malformed;
    if (h.body_length > batch_body_bytes_max) return Reject::too_large;
    if (h.body_length < std::uint64_t{h.message_count} * message_overhead) return Reject::malformed;
    return is_channel(h.channel) || is_reserved(h.channel) ? Reject::none : Reject::bad_name;
}

}  // namespace

std::uint64_t order_hash(const BatchHeader& header) {
    const auto hash = channel_hash(header.kind, header.channel);
    if (header.group.empty()) return hash;
    return XXH3_64bits_withSeed(header.group.data(), header.group.size(), hash);
}

namespace {

// Where message `index` begins. Aborts where the body has no such message.
std::size_t offset_of(Bytes body, std::uint32_t index, std::size_t at = 0) noexcept {
    for (; index > 0; --index) {
        BUS_ASSERT(body.size() - at >= message_prefix);
        at += message_prefix + load<std::uint32_t>(body.data() + at);
        BUS_ASSERT(at <= body.size());
    }
    return at;
}

}  // namespace

std::size_t encoded_header_length(const BatchHeader& header) {
    return fixed_length + header.channel.size() + (header.part ? section_head + part_length : 0);
}

void encode_header(const BatchHeader& h, std::byte* out) {
    BUS_ASSERT(h.channel.size() <= channel_bytes_max);
    const auto length = encoded_header_length(h);
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
    const std::size_t length = load<std::uint16_t>(in + 10);
    const std::size_t channel_length = load<std::uint8_t>(in + 68);
    if (length < fixed_length + channel_length || length > batch.size() ||
        length > batch_header_bytes_max)
        return Unexpected{Reject::malformed};
    const auto checksum = load<std::uint32_t>(in + checksum_offset);
    const bool unsealed = (load<std::uint16_t>(in + 8) & batch_flag::unsealed) != 0;
    if (checksum != header_checksum(in, length) && !(unsealed && checksum == 0))
        return Unexpected{Reject::bad_checksum};

    auto header = read_fields(in);
    if (!header) return header;
    header->channel = as_text(batch.subspan(fixed_length, channel_length));
    const auto part = decode_sections(
        batch.subspan(fixed_length + channel_length, length - fixed_length - channel_length));
    if (!part) return Unexpected{part.error()};
    header->part = *part;
    if (const Reject reject = verify(*header); reject != Reject::none) return Unexpected{reject};
    const std::size_t present = batch.size() - length;
    if (body == Body::whole ? present != header->body_length : present > header->body_length)
        return Unexpected{Reject::malformed};
    return header;
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
        view.intact = load<std::uint32_t>(rest_.data() + 4) == message_checksum(content, sequence_);
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
    const auto header = decode_batch(batch);
    BUS_ASSERT(header.has_value());
    std::byte* at = batch.data() + header->header_length;
    BUS_ASSERT(is_well_formed({at, header->body_length}, header->message_count));
    for (std::uint32_t i = 0; i < header->message_count; ++i) {
        const std::size_t length = load<std::uint32_t>(at);
        store(at + 4, message_checksum({at + message_prefix, length}, header->sequence + i));
        at += message_prefix + length;
    }
    const unsigned flags = header->flags & ~unsigned{batch_flag::unsealed};
    store(batch.data() + 8, static_cast<std::uint16_t>(flags));
    store(batch.data() + checksum_offset, header_checksum(batch.data(), header->header_length));
}

Bytes cut_body(Bytes body, std::uint32_t first, std::uint32_t count) noexcept {
    const std::size_t begin = offset_of(body, first);
    return body.subspan(begin, offset_of(body, count, begin) - begin);
}

std::vector<std::byte> cut_batch(Bytes batch, const BatchHeader& header, std::uint32_t first,
                                 std::uint32_t count) {
    BUS_ASSERT(count > 0 && std::uint64_t{first} + count <= header.message_count);
    const std::size_t length = header.header_length;
    const Bytes messages = cut_body(batch.subspan(length), first, count);
    std::vector<std::byte> cut(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(length));
    store(cut.data() + 8, header.flags);
    store(cut.data() + 12, count);
    store(cut.data() + 32, header.sequence + first);
    store(cut.data() + 40, header.channel_sequence + first);
    store(cut.data() + 64, static_cast<std::uint32_t>(messages.size()));
    store(cut.data() + checksum_offset, header_checksum(cut.data(), length));
    cut.insert(cut.end(), messages.begin(), messages.end());
    return cut;
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
