// Messages that could not be delivered: kept whole, with their reason and
// where they were bound for, until somebody decides. The table dead_letter.
#pragma once

#include <vector>

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

// A FindDeadLetters on its way, in slices, so that a search through many does not keep commits
// waiting.
struct DeadLetterSearch {
    explicit DeadLetterSearch(core::FindDeadLetters asked) : scanned(asked.filter.after) {
        found.request = std::move(asked);
    }
    core::DeadLettersFound found;
    core::DeadLetterId scanned;  // those up to here have been looked at
    std::uint64_t bytes = 0;
    // Where ids are asked for: they, and the other parts of the large messages of which they are
    // parts. Known once `expanded`.
    std::vector<core::DeadLetterId> ids;
    bool expanded = false;
};

class DeadLetters {
  public:
    explicit DeadLetters(Database& database);
    [[nodiscard]] Status load(std::uint64_t count, std::uint64_t bytes);

    // Within a transaction. Burying the same messages again is harmless. Where the bytes are asked
    // of the batch's own row and that is damaged, nothing is kept: whoever reads it names the loss.
    [[nodiscard]] Status bury(const core::Bury& bury);
    // Within a transaction; harmless if it is gone.
    [[nodiscard]] Status drop(core::DeadLetterId id);
    // Within a transaction. The oldest go until the rest has no more bytes than that.
    [[nodiscard]] Status keep_within(std::uint64_t bytes_max);

    // One slice of it. true: it is finished. Otherwise, or if status() is not ok, it may be called
    // again.
    bool find_some(DeadLetterSearch& search);
    Status status() const noexcept { return status_; }

    // Messages, and bytes.
    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    // The highest id ever used.
    core::DeadLetterId last() const noexcept { return last_; }
    // Messages that keep_within() let go.
    std::uint64_t dropped() const noexcept { return dropped_; }

  private:
    Status insert(const core::Bury& bury, Bytes batch, std::string_view group);
    Status remove(core::DeadLetterId id, std::uint64_t count, std::uint64_t bytes);
    bool expand(DeadLetterSearch& search);
    bool find_by_id(DeadLetterSearch& search);
    bool find_in_order(DeadLetterSearch& search);
    bool is_enough(const DeadLetterSearch& search) const;
    bool take(DeadLetterSearch& search, core::DeadLetter letter);
    bool fetch(core::DeadLetter& letter);

    std::uint64_t count_ = 0, bytes_ = 0, dropped_ = 0;
    core::DeadLetterId last_;
    Status status_ = Status::ok;
    Statement insert_, fetch_row_, oldest_, size_, delete_;
    Statement last_ever_, inserted_;
    Statement scan_, one_, siblings_, parts_behind_, fetch_;
};

}  // namespace bus::journal
