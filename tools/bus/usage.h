// What is said of a command line that is wrong: which word, and what may
// stand there instead.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace bus::cli {

// One line for people, with the command's name before it and what to do next behind it.
std::string explain(const CLI::App& bus, const CLI::Error& error);

}  // namespace bus::cli
