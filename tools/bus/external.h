// `bus x` is `bus-x` where there is one, so that a package can add a
// subcommand by installing a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bus::cli {

// Becomes bus-NAME of $PATH with the arguments behind the name. Returns only if there is none.
// Throws Failure if it is there and cannot be run.
void become_external(const std::string& name, char** argv);

// The candidate that the word was probably meant to be.
std::optional<std::string> similar(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace bus::cli
