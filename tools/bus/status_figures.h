// Figures and words of what an agent tells as JSON. Those it does not have are
// zero or empty, so that answers of older and newer agents can be read too.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace bus::cli {

using Json = nlohmann::ordered_json;

inline std::uint64_t number(const Json& at, const char* key) {
    return at.value(key, std::uint64_t{0});
}
inline std::string word(const Json& at, const char* key) { return at.value(key, std::string{}); }
inline Json part(const Json& at, const char* key) { return at.value(key, Json::array()); }
// Also where it is null.
inline std::uint64_t figure(const Json& at, const char* key) {
    const auto found = at.find(key);
    return found == at.end() || found->is_null() ? 0 : found->get<std::uint64_t>();
}
// An agent's, or its id.
inline std::string name_text(const Json& agent) {
    const std::string name = word(agent, "name");
    return name.empty() ? word(agent, "agent") : name;
}

}  // namespace bus::cli
