// The last message of each topic that retains it: the table last_value. All of
// it is read at the start, and lives in the core's memory from then on.
#pragma once

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

class LastValues {
  public:
    explicit LastValues(Database& database);

    // Rows that fail their checksum are named: in `damage` for people, and for the core to drop.
    [[nodiscard]] Status load(core::Recovered& recovered);
    // Within the store's transaction.
    [[nodiscard]] Status put(const core::PutLastValue& put);
    [[nodiscard]] Status drop(const core::DropLastValue& drop);

  private:
    Statement put_, drop_, scan_;
};

}  // namespace bus::journal
