#include "core/rules.h"

#include <algorithm>

namespace bus::core {
namespace {

bool any_covers(const std::vector<std::string>& filters, std::string_view wanted) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return wire::covers(filter, wanted); });
}

}  // namespace

const Permissions* Rules::rule(std::uint32_t uid) const {
    if (uid == settings_.own_uid) return nullptr;
    const auto found = settings_.rules.find(uid);
    return found == settings_.rules.end() ? nullptr : &found->second;
}

bool Rules::may_publish(std::uint32_t uid, wire::Kind kind, std::string_view channel) const {
    const Permissions* const rule_of_uid = rule(uid);
    if (rule_of_uid == nullptr) return true;
    return any_covers(kind == wire::Kind::queue ? rule_of_uid->send : rule_of_uid->publish,
                      channel);
}

bool Rules::may_consume(std::uint32_t uid, wire::Kind kind, std::string_view filter) const {
    const Permissions* const rule_of_uid = rule(uid);
    if (rule_of_uid == nullptr) return true;
    return any_covers(kind == wire::Kind::queue ? rule_of_uid->receive : rule_of_uid->subscribe,
                      filter);
}

}  // namespace bus::core
