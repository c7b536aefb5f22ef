// What is said of a command line that is wrong: which word, and what may
// stand there instead.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>

namespace bus::cli {

// One line for people, with the command's name before it and what to do next behind it.
std::string explain(const CLI::App& bus, const CLI::Error& error);

// Checks of an option's value that say what was expected.
CLI::Validator whole_number_above_zero();
CLI::Validator number_not_below_zero();

// One of these words, and no other.
template <class Enum>
CLI::Validator one_of(const std::map<std::string, Enum>& words) {
    return CLI::Validator{[words](std::string& text) -> std::string {
                              const auto found = words.find(text);
                              if (found != words.end()) {
                                  text = std::to_string(static_cast<int>(found->second));
                                  return {};
                              }
                              std::string known;
                              for (const auto& [word, meaning] : words)
                                  known += (known.empty() ? "" : ", ") + word;
                              return "\"" + text + "\" is none of " + known;
                          },
                          ""};
}

}  // namespace bus::cli
