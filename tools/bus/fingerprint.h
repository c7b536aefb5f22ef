// A key as people compare it on the phone.
#pragma once

#include <string>

namespace bus::cli {

// Six groups of five digits, of a public key in Z85: BLAKE2b of its text, about 100 bits of it.
std::string fingerprint_of(const std::string& public_key);

}  // namespace bus::cli
