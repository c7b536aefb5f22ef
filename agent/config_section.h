// One object of a configuration file, read key by key. What is asked for is
// known; finish() complains about the rest. Complaints are gathered, so that
// one run of --check names every mistake.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "json_document.h"

namespace bus {

std::string in_quotes(std::string_view text);

// What is wrong with a configuration: "file:line: path: what", in the order found.
class Complaints {
  public:
    // A line of 0 is left out: the file as a whole.
    void add(std::string_view file, unsigned line, std::string_view path, std::string_view what);
    bool empty() const noexcept { return lines_.empty(); }
    void throw_if_any() const;  // Error, one complaint a line

  private:
    std::vector<std::string> lines_;
};

class ConfigSection {
  public:
    // `path` leads to the object within its file, "" for the whole. All must outlive this.
    ConfigSection(const JsonValue& object, std::string file, std::string path,
                  Complaints& complaints);

    bool has(std::string_view key) const { return member(key) != nullptr; }
    // The member of that type. nullptr: absent, or of another type, which has been complained of.
    const JsonValue* find(std::string_view key, JsonValue::Type type);
    // As find; its absence is complained of with what it is for.
    const JsonValue* require(std::string_view key, JsonValue::Type type, std::string_view purpose);

    std::string text(std::string_view key, std::string_view fallback = {});
    std::string required_text(std::string_view key, std::string_view purpose);
    bool boolean(std::string_view key, bool fallback);
    std::uint64_t number(std::string_view key, std::uint64_t fallback, std::uint64_t minimum,
                         std::uint64_t maximum);
    std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t minimum);
    // Bytes a second, as "2MiB/s".
    std::uint64_t rate(std::string_view key, std::uint64_t fallback, std::uint64_t minimum);
    // "7d", "12h", "30m" or "90s".
    Duration duration(std::string_view key, Duration fallback, Duration minimum);
    void each_text(std::string_view key,
                   const std::function<void(const std::string& text, unsigned index)>& take);
    void each_object(std::string_view key, const std::function<void(ConfigSection&)>& take);
    void object(std::string_view key, const std::function<void(ConfigSection&)>& take);
    // The object's members, whatever their names, each an object.
    void each_member(
        std::string_view key,
        const std::function<void(const std::string& name, ConfigSection& member)>& take);

    // At the key, or at the object itself where there is no such key.
    void complain(std::string_view key, std::string_view what);
    void complain(std::string_view key, unsigned index, std::string_view what);
    // Every key that was not asked for, and every key that stands twice.
    void finish();

    std::string where() const;  // "agent.json:12"

  private:
    const JsonMember* member(std::string_view key) const;
    std::string path_to(std::string_view key) const;

    const JsonValue& object_;
    const std::string file_;
    const std::string path_;
    Complaints& complaints_;
    std::vector<std::string_view> known_;
};

}  // namespace bus
