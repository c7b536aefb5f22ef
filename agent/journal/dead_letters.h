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

    // Within a transaction. Burying the same messages again is harmless.
    [[nodiscard]] Status bury(const core::Bury& bury);

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    std::uint64_t count_ = 0, bytes_ = 0;
    Statement insert_;
};

}  // namespace bus::journal
