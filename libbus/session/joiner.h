// Joins the parts of large messages. Parts of one message come in order, those
// of several may be mixed. After crashes a run of them may come again: the
// message is made once, and both copies are decided together. Memory grows with what has come,
// never with what a part announces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "wire/batch.h"
#include "wire/local.h"

namespace bus::session {

// A large message, whole, and the deliveries it came in.
struct Joined {
    struct Piece {
        std::uint64_t tag = 0;
        std::uint32_t index = 0;
    };
    std::string channel;
    std::vector<std::byte> headers;
    std::vector<std::byte> payload;
    std::vector<Piece> pieces;
    bool redelivered = false;  // any of its parts
};

class Joiner {
  public:
    // What is larger than that is rejected.
    explicit Joiner(std::uint64_t whole_bytes_max = wire::message_bytes_max)
        : whole_bytes_max_(whole_bytes_max) {}

    // One verified part. Yields the message when it is the last one.
    std::shared_ptr<Joined> add(const wire::BatchHeader& header, const wire::MessageView& part,
                                Joined::Piece piece, bool redelivered);
    // A part came damaged: the whole message is rejected.
    void spoil(const wire::BatchHeader& header, Joined::Piece piece, std::string_view reason);
    // Verdicts on parts that never become a message.
    std::vector<wire::Ack> take_rulings() { return std::exchange(rulings_, {}); }
    void clear() {
        unfinished_.clear();
        finished_.clear();
    }
    std::size_t unfinished() const noexcept { return unfinished_.size(); }

  private:
    struct Unfinished {
        std::shared_ptr<Joined> message;  // null: spoilt, the rest is rejected as it comes
        wire::Part first;
        std::uint32_t next = 0;
        std::string reason;
    };
    using Key = std::pair<ProducerId, std::uint64_t>;

    Unfinished* find_or_begin(const Key& key, const wire::Part& part);
    std::string too_large(const wire::Part& part) const;
    static std::string_view mismatch(const Unfinished& message, const wire::Part& part,
                                     const wire::MessageView& view);
    static void append(Unfinished& message, const wire::BatchHeader& header,
                       const wire::MessageView& part, Joined::Piece piece, bool redelivered);
    void turn_away(const wire::BatchHeader& header, Joined::Piece piece);
    void remember(const Key& key);
    void cut_short(const Key& key, Joined::Piece piece);
    void give_up(Unfinished& message, wire::Verdict verdict, std::string_view reason);
    void rule(const Joined::Piece& piece, wire::Verdict verdict, std::string_view reason);

    const std::uint64_t whole_bytes_max_;
    std::map<Key, Unfinished> unfinished_;
    std::deque<Key> finished_;  // the latest that were joined, limits::unfinished_max of them
    std::vector<wire::Ack> rulings_;
};

}  // namespace bus::session
