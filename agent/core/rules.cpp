#include "core/rules.h"

#include <algorithm>

namespace bus::core {
namespace {

bool any_covers(const std::vector<std::string>& filters, std::string_view wanted) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return wire::covers(filter, wanted); });
}

}  // namespace

bool may_publish(const Permissions& may, wire::Kind kind, std::string_view channel) {
    switch (kind) {
        case wire::Kind::topic:
            return any_covers(may.publish, channel);
        case wire::Kind::queue:
            return any_covers(may.send, channel);
        case wire::Kind::service:
            return any_covers(may.request, channel);
    }
    return false;
}

bool may_consume(const Permissions& may, wire::Kind kind, std::string_view filter) {
    switch (kind) {
        case wire::Kind::topic:
            return any_covers(may.subscribe, filter);
        case wire::Kind::queue:
            return any_covers(may.receive, filter);
        case wire::Kind::service:
            return any_covers(may.serve, filter);
    }
    return false;
}

const Permissions* Rules::rule(std::uint32_t uid) const {
    if (uid == settings_.own_uid) return nullptr;
    const auto found = settings_.rules.find(uid);
    return found == settings_.rules.end() ? nullptr : &found->second;
}

bool Rules::may_publish(std::uint32_t uid, wire::Kind kind, std::string_view channel) const {
    const Permissions* const of_uid = rule(uid);
    return of_uid == nullptr || core::may_publish(*of_uid, kind, channel);
}

bool Rules::may_consume(std::uint32_t uid, wire::Kind kind, std::string_view filter) const {
    const Permissions* const of_uid = rule(uid);
    return of_uid == nullptr || core::may_consume(*of_uid, kind, filter);
}

}  // namespace bus::core
