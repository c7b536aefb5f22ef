// JSON with // comments, read into a tree in which every value knows its line
// and nothing is lost: members keep their order, and a key that stands twice
// stands twice here as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bus {

struct JsonMember;

struct JsonValue {
    enum class Type { null, boolean, number, text, list, object };

    Type type = Type::null;
    unsigned line = 0;  // from 1; of a member's value: where its key stands
    bool boolean = false;
    std::optional<std::uint64_t> integer;  // type number: where it is one, and not negative
    std::string text;                      // type text; type number: as written
    std::vector<JsonValue> items;          // type list
    std::vector<JsonMember> members;       // type object
    std::size_t begin = 0, end = 0;        // type object: where it stands in the text, in bytes
};

struct JsonMember {
    std::string key;
    JsonValue value;
};

// "a text", "an object" and so on, for messages.
std::string_view with_article(JsonValue::Type type);

struct JsonMistake {
    unsigned line = 0;
    std::string what;
};

Expected<JsonValue, JsonMistake> parse_json(std::string_view text);

}  // namespace bus
