// What somebody probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bus {

// `; did you mean "..."?` with the candidate that is few typing errors away (a letter missing, too
// many, wrong, or two exchanged), or nothing where none is near.
std::string did_you_mean(std::string_view written, std::span<const std::string_view> candidates);

}  // namespace bus
