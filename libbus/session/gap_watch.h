// Notices when messages of one producer on one channel and lane are missing, or
// late: each batch says what its first message's place in the channel is.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>

#include "base/id.h"
#include "wire/batch.h"

namespace bus::session {

class GapWatch {
  public:
    struct Passed {
        std::uint64_t missing = 0;  // before them
        bool late = false;          // later ones of their mode came before them
    };
    // Messages [channel_sequence, +count) of the batch came. The first of a producer and channel
    // begins the count; what comes again or late is no gap.
    Passed pass(const wire::BatchHeader& batch, std::uint64_t channel_sequence,
                std::uint32_t count) {
        return pass(batch, channel_sequence, count, count);
    }
    // The same, and up to [channel_sequence, +announced) what does not come is not missing.
    Passed pass(const wire::BatchHeader& batch, std::uint64_t channel_sequence, std::uint32_t count,
                std::uint32_t announced);

    // As many, or more, of that producer, channel and lane have passed.
    bool has_passed(const wire::BatchHeader& batch, std::uint64_t channel_sequence) const;

    // Less comes than was announced: behind what has come, the next is expected here.
    void take_back_to(const wire::BatchHeader& batch, std::uint64_t channel_sequence);

    // `count` of them came damaged: they are missing before the next ones that pass.
    void lose(const wire::BatchHeader& batch, std::uint64_t count);

  private:
    struct Key {
        ProducerId producer;
        std::uint64_t channel = 0;  // wire::channel_hash with the lane mixed in
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept {
            return std::hash<ProducerId>{}(key.producer) ^ static_cast<std::size_t>(key.channel);
        }
    };
    struct Watched {
        std::uint64_t next = 0;                  // expected: behind what came or was announced
        std::array<std::uint64_t, 2> came_of{};  // by mode: behind the highest that came
        std::uint64_t lost = 0;
        std::list<Key>::iterator place;
    };
    static Key key_of(const wire::BatchHeader& batch);
    Watched& begin(const Key& key);

    std::unordered_map<Key, Watched, Hash> watched_;
    std::list<Key> recent_;  // latest first; beyond limits::watched_keys_max the last is forgotten
};

}  // namespace bus::session
