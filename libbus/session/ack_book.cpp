#include "session/ack_book.h"

#include <algorithm>
#include <utility>

namespace bus::session {
namespace {

bool continues(const wire::Ack& last, const wire::Ack& next) {
    return last.tag == next.tag && last.first + last.count == next.first &&
           last.verdict == next.verdict && last.delay_millis == next.delay_millis &&
           last.reason == next.reason && !last.through && !next.through;
}

}  // namespace

void AckBook::add(wire::Ack&& ack) {
    messages_ += ack.count;
    if (!records_.empty() && continues(records_.back(), ack))
        records_.back().count += ack.count;
    else
        records_.push_back(std::move(ack));
}

void AckBook::clear() noexcept {
    records_.clear();
    messages_ = 0;
}

std::vector<wire::Ack> AckBook::take_records() {
    messages_ = 0;
    return std::exchange(records_, {});
}

std::vector<std::vector<std::byte>> AckBook::take_frames() {
    constexpr std::size_t records_bytes_max = wire::control_bytes_max - 64;
    std::vector<std::vector<std::byte>> frames;
    std::size_t from = 0, bytes = 0;
    const auto flush = [&](std::size_t to) {
        if (to == from) return;
        frames.push_back(wire::encode_acks(std::span{records_}.subspan(from, to - from)));
        from = to;
        bytes = 0;
    };
    for (std::size_t i = 0; i < records_.size(); ++i) {
        const std::size_t size =
            wire::ack_bytes + std::min(records_[i].reason.size(), wire::reject_reason_bytes_max);
        if (bytes + size > records_bytes_max || i - from == wire::acks_per_frame_max) flush(i);
        bytes += size;
    }
    flush(records_.size());
    clear();
    return frames;
}

}  // namespace bus::session
