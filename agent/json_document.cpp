#include "json_document.h"

#include <iterator>
#include <nlohmann/json.hpp>

namespace bus {
namespace {

// What the parser has read of the text.
struct Place {
    unsigned line = 1;
    std::size_t bytes = 0;
};

// Counts what the parser reads. Copies share the count, for the parser copies it.
class CountingIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, Place* place) : at_(at), place_(place) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        if (*at_++ == '\n') ++place_->line;
        ++place_->bytes;
        return *this;
    }
    CountingIterator operator++(int) {
        const CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
    bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

  private:
    const char* at_;
    Place* place_;
};

// The parser's message without its own name and place: "syntax error ...: what".
std::string plain(std::string_view message) {
    const auto column = message.find("column ");
    const auto colon = message.find(": ", column == std::string_view::npos ? 0 : column);
    return std::string{colon == std::string_view::npos ? message : message.substr(colon + 2)};
}

// Builds the tree. `open_` are the lists and objects around the place that is being read.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit TreeBuilder(const Place& place) : place_(place) {}

    JsonValue root;
    JsonMistake mistake;

    bool null() override { return add(JsonValue::Type::null) != nullptr; }
    bool boolean(bool value) override {
        add(JsonValue::Type::boolean)->boolean = value;
        return true;
    }
    bool number_integer(number_integer_t value) override {
        add(JsonValue::Type::number)->text = std::to_string(value);
        return true;
    }
    bool number_unsigned(number_unsigned_t value) override {
        JsonValue* number = add(JsonValue::Type::number);
        number->integer = value;
        number->text = std::to_string(value);
        return true;
    }
    bool number_float(number_float_t, const string_t& written) override {
        add(JsonValue::Type::number)->text = written;
        return true;
    }
    bool string(string_t& value) override {
        add(JsonValue::Type::text)->text = std::move(value);
        return true;
    }
    bool binary(binary_t&) override { return false; }  // not in JSON
    bool start_object(std::size_t) override { return open(JsonValue::Type::object); }
    bool start_array(std::size_t) override { return open(JsonValue::Type::list); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        open_.back()->members.push_back({std::move(name), JsonValue{}});
        open_.back()->members.back().value.line = place_.line;
        return true;
    }
    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::json::exception& error) override {
        mistake = {place_.line, plain(error.what())};
        return false;
    }

  private:
    // Where the next value belongs; a member's is there already, with its key's line.
    JsonValue* add(JsonValue::Type type) {
        JsonValue* value = &root;
        if (!open_.empty() && open_.back()->type == JsonValue::Type::list)
            value = &open_.back()->items.emplace_back();
        else if (!open_.empty())
            value = &open_.back()->members.back().value;
        value->type = type;
        if (value->line == 0) value->line = place_.line;
        return value;
    }
    bool open(JsonValue::Type type) {
        open_.push_back(add(type));
        open_.back()->begin = place_.bytes - 1;  // what opens it has just been read
        return true;
    }
    bool close() {
        open_.back()->end = place_.bytes;
        open_.pop_back();
        return true;
    }

    const Place& place_;
    // Stay valid: only the innermost list or object grows, and none that is open is moved by it.
    std::vector<JsonValue*> open_;
};

}  // namespace

std::string_view with_article(JsonValue::Type type) {
    switch (type) {
        case JsonValue::Type::null:
            return "null";
        case JsonValue::Type::boolean:
            return "true or false";
        case JsonValue::Type::number:
            return "a number";
        case JsonValue::Type::text:
            return "a text";
        case JsonValue::Type::list:
            return "a list";
        case JsonValue::Type::object:
            return "an object";
    }
    return "?";
}

Expected<JsonValue, JsonMistake> parse_json(std::string_view text) {
    Place place;
    TreeBuilder builder{place};
    constexpr bool strict = true, ignore_comments = true;
    if (!nlohmann::json::sax_parse(CountingIterator{text.data(), &place},
                                   CountingIterator{text.data() + text.size(), &place}, &builder,
                                   nlohmann::json::input_format_t::json, strict, ignore_comments))
        return Unexpected{std::move(builder.mistake)};
    return std::move(builder.root);
}

}  // namespace bus
