// Messages that could not be delivered: kept whole, with their reason and
// where they were bound for, until somebody decides. The table dead_letter.
#pragma once

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

class DeadLetters {
  public:
    explicit DeadLetters(Database& database);
    void load(std::uint64_t count, std::uint64_t bytes) noexcept;

    // Within a transaction. Burying the same messages again is harmless. Where the bytes are asked
    // of the batch's own row and that is damaged, nothing is kept: whoever reads it names the loss.
    [[nodiscard]] Status bury(const core::Bury& bury);

    // Within a transaction. The oldest go until the rest has no more bytes than that.
    [[nodiscard]] Status keep_within(std::uint64_t bytes_max);

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    // Messages that keep_within() let go.
    std::uint64_t dropped() const noexcept { return dropped_; }

  private:
    std::uint64_t count_ = 0, bytes_ = 0, dropped_ = 0;
    Status insert(const core::Bury& bury, Bytes bytes);
    Statement insert_, fetch_, oldest_, delete_;
};

}  // namespace bus::journal
