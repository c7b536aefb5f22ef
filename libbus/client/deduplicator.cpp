#include "bus/deduplicator.h"

#include <algorithm>

namespace bus {
namespace {

constexpr std::uint64_t bits = 64;

std::uint64_t bit_of(std::uint64_t sequence) { return std::uint64_t{1} << (sequence % bits); }

}  // namespace

Deduplicator::Deduplicator(Bounds bounds)
    : bounds_{.producers = std::max<std::size_t>(bounds.producers, 1),
              .messages = std::max<std::size_t>(bounds.messages, 1)} {}
Deduplicator::~Deduplicator() = default;

Deduplicator::Seen& Deduplicator::seen_of(const ProducerId& producer) {
    const auto found = producers_.find(producer);
    if (found != producers_.end()) {
        recent_.splice(recent_.begin(), recent_, found->second.place);
        return found->second;
    }
    if (producers_.size() >= bounds_.producers) {
        producers_.erase(recent_.back());
        recent_.pop_back();
    }
    recent_.push_front(producer);
    Seen& seen = producers_[producer];
    seen.place = recent_.begin();
    return seen;
}

bool Deduplicator::first_time(const Message& message) {
    Seen& seen = seen_of(message.producer());
    const auto word = message.sequence() / bits;
    if (word < seen.forgotten_below) return true;
    std::uint64_t& messages = seen.words[word];
    if ((messages & bit_of(message.sequence())) != 0) return false;
    messages |= bit_of(message.sequence());
    if (seen.words.size() > bounds_.messages) {
        seen.forgotten_below = seen.words.begin()->first + 1;
        seen.words.erase(seen.words.begin());
    }
    return true;
}

void Deduplicator::forget(const Message& message) {
    const auto found = producers_.find(message.producer());
    if (found == producers_.end()) return;
    const auto word = found->second.words.find(message.sequence() / bits);
    if (word != found->second.words.end()) word->second &= ~bit_of(message.sequence());
}

}  // namespace bus
