#include "core/rules.h"

#include <algorithm>

namespace bus::core {
namespace {

std::string_view take_token(std::string_view& text) {
    const auto dot = text.find('.');
    const auto token = text.substr(0, dot);
    text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    return token;
}

bool any_covers(const std::vector<std::string>& filters, std::string_view wanted) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return covers(filter, wanted); });
}

}  // namespace

bool covers(std::string_view rule, std::string_view filter) {
    while (!rule.empty()) {
        if (filter.empty()) return false;
        const auto allowed = take_token(rule);
        if (allowed == "**") return filter.front() != '$';
        const auto token = take_token(filter);
        if (token == "**") return false;
        if (allowed != "*" && allowed != token) return false;
        if (allowed == "*" && token.front() == '$') return false;
    }
    return filter.empty();
}

const AppRule* Rules::rule(std::uint32_t uid) const {
    if (uid == settings_.own_uid) return nullptr;
    const auto found = settings_.rules.find(uid);
    return found == settings_.rules.end() ? nullptr : &found->second;
}

bool Rules::may_publish(std::uint32_t uid, wire::Kind kind, std::string_view channel) const {
    const AppRule* const rule_of_uid = rule(uid);
    if (rule_of_uid == nullptr) return true;
    return any_covers(kind == wire::Kind::queue ? rule_of_uid->send : rule_of_uid->publish,
                      channel);
}

bool Rules::may_consume(std::uint32_t uid, wire::Kind kind, std::string_view filter) const {
    const AppRule* const rule_of_uid = rule(uid);
    if (rule_of_uid == nullptr) return true;
    return any_covers(kind == wire::Kind::queue ? rule_of_uid->receive : rule_of_uid->subscribe,
                      filter);
}

}  // namespace bus::core
