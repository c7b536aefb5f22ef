// What each subscriber of a topic must be told of gaps: kept beside what it was
// told, and judged. A gap that is reported where nothing is missing is as wrong
// as one that is not reported.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "book.h"

namespace bus::sim {

class Gaps {
  public:
    explicit Gaps(const Book& book) : book_(book) {}

    struct Span {
        std::uint32_t first = 0, count = 0;
        std::uint32_t announced = 0;  // what need not come by itself counts as well
    };
    // These messages of that batch came to `consumer`, which stands at `place`.
    // `calm`: neither crash nor session event has struck, so nothing that is missing may be late.
    void pass(PlaceId place, std::uint64_t consumer, const wire::BatchHeader& header,
              const Span& came, bool calm);
    // Of a large message that was announced no more will come than before that part.
    void end_early(std::uint64_t consumer, const wire::BatchHeader& part);
    // With a message of that batch the consumer is told that `missed` should have come before.
    void tell(std::uint64_t consumer, const wire::BatchHeader& header, std::uint64_t missed);

  private:
    using Key = std::tuple<std::uint64_t, ProducerId, std::string, wire::Lane>;
    struct Watched {
        std::uint64_t next = 0;     // beyond the highest that came or was announced
        std::uint64_t came = 0;     // beyond the highest that came
        std::uint64_t missing = 0;  // all that did not come before something later did
        std::uint64_t told = 0;
    };
    static Key key_of(std::uint64_t consumer, const wire::BatchHeader& header) {
        return {consumer, header.producer, std::string{header.channel}, header.lane};
    }
    void require_lost(PlaceId place, const wire::BatchHeader& header, std::uint64_t at) const;

    const Book& book_;
    std::map<Key, Watched> watched_;
};

}  // namespace bus::sim
