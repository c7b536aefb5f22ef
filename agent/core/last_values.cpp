#include "core/last_values.h"

#include <utility>

#include "base/assert.h"
#include "limits.h"
#include "wire/batch.h"

namespace bus::core {

Batch last_message_of(const Batch& batch) {
    wire::BatchHeader header = batch.header();
    header.flags &= static_cast<std::uint16_t>(~unsigned{wire::batch_flag::want_arrived} &
                                               ~unsigned{wire::batch_flag::want_consumed});
    auto cut =
        OwnedBatch::make(wire::cut_batch(batch.bytes(), header, header.message_count - 1, 1));
    BUS_ASSERT(cut.has_value());
    return std::move(*cut);
}

void LastValues::recover(const PutLastValue& kept) {
    insert(std::string{kept.batch.header().channel}, {kept.batch, kept.expires_wall_micros});
}

void LastValues::put(Batch message, std::uint64_t expires_wall_micros) {
    const std::string channel{message.header().channel};
    changed_.insert(channel);
    insert(channel, {std::move(message), expires_wall_micros});
    while (values_.size() > limits::last_values_max || bytes_ > limits::last_values_bytes_max) {
        erase(values_.find(by_age_.front()));
        ++evicted_;
    }
}

void LastValues::insert(const std::string& channel, Value value) {
    const auto [at, is_new] = values_.try_emplace(channel);
    Kept& kept = at->second;
    if (is_new)
        kept.place = by_age_.insert(by_age_.end(), channel);
    else
        by_age_.splice(by_age_.end(), by_age_, kept.place);
    if (!is_new) bytes_ -= kept.value.batch.size();
    bytes_ += value.batch.size();
    kept.value = std::move(value);
}

LastValues::Values::iterator LastValues::erase(Values::iterator at) {
    changed_.insert(at->first);
    bytes_ -= at->second.value.batch.size();
    by_age_.erase(at->second.place);
    return values_.erase(at);
}

void LastValues::describe(const Changed& changed, std::vector<Change>& changes) const {
    for (const std::string& channel : changed) {
        if (const auto found = values_.find(channel); found != values_.end())
            changes.emplace_back(
                PutLastValue{found->second.value.batch, found->second.value.expires_wall_micros});
        else
            changes.emplace_back(DropLastValue{channel});
    }
}

}  // namespace bus::core
