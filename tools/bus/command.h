// A command of `bus` and its options, as they are described and read. CLI11
// stays behind it, in command.cpp: whoever includes that pays five seconds of
// compiling, and every subcommand describes itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bus::cli {

// What a value must be. `read` says what is wrong with the text, or returns an empty string; it
// may put another text in its place, which counts only for Option::transform. `description` stands
// in the help, behind the option's name.
struct Check {
    std::function<std::string(std::string& text)> read;
    std::string description = {};
};

Check whole_number_above_zero();
Check number_not_below_zero();
Check number_within(std::uint64_t least, std::uint64_t most);
Check number_within(double least, double most);
Check size_in_bytes();  // "64MB" becomes its number of bytes; a K is 1,000
Check existing_file();
// One of these words, and no other.
Check one_of(std::vector<std::string> words);
// What read_duration() reads, within these bounds.
Check duration_within(std::chrono::milliseconds least, std::chrono::milliseconds most);

class Option {
  public:
    explicit Option(CLI::Option& option) : option_(option) {}

    Option* required();
    Option* type_name(const std::string& name);
    Option* check(const Check& check);
    Option* transform(const Check& check);
    Option* excludes(const Option* other);
    Option* needs(const Option* other);
    Option* capture_default_str();

  private:
    friend class Command;
    CLI::Option& option_;
};

// The command line is read into what `value` and `flag` refer to: they must outlive the reading.
class Command {
  public:
    explicit Command(CLI::App& app);
    ~Command();

    Command* add_subcommand(const std::string& name, const std::string& description);
    // Values: std::string, double, std::uint64_t and unsigned, std::optional of the first two,
    // std::vector of std::string and of std::uint32_t, and std::set<std::string>.
    template <class Value>
    Option* add_option(const std::string& name, Value& value, const std::string& description = {});
    // One of these words, each with its meaning.
    template <class Enum>
    Option* add_choice(const std::string& name, Enum& value, const std::string& description,
                       const std::map<std::string, Enum>& words) {
        static_assert(std::is_enum_v<Enum>);
        std::vector<std::string> known;
        for (const auto& [word, meaning] : words) known.push_back(word);
        return add_read(name, description,
                        [&value, words](const std::string& word) { value = words.at(word); })
            ->check(one_of(std::move(known)));
    }
    // May be given several times, each with one word.
    template <class Value>  // std::string, std::uint32_t
    Option* add_list(const std::string& name, std::vector<Value>& values,
                     const std::string& description) {
        return take_one_each(add_option(name, values, description));
    }
    // "30s", "1.5h": a time above 0 and up to ten years.
    template <class Value>  // std::chrono::milliseconds, or std::optional of it
    Option* add_duration(const std::string& name, Value& value, const std::string& description);
    Option* add_flag(const std::string& name, bool& flag, const std::string& description = {});
    void require_subcommand();
    void hide();  // not in --help
    // Below the help, above what the command this belongs to says there.
    void add_footer(const std::string& text);
    void callback(std::function<void()> chosen);

  private:
    using Take = std::function<void(const std::string&)>;
    Option* add_read(const std::string& name, const std::string& description, Take take);
    static Option* take_one_each(Option* list);
    Option* keep(CLI::Option* option);

    CLI::App& app_;
    std::vector<std::unique_ptr<Command>> subcommands_;
    std::vector<std::unique_ptr<Option>> options_;
};

}  // namespace bus::cli
