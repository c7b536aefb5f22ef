#include "core/rules.h"

#include <algorithm>

namespace bus::core {
namespace {

bool any_covers(const std::vector<std::string>& filters, std::string_view wanted) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return wire::covers(filter, wanted); });
}

}  // namespace

const std::vector<std::string>& list_of(const Permissions& may, Act act, wire::Kind kind) {
    const bool gives = act == Act::give;
    switch (kind) {
        case wire::Kind::topic:
            return gives ? may.publish : may.subscribe;
        case wire::Kind::queue:
            return gives ? may.send : may.receive;
        case wire::Kind::service:
            break;
    }
    return gives ? may.request : may.serve;
}

std::string_view list_name(Act act, wire::Kind kind) {
    const bool gives = act == Act::give;
    switch (kind) {
        case wire::Kind::topic:
            return gives ? "publish" : "subscribe";
        case wire::Kind::queue:
            return gives ? "send" : "receive";
        case wire::Kind::service:
            break;
    }
    return gives ? "request" : "serve";
}

std::string_view verb_of(Act act, wire::Kind kind) {
    if (act == Act::look) return "ask for";
    const bool gives = act == Act::give;
    switch (kind) {
        case wire::Kind::topic:
            return gives ? "publish on" : "subscribe to";
        case wire::Kind::queue:
            return gives ? "send to" : "receive from";
        case wire::Kind::service:
            break;
    }
    return gives ? "request of" : "serve";
}

std::string allowed_words(const Permissions& may, Act act, wire::Kind kind) {
    constexpr std::size_t shown_max = 8;
    const auto& list = list_of(may, act, kind);
    const std::string name = "\"" + std::string{list_name(act, kind)} + "\"";
    if (list.empty()) return "its rules have no " + name;
    std::string words = "its rule " + name + " names ";
    for (std::size_t i = 0; i < std::min(list.size(), shown_max); ++i)
        words += (i == 0 ? "" : ", ") + list[i];
    if (list.size() > shown_max) words += ", " + std::to_string(list.size() - shown_max) + " more";
    return words + " only";
}

bool may_publish(const Permissions& may, wire::Kind kind, std::string_view channel) {
    return any_covers(list_of(may, Act::give, kind), channel);
}

bool may_consume(const Permissions& may, wire::Kind kind, std::string_view filter) {
    return any_covers(list_of(may, Act::take, kind), filter);
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
