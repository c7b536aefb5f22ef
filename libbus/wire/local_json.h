// Reads the fields of one JSON object and remembers the first that is wrong, so
// that a decoder asks for all it wants and checks once, at the end.
// Only for local.cpp and admin_arguments.cpp, which pay for the JSON library.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "wire/local.h"

namespace bus::wire {

using Json = nlohmann::json;

class Fields {
  public:
    explicit Fields(const Json& object) : object_(object) {}

    bool has(const char* key) const { return object_.contains(key); }
    template <class Integer>
    Integer number(const char* key, std::optional<Integer> otherwise = {}) {
        const Json* value = find(key, otherwise.has_value());
        if (!value) return otherwise.value_or(0);
        if (!value->is_number_unsigned() ||
            value->get<std::uint64_t>() > std::numeric_limits<Integer>::max())
            return wrong(key, "must be a whole number in range"), Integer{};
        return value->get<Integer>();
    }
    std::string text(const char* key, bool optional = false) {
        const Json* value = find(key, optional);
        if (!value) return {};
        if (!value->is_string()) return wrong(key, "must be a string"), std::string{};
        return value->get<std::string>();
    }
    bool flag(const char* key) {
        const Json* value = find(key, true);
        if (!value) return false;
        if (!value->is_boolean()) return wrong(key, "must be true or false"), false;
        return value->get<bool>();
    }
    template <class Id>
    std::optional<Id> id128(const char* key, bool optional = false) {
        const auto digits = text(key, optional);
        if (digits.empty()) return std::nullopt;
        const auto id = id_from_text<Id>(digits);
        if (!id) wrong(key, "must be 32 hexadecimal digits");
        return id;
    }
    // nullptr: absent or no array.
    const Json* array(const char* key, bool optional = false) {
        const Json* value = find(key, optional);
        if (!value) return nullptr;
        if (!value->is_array()) return wrong(key, "must be an array"), nullptr;
        return value;
    }
    void wrong(std::string_view key, std::string_view what, Reject code = Reject::malformed) {
        if (failure_) return;
        failure_ = Malformed{.code = code, .id = 0, .reason = {}};
        failure_->reason.append("\"").append(key).append("\" ").append(what);
    }
    const std::optional<Malformed>& failure() const { return failure_; }

  private:
    const Json* find(const char* key, bool optional) {
        const auto found = object_.find(key);
        if (found != object_.end()) return &*found;
        if (!optional) wrong(key, "is missing");
        return nullptr;
    }

    const Json& object_;
    std::optional<Malformed> failure_;
};

}  // namespace bus::wire
