#include "usage.h"

#include <algorithm>

#include "external.h"

namespace bus::cli {
namespace {

// The subcommand that was being read, or `bus` itself.
const CLI::App& current(const CLI::App& command) {
    const auto parsed = command.get_subcommands();
    return parsed.empty() ? command : current(*parsed.front());
}

// "bus peer remove"
std::string name_of(const CLI::App& bus, const CLI::App& command) {
    if (&command == &bus) return "bus";
    return name_of(bus, *command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> long_options(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::string subcommands_of(const CLI::App& whole) {
    std::string names;
    for (const CLI::App* command : whole.get_subcommands({}))
        if (!command->get_group().empty())
            names += (names.empty() ? "" : ", ") + command->get_name();
    return names;
}

bool takes_text(const CLI::App& command) { return command.get_option_no_throw("TEXT") != nullptr; }

std::string on_what_stands_before(const std::string& name) {
    return "what belongs to a command comes behind it, as in \"" + name + " --runtime DIR\"";
}

// The first subcommand that has this option; nullptr: none.
const CLI::App* subcommand_with(const std::string& option, const CLI::App& command) {
    const auto all = command.get_subcommands({});
    const auto found = std::find_if(all.begin(), all.end(), [&](const CLI::App* one) {
        return one->get_option_no_throw(option) != nullptr;
    });
    return found == all.end() ? nullptr : *found;
}

std::string on_what_is_too_much(const CLI::App& command, const std::string& name) {
    if (command.remaining().empty()) return on_what_stands_before(name);
    const std::string word = command.remaining().front();
    if (const CLI::App* const owner = subcommand_with(word, command))
        return on_what_stands_before(name + " " + owner->get_name());
    if (word.starts_with('-')) {
        const auto meant = similar(word, long_options(command));
        return "there is no option " + word + (meant ? "; did you mean " + *meant + "?" : "");
    }
    return "\"" + word + "\" is one word too many" +
           (takes_text(command) ? "; put a TEXT of several words in quotes" : "");
}

}  // namespace

std::string explain(const CLI::App& bus, const CLI::Error& error) {
    const CLI::App& command = current(bus);
    const std::string name = name_of(bus, command);
    std::string what = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
        what = on_what_is_too_much(command, name);
    else if (!command.get_subcommands({}).empty() &&
             dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
        what = (command.remaining().empty() ? "" : on_what_is_too_much(command, name) + "; ") +
               "which subcommand? There are " + subcommands_of(command);
    return name + ": " + what + " (see " + name + " --help)\n";
}

}  // namespace bus::cli
