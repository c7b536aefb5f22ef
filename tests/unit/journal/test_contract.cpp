// SQLite's journal keeps the contract of all journals.
#include "../journal_contract.h"
#include "temporary_journal.h"

namespace bus::journal_contract {

BUS_JOURNAL_CONTRACT(journal::TemporaryJournal);

}  // namespace bus::journal_contract
