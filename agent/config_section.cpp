#include "config_section.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <bus/error.h>
#include "base/suggestion.h"
#include "byte_size.h"

namespace bus {
namespace {

std::string indexed(std::string_view path, std::size_t index) {
    return std::string{path} + '[' + std::to_string(index) + ']';
}

std::string as_written(const JsonValue& value) {
    switch (value.type) {
        case JsonValue::Type::text:
            return in_quotes(value.text);
        case JsonValue::Type::number:
            return value.text;
        case JsonValue::Type::boolean:
            return value.boolean ? "true" : "false";
        case JsonValue::Type::null:
        case JsonValue::Type::list:
        case JsonValue::Type::object:
            break;
    }
    return std::string{with_article(value.type)};
}

}  // namespace

std::string in_quotes(std::string_view text) { return '"' + std::string{text} + '"'; }

void Complaints::add(std::string_view file, unsigned line, std::string_view path,
                     std::string_view what) {
    std::string complaint{file};
    if (line != 0) complaint += ':' + std::to_string(line);
    complaint += ": ";
    if (!path.empty()) complaint += std::string{path} + ": ";
    lines_.push_back(complaint + std::string{what});
}

void Complaints::throw_if_any() const {
    if (lines_.empty()) return;
    std::string all;
    for (const auto& line : lines_) all += (all.empty() ? "" : "\n") + line;
    throw Error{all};
}

ConfigSection::ConfigSection(const JsonValue& object, std::string file, std::string path,
                             Complaints& complaints)
    : object_(object), file_(std::move(file)), path_(std::move(path)), complaints_(complaints) {}

const JsonMember* ConfigSection::member(std::string_view key) const {
    const auto found =
        std::ranges::find_if(object_.members, [&](const auto& m) { return m.key == key; });
    return found == object_.members.end() ? nullptr : &*found;
}

std::string ConfigSection::path_to(std::string_view key) const {
    if (path_.empty() || key.empty()) return path_ + std::string{key};
    return path_ + '.' + std::string{key};
}

std::string ConfigSection::where() const { return file_ + ':' + std::to_string(object_.line); }

void ConfigSection::complain(std::string_view key, std::string_view what) {
    const JsonMember* at = member(key);
    complaints_.add(file_, at ? at->value.line : object_.line, path_to(key), what);
}

void ConfigSection::complain(std::string_view key, unsigned index, std::string_view what) {
    const JsonMember* at = member(key);
    complaints_.add(file_, at->value.items.at(index).line, indexed(path_to(key), index), what);
}

const JsonValue* ConfigSection::find(std::string_view key, JsonValue::Type type) {
    known_.push_back(key);
    const JsonMember* found = member(key);
    if (!found) return nullptr;
    if (found->value.type == type) return &found->value;
    complain(key, as_written(found->value) + " is not " + std::string{with_article(type)});
    return nullptr;
}

const JsonValue* ConfigSection::require(std::string_view key, JsonValue::Type type,
                                        std::string_view purpose) {
    const JsonValue* found = find(key, type);
    if (!member(key))
        complaints_.add(file_, object_.line, path_,
                        in_quotes(key) + " is missing: " + std::string{purpose});
    return found;
}

std::string ConfigSection::text(std::string_view key, std::string_view fallback) {
    const JsonValue* found = find(key, JsonValue::Type::text);
    return found ? found->text : std::string{fallback};
}

std::string ConfigSection::required_text(std::string_view key, std::string_view purpose) {
    const JsonValue* found = require(key, JsonValue::Type::text, purpose);
    return found ? found->text : std::string{};
}

std::uint64_t ConfigSection::bytes(std::string_view key, std::uint64_t fallback,
                                   std::uint64_t minimum) {
    known_.push_back(key);
    const JsonMember* found = member(key);
    if (!found) return fallback;
    const JsonValue& value = found->value;
    const auto size = value.type == JsonValue::Type::text ? byte_size(value.text) : value.integer;
    if (!size) {
        complain(key, as_written(value) + " is no amount of bytes; write it like \"512MiB\"");
        return fallback;
    }
    if (*size < minimum)
        complain(key, as_written(value) + " is below the minimum, " + byte_size_text(minimum));
    return *size;
}

std::uint64_t ConfigSection::rate(std::string_view key, std::uint64_t fallback,
                                  std::uint64_t minimum) {
    const JsonValue* found = find(key, JsonValue::Type::text);
    if (!found) return fallback;
    constexpr std::string_view per_second = "/s";
    std::string_view amount = found->text;
    const bool is_rate = amount.ends_with(per_second);
    if (is_rate) amount.remove_suffix(per_second.size());
    const auto size = is_rate ? byte_size(amount) : std::nullopt;
    if (!size)
        complain(key, as_written(*found) + " is no rate; write it like \"2MiB/s\"");
    else if (*size < minimum)
        complain(key, as_written(*found) + " is below the minimum, " + byte_size_text(minimum) +
                          std::string{per_second});
    return size.value_or(fallback);
}

bool ConfigSection::boolean(std::string_view key, bool fallback) {
    const JsonValue* found = find(key, JsonValue::Type::boolean);
    return found ? found->boolean : fallback;
}

std::uint64_t ConfigSection::number(std::string_view key, std::uint64_t fallback,
                                    std::uint64_t minimum, std::uint64_t maximum) {
    const JsonValue* found = find(key, JsonValue::Type::number);
    if (!found) return fallback;
    if (found->integer && *found->integer >= minimum && *found->integer <= maximum)
        return *found->integer;
    complain(key, found->text + " is no whole number from " + std::to_string(minimum) + " to " +
                      std::to_string(maximum));
    return fallback;
}

namespace {

std::optional<Duration> read_duration(std::string_view text) {
    using namespace std::chrono_literals;
    static constexpr std::pair<char, std::chrono::seconds> units[] = {
        {'s', 1s}, {'m', 1min}, {'h', 1h}, {'d', 24h}};
    constexpr std::int64_t most = 36'500;  // days, 100 years
    for (const auto& [letter, unit] : units) {
        if (!text.ends_with(letter)) continue;
        std::uint32_t number = 0;
        const char* const end = text.data() + text.size() - 1;
        const auto read = std::from_chars(text.data(), end, number);
        const bool is_whole = read.ec == std::errc{} && read.ptr == end;
        return is_whole && number <= most * (std::chrono::seconds{24h} / unit)
                   ? std::optional<Duration>{number * unit}
                   : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Duration ConfigSection::duration(std::string_view key, Duration fallback, Duration minimum) {
    const JsonValue* found = find(key, JsonValue::Type::text);
    if (!found) return fallback;
    const auto time = read_duration(found->text);
    if (!time)
        complain(key, as_written(*found) +
                          " is no time; write it like \"7d\", \"12h\", \"30m\" or \"90s\"");
    else if (*time < minimum)
        complain(key, as_written(*found) + " is below the minimum, " +
                          std::to_string(minimum / std::chrono::seconds{1}) + "s");
    return time.value_or(fallback);
}

void ConfigSection::each_text(
    std::string_view key,
    const std::function<void(const std::string& text, unsigned index)>& take) {
    const JsonValue* list = find(key, JsonValue::Type::list);
    if (!list) return;
    unsigned index = 0;
    for (const JsonValue& item : list->items) {
        if (item.type == JsonValue::Type::text)
            take(item.text, index);
        else
            complain(key, index, as_written(item) + " is not a text");
        ++index;
    }
}

void ConfigSection::each_object(std::string_view key,
                                const std::function<void(ConfigSection&)>& take) {
    const JsonValue* list = find(key, JsonValue::Type::list);
    if (!list) return;
    unsigned index = 0;
    for (const JsonValue& item : list->items) {
        ConfigSection section{item, file_, indexed(path_to(key), index), complaints_};
        if (item.type == JsonValue::Type::object)
            take(section);
        else
            complain(key, index, as_written(item) + " is not an object");
        ++index;
    }
}

void ConfigSection::object(std::string_view key, const std::function<void(ConfigSection&)>& take) {
    const JsonValue* found = find(key, JsonValue::Type::object);
    if (!found) return;
    ConfigSection section{*found, file_, path_to(key), complaints_};
    take(section);
}

void ConfigSection::each_member(
    std::string_view key,
    const std::function<void(const std::string& name, ConfigSection& member)>& take) {
    object(key, [&](ConfigSection& all) {
        for (const JsonMember& one : all.object_.members) {
            const JsonValue* const value = all.find(one.key, JsonValue::Type::object);
            if (value == nullptr) continue;
            ConfigSection section{one.value, file_, all.path_to(one.key), complaints_};
            if (value == &one.value) take(one.key, section);
        }
        all.finish();
    });
}

void ConfigSection::finish() {
    for (auto at = object_.members.begin(); at != object_.members.end(); ++at) {
        const unsigned line = at->value.line;
        const auto first = std::find_if(object_.members.begin(), at, [&](const auto& earlier) {
            return earlier.key == at->key;
        });
        if (first != at)
            complaints_.add(file_, line, path_,
                            "duplicate key " + in_quotes(at->key) + "; the first is in line " +
                                std::to_string(first->value.line));
        else if (std::ranges::find(known_, at->key) == known_.end())
            complaints_.add(file_, line, path_,
                            "unknown key " + in_quotes(at->key) + did_you_mean(at->key, known_));
    }
}

}  // namespace bus
