// Carries over what can still be read of a damaged database into a new one.
// Every table is read from its front and, where that ends in damage, from its
// back, so that only what lies between is lost; then totals are counted anew.
#pragma once

#include <vector>

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

// `fresh` has the schema and no rows. Returns the entries without a batch and the batches without
// an entry (their stream is 0: nobody knows any more). Throws bus::Error if `fresh` fails; a
// `damaged` one that cannot be read at all yields nothing.
std::vector<core::Damaged::Lost> salvage(const std::string& damaged, Database& fresh);

}  // namespace bus::journal
