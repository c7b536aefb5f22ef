// A message that is written to standard output part by part. What was written of
// one that broke off is taken back, where standard output is a file.
#pragma once

#include <bus/subscription.h>
#include <sys/types.h>

#include <cstdint>

namespace bus::cli {

class Interruption;

// false: it broke off, or we were interrupted, and nothing of it is in the file; if it is not given
// up it comes again. Throws Failure: standard output does not take it, or it broke off and is no
// file.
[[nodiscard]] bool write_out_parts(Delivery& delivery, const Interruption& interruption);

}  // namespace bus::cli
