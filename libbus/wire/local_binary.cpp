// Receipts and acknowledgements: the control frames that are many.
//
// Both: type u8, version u8, record length u16, record count u32; receipts go on with
// safe_through u64. Records may be longer than this version's; the rest of each is skipped.
#include "base/assert.h"
#include "wire/envelope.h"
#include "wire/local.h"

namespace bus::wire {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint16_t receipt_bytes = 16;
constexpr std::size_t head_bytes = 8;

static_assert(head_bytes + 8 + receipts_per_frame_max * receipt_bytes <= control_bytes_max);
static_assert(head_bytes + acks_per_frame_max * ack_bytes <= control_bytes_max);

void write_head(Writer& out, FrameType type, std::size_t record_bytes, std::size_t count) {
    out.u8(static_cast<std::uint8_t>(type));
    out.u8(version);
    out.u16(static_cast<std::uint16_t>(record_bytes));
    out.u32(static_cast<std::uint32_t>(count));
}

struct Head {
    std::size_t record_bytes = 0;
    std::size_t count = 0;
};
Expected<Head, Reject> read_head(Reader& in, FrameType type, std::size_t record_bytes_min) {
    const auto found = in.u8();
    const auto found_version = in.u8();
    Head head{.record_bytes = in.u16(), .count = in.u32()};
    if (!in.ok() || found != static_cast<std::uint8_t>(type)) return Unexpected{Reject::malformed};
    if (found_version != version) return Unexpected{Reject::bad_version};
    if (head.record_bytes < record_bytes_min) return Unexpected{Reject::malformed};
    return head;
}

std::optional<Receipt> read_receipt(Reader& in) {
    Receipt receipt;
    receipt.number = in.u64();
    const auto stage = in.u8();
    const auto fate = in.u8();
    receipt.destinations = in.u16();
    if (stage > static_cast<std::uint8_t>(Stage::consumed) ||
        fate > static_cast<std::uint8_t>(Fate::unknown))
        return std::nullopt;
    receipt.stage = static_cast<Stage>(stage);
    receipt.fate = static_cast<Fate>(fate);
    return receipt;
}

std::optional<Ack> read_ack(Reader& in, std::size_t& reason_bytes) {
    Ack ack;
    ack.tag = in.u64();
    ack.first = in.u32();
    ack.count = in.u32();
    const auto verdict = in.u8();
    ack.through = (in.u8() & ack_flag::through) != 0;
    reason_bytes = in.u16();
    ack.delay_millis = in.u32();
    if (verdict > static_cast<std::uint8_t>(Verdict::extend) || ack.count == 0 ||
        ack.first + ack.count < ack.first || reason_bytes > reject_reason_bytes_max)
        return std::nullopt;
    ack.verdict = static_cast<Verdict>(verdict);
    if (ack.through && ack.verdict != Verdict::ack) return std::nullopt;
    return ack;
}

}  // namespace

std::vector<std::byte> encode_receipts(const Receipts& receipts) {
    BUS_ASSERT(receipts.records.size() <= receipts_per_frame_max);
    std::vector<std::byte> bytes;
    bytes.reserve(head_bytes + 8 + receipts.records.size() * receipt_bytes);
    Writer out{bytes};
    write_head(out, FrameType::receipts, receipt_bytes, receipts.records.size());
    out.u64(receipts.safe_through);
    for (const auto& record : receipts.records) {
        out.u64(record.number);
        out.u8(static_cast<std::uint8_t>(record.stage));
        out.u8(static_cast<std::uint8_t>(record.fate));
        out.u16(record.destinations);
        out.u32(0);
    }
    return bytes;
}

Expected<Receipts, Reject> decode_receipts(Bytes frame) {
    Reader in{frame};
    const auto head = read_head(in, FrameType::receipts, receipt_bytes);
    if (!head) return Unexpected{head.error()};
    if (head->count > receipts_per_frame_max) return Unexpected{Reject::malformed};
    Receipts receipts;
    receipts.safe_through = in.u64();
    for (std::size_t i = 0; i < head->count; ++i) {
        Reader record{in.bytes(head->record_bytes)};
        const auto receipt = read_receipt(record);
        if (!in.ok() || !receipt) return Unexpected{Reject::malformed};
        receipts.records.push_back(*receipt);
    }
    if (!in.exhausted()) return Unexpected{Reject::malformed};
    return receipts;
}

std::vector<std::byte> encode_acks(std::span<const Ack> acks) {
    BUS_ASSERT(acks.size() <= acks_per_frame_max);
    std::vector<std::byte> bytes;
    bytes.reserve(head_bytes + acks.size() * ack_bytes);
    Writer out{bytes};
    write_head(out, FrameType::acks, ack_bytes, acks.size());
    for (const auto& ack : acks) {
        const auto reason = std::string_view{ack.reason}.substr(0, reject_reason_bytes_max);
        out.u64(ack.tag);
        out.u32(ack.first);
        out.u32(ack.count);
        out.u8(static_cast<std::uint8_t>(ack.verdict));
        out.u8(ack.through ? ack_flag::through : 0);
        out.u16(static_cast<std::uint16_t>(reason.size()));
        out.u32(ack.delay_millis);
        out.bytes(as_bytes(reason));
    }
    BUS_ASSERT(bytes.size() <= control_bytes_max);
    return bytes;
}

Expected<std::vector<Ack>, Reject> decode_acks(Bytes frame) {
    Reader in{frame};
    const auto head = read_head(in, FrameType::acks, ack_bytes);
    if (!head) return Unexpected{head.error()};
    if (head->count > acks_per_frame_max) return Unexpected{Reject::malformed};
    std::vector<Ack> acks;
    for (std::size_t i = 0; i < head->count; ++i) {
        Reader record{in.bytes(head->record_bytes)};
        std::size_t reason_bytes = 0;
        auto ack = read_ack(record, reason_bytes);
        const Bytes reason = in.bytes(reason_bytes);
        if (!in.ok() || !ack) return Unexpected{Reject::malformed};
        ack->reason = as_text(reason);
        acks.push_back(std::move(*ack));
    }
    if (!in.exhausted()) return Unexpected{Reject::malformed};
    return acks;
}

}  // namespace bus::wire
