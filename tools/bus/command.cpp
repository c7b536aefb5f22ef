#include "command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "duration.h"

namespace bus::cli {
namespace {

CLI::Validator validator(const Check& check) { return {check.read, check.description}; }

Check from(const CLI::Validator& validator) {
    return {[validator](std::string& text) { return validator(text); },
            validator.get_description()};
}

Check number_check(bool (*is_good)(double), const char* expected) {
    return {[is_good, expected](std::string& text) -> std::string {
        double value = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec == std::errc{} && read.ptr == end && is_good(value)) return {};
        return "\"" + text + "\" is " + expected;
    }};
}

}  // namespace

Check whole_number_above_zero() {
    return number_check([](double n) { return n >= 1 && n < 1e18 && n == std::floor(n); },
                        "no whole number above 0");
}

Check number_not_below_zero() {
    return number_check([](double n) { return n >= 0 && n < 1e18; }, "no number from 0 up");
}

Check number_within(std::uint64_t least, std::uint64_t most) {
    return from(CLI::Range(least, most).description(""));
}

Check number_within(double least, double most) {
    return from(CLI::Range(least, most).description(""));
}

Check size_in_bytes() { return from(CLI::AsSizeValue(true).description("")); }

Check existing_file() { return from(CLI::Validator{CLI::ExistingFile}.description("")); }

Check one_of(std::vector<std::string> words) {
    return {[words = std::move(words)](std::string& text) -> std::string {
        if (std::find(words.begin(), words.end(), text) != words.end()) return {};
        std::string known;
        for (const auto& word : words) known += (known.empty() ? "" : ", ") + word;
        return "\"" + text + "\" is none of " + known;
    }};
}

Check duration_within(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return {[least, most](std::string& text) -> std::string {
        const auto time = read_duration(text);
        if (!time) return "\"" + text + "\" is no time; write it like 7d, 12h, 30m, 90s or 500ms";
        if (*time >= least && *time <= most) return {};
        return "\"" + text + "\" is not from " + text_of(least) + " to " + text_of(most);
    }};
}

Option* Option::required() {
    option_.required();
    return this;
}

Option* Option::type_name(const std::string& name) {
    option_.type_name(name);
    return this;
}

Option* Option::check(const Check& check) {
    option_.check(validator(check));
    return this;
}

Option* Option::transform(const Check& check) {
    option_.transform(validator(check));
    return this;
}

Option* Option::excludes(const Option* other) {
    option_.excludes(&other->option_);
    return this;
}

Option* Option::needs(const Option* other) {
    option_.needs(&other->option_);
    return this;
}

Option* Option::capture_default_str() {
    option_.capture_default_str();
    return this;
}

Command::Command(CLI::App& app) : app_(app) {}
Command::~Command() = default;

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
    CLI::App& app = *app_.add_subcommand(name, description);
    return subcommands_.emplace_back(std::make_unique<Command>(app)).get();
}

template <class Value>
Option* Command::add_option(const std::string& name, Value& value, const std::string& description) {
    CLI::Option* option = app_.add_option(name, value, description);
    if (!name.starts_with('-')) option->type_name("");  // its name says all: not "QUEUE TEXT"
    return keep(option);
}

template Option* Command::add_option(const std::string&, std::string&, const std::string&);
template Option* Command::add_option(const std::string&, double&, const std::string&);
template Option* Command::add_option(const std::string&, unsigned&, const std::string&);
template Option* Command::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option* Command::add_option(const std::string&, std::optional<std::string>&,
                                     const std::string&);
template Option* Command::add_option(const std::string&, std::optional<double>&,
                                     const std::string&);
template Option* Command::add_option(const std::string&, std::set<std::string>&,
                                     const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::uint32_t>&,
                                     const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::string>&,
                                     const std::string&);

Option* Command::add_flag(const std::string& name, bool& flag, const std::string& description) {
    return keep(app_.add_flag(name, flag, description));
}

Option* Command::take_one_each(Option* list) {
    list->option_.allow_extra_args(false);
    return list;
}

template <class Value>
Option* Command::add_duration(const std::string& name, Value& value,
                              const std::string& description) {
    using namespace std::chrono_literals;
    return add_read(name, description,
                    [&value](const std::string& text) { value = *read_duration(text); })
        ->check(duration_within(1ms, 10 * 366 * 24h))
        ->type_name("TIME");
}

template Option* Command::add_duration(const std::string&, std::chrono::milliseconds&,
                                       const std::string&);
template Option* Command::add_duration(const std::string&,
                                       std::optional<std::chrono::milliseconds>&,
                                       const std::string&);

Option* Command::add_read(const std::string& name, const std::string& description, Take take) {
    return keep(app_.add_option_function<std::string>(name, std::move(take), description));
}

void Command::require_subcommand() { app_.require_subcommand(1); }

void Command::hide() { app_.group(""); }

void Command::add_footer(const std::string& text) {
    app_.footer(text + "\n\n" + app_.get_footer());
}

void Command::callback(std::function<void()> chosen) { app_.callback(std::move(chosen)); }

Option* Command::keep(CLI::Option* option) {
    return options_.emplace_back(std::make_unique<Option>(*option)).get();
}

}  // namespace bus::cli
