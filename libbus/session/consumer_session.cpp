#include "session/consumer_session.h"

#include <algorithm>

#include "base/assert.h"

namespace bus::session {
namespace {

// It may work later: the agent still holds a predecessor of this session, or is at a limit.
bool is_for_now(wire::Reject code) {
    return code == wire::Reject::limit || code == wire::Reject::in_use ||
           code == wire::Reject::unavailable;
}

}  // namespace

std::uint64_t ConsumerSession::subscribe(wire::Subscribe wish) {
    wish.id = next_id_++;
    if (connected_) commands_.push_back(wish);
    const auto id = wish.id;
    subscriptions_.emplace(id, Subscription{.wish = std::move(wish), .reason = {}});
    return id;
}

void ConsumerSession::unsubscribe(std::uint64_t id, bool forget) {
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    if (forget) {
        // Until the agent confirms: after a reconnect it must be attached again to be ended.
        ending_.emplace(id, found->second.wish);
    }
    if (connected_) commands_.push_back(wire::Unsubscribe{.id = id, .forget = forget});
    subscriptions_.erase(found);
}

ConsumerSession::Standing ConsumerSession::standing(std::uint64_t id) const {
    const auto found = subscriptions_.find(id);
    return found == subscriptions_.end() ? Standing::ended : found->second.standing;
}

std::string ConsumerSession::reason(std::uint64_t id) const {
    const auto found = subscriptions_.find(id);
    return found == subscriptions_.end() ? std::string{} : found->second.reason;
}

void ConsumerSession::on_welcome() {
    ++epoch_;
    connected_ = true;
    acks_.clear();
    commands_.clear();
    for (auto& [id, subscription] : subscriptions_) {
        if (subscription.standing == Standing::refused) continue;
        subscription.standing = Standing::asked;
        subscription.ask_again = never;
        commands_.emplace_back(std::in_place_type<wire::Subscribe>, subscription.wish);
    }
    for (const auto& [id, wish] : ending_) {
        commands_.emplace_back(std::in_place_type<wire::Subscribe>, wish);
        commands_.emplace_back(std::in_place_type<wire::Unsubscribe>,
                               wire::Unsubscribe{.id = id, .forget = true});
    }
}

void ConsumerSession::on_disconnected() {
    ++epoch_;
    connected_ = false;
    acks_.clear();
    commands_.clear();
}

void ConsumerSession::on_subscribed(const wire::Subscribed& reply) {
    const auto found = subscriptions_.find(reply.id);
    if (found == subscriptions_.end()) return;
    found->second.standing = Standing::standing;
    found->second.was_standing = true;
}

void ConsumerSession::on_unsubscribed(const wire::Unsubscribed& reply) { ending_.erase(reply.id); }

bool ConsumerSession::on_failed(const wire::Failed& reply, Time now) {
    if (ending_.erase(reply.id) > 0) return true;
    const auto found = subscriptions_.find(reply.id);
    if (found == subscriptions_.end()) return false;
    Subscription& subscription = found->second;
    if (subscription.was_standing && is_for_now(reply.code)) {
        subscription.ask_again = now + limits::resubscribe_after;
        return true;
    }
    subscription.standing = Standing::refused;
    subscription.reason =
        reply.reason.empty() ? std::string{wire::to_text(reply.code)} : reply.reason;
    return true;
}

void ConsumerSession::advance(Time now) {
    if (!connected_) return;
    for (auto& [id, subscription] : subscriptions_) {
        if (subscription.ask_again > now) continue;
        subscription.ask_again = never;
        commands_.emplace_back(std::in_place_type<wire::Subscribe>, subscription.wish);
    }
}

Time ConsumerSession::next_deadline() const {
    Time earliest = never;
    if (!connected_) return earliest;
    for (const auto& [id, subscription] : subscriptions_)
        earliest = std::min(earliest, subscription.ask_again);
    return earliest;
}

std::vector<wire::Command> ConsumerSession::take_commands() { return std::exchange(commands_, {}); }

bool ConsumerSession::rule(std::uint64_t epoch, wire::Ack ack) {
    if (epoch != epoch_ || !connected_) return false;
    acks_.add(std::move(ack));
    return true;
}

}  // namespace bus::session
