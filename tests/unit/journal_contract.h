// What every journal owes the core, as test cases over a fixture. SQLite's
// (tests/unit/journal) and the simulator's fake (tests/sim) pass the same.
//
// A fixture is default-constructible and offers:
//   core::Recovered start();          opens the journal: a new one, or what stop() or crash() left
//   void submit(core::Transaction);
//   void read(core::ReadBack);
//   core::JournalAnswer next();       waits for the next answer; fails the test when none comes
//   void stop();                      orderly: what was submitted is committed
//   void crash();                     at once: what was not yet committed may be gone
// The whole contract is one line: BUS_JOURNAL_CONTRACT(MyFixture).
#pragma once

#include "journal_contract/channels.h"
#include "journal_contract/commits.h"
#include "journal_contract/dead_letters.h"
#include "journal_contract/entries.h"
#include "journal_contract/reading.h"
#include "journal_contract/registry.h"

#define BUS_JOURNAL_CONTRACT(Fixture)       \
    BUS_JOURNAL_CONTRACT_CHANNELS(Fixture); \
    BUS_JOURNAL_CONTRACT_COMMITS(Fixture);  \
    BUS_JOURNAL_CONTRACT_ENTRIES(Fixture);  \
    BUS_JOURNAL_CONTRACT_READING(Fixture);  \
    BUS_JOURNAL_CONTRACT_REGISTRY(Fixture); \
    BUS_JOURNAL_CONTRACT_DEAD_LETTERS(Fixture)
