#include "core/channel_policy.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "limits.h"

namespace bus::core {
namespace {

auto rank(const ChannelSettings& settings) {
    const std::string& filter = settings.channels.filter;
    const auto literal = std::min(filter.find('*'), filter.size());
    return std::tuple{literal == filter.size(), literal, settings.channels.kind.has_value()};
}

template <class Value>
void set_if_said(Value& value, const std::optional<Value>& said) {
    if (said) value = *said;
}

}  // namespace

void ChannelPolicies::replace(const std::vector<ChannelSettings>& all) {
    settings_ = all;
    std::stable_sort(settings_.begin(), settings_.end(),
                     [](const auto& one, const auto& other) { return rank(one) > rank(other); });
    resolved_.clear();
}

const ChannelPolicy& ChannelPolicies::of(wire::Kind kind, std::string_view channel) {
    if (settings_.empty()) return usual_;
    wire::ChannelKey key{kind, std::string{channel}};
    if (const auto found = resolved_.find(key); found != resolved_.end()) return found->second;
    if (resolved_.size() >= limits::routes_max) resolved_.clear();
    const ChannelPolicy policy = resolve(kind, channel);
    return resolved_.emplace(std::move(key), policy).first->second;
}

ChannelPolicy ChannelPolicies::resolve(wire::Kind kind, std::string_view channel) const {
    ChannelPolicy policy;
    for (auto one = settings_.rbegin(); one != settings_.rend(); ++one) {
        if (!one->channels.covers(kind, channel)) continue;
        set_if_said(policy.max_deliveries, one->max_deliveries);
        set_if_said(policy.bury_expired, one->bury_expired);
        set_if_said(policy.dead_letter_to, one->dead_letter_to);
        set_if_said(policy.return_after, one->return_after);
        set_if_said(policy.max_message, one->max_message);
        if (kind == wire::Kind::topic) set_if_said(policy.retain_last, one->retain_last);
        if (kind != wire::Kind::queue) continue;
        set_if_said(policy.home, one->home);
        set_if_said(policy.exclusive, one->exclusive);
    }
    return policy;
}

}  // namespace bus::core
