#include "io/links.h"

#include <algorithm>

#include "base/assert.h"

namespace bus::io {

Links::Links(Context& context, LinkKeys own, const std::vector<std::string>& listen, Told& told)
    : context_(context), own_(std::move(own)), told_(told), authenticator_(context, keys_, told) {
    if (!listen.empty())
        listener_.emplace(
            context, listen, own_, keys_, [this] { return next_link(0); }, live_, told);
}

std::vector<std::string> Links::endpoints() const {
    return listener_ ? listener_->endpoints() : std::vector<std::string>{};
}

void Links::set_peers(const std::vector<LinkPeer>& peers, core::Exchange& exchange, Time now) {
    std::unordered_map<std::string, std::string> names;
    std::vector<DialTarget> wanted;
    for (const LinkPeer& peer : peers) {
        names[peer.key] = peer.name;
        if (peer.address)
            wanted.push_back({.name = peer.name, .key = peer.key, .address = *peer.address});
    }
    keys_.set(std::move(names));
    if (listener_) listener_->end_strangers(exchange, now);
    std::erase_if(diallers_, [&](auto& entry) {
        LinkDialler& dialler = *entry.second;
        if (std::ranges::find(wanted, dialler.target()) != wanted.end()) return false;
        dialler.hang_up(exchange, now);
        return true;
    });
    for (auto& [ticket, dialler] : diallers_) dialler->end_parking(now);
    dial_new(wanted);
}

void Links::dial_new(const std::vector<DialTarget>& wanted) {
    for (const DialTarget& target : wanted) {
        const bool there = std::ranges::any_of(
            diallers_, [&](const auto& entry) { return entry.second->target() == target; });
        if (there) continue;
        const auto ticket = ++last_ticket_;
        diallers_[ticket] = std::make_unique<LinkDialler>(
            context_, target, own_, resolver_, ticket, [this, ticket] { return next_link(ticket); },
            live_, told_);
    }
}

void Links::add_to(PollSet& poll) {
    authenticator_.add_to(poll);
    resolver_slot_ = poll.add(resolver_.fd());
    if (listener_) listener_->add_to(poll);
    for (auto& [ticket, dialler] : diallers_) dialler->add_to(poll);
}

void Links::receive_into(core::Exchange& exchange, const PollSet& poll, Time now) {
    authenticator_.answer(poll, now);
    if (poll.ready(resolver_slot_))
        for (const auto& answer : resolver_.take())
            if (const auto found = diallers_.find(answer.ticket); found != diallers_.end())
                found->second->on_resolved(answer, now);
    if (listener_) listener_->receive_into(exchange, poll, now);
    for (auto& [ticket, dialler] : diallers_) dialler->receive_into(exchange, poll, now);
}

void Links::advance(Time now) {
    for (auto& [ticket, dialler] : diallers_) dialler->advance(now);
}

Time Links::next_deadline() const {
    Time first = never;
    for (const auto& [ticket, dialler] : diallers_)
        first = std::min(first, dialler->next_deadline());
    return first;
}

LinkDialler* Links::dialler_of(core::LinkId link) {
    const auto found = diallers_.find(carrier_of(link));
    return found == diallers_.end() ? nullptr : found->second.get();
}

void Links::send(const core::ToLink& out) {
    // Either may know of no such link any more: it ended in this turn.
    if (carrier_of(out.link) == 0) {
        if (listener_) listener_->send(out);
    } else if (LinkDialler* dialler = dialler_of(out.link)) {
        dialler->send(out);
    }
}

void Links::close(const core::Effects::CloseLink& what, Time now) {
    if (carrier_of(what.link) == 0) {
        if (listener_) listener_->close(what.link);
    } else if (LinkDialler* dialler = dialler_of(what.link)) {
        dialler->close(what.link, what.parked, now);
    }
}

void Links::linger() {
    if (listener_) listener_->linger();
    for (auto& [ticket, dialler] : diallers_) dialler->linger();
}

bool Links::has_news() const {
    return (listener_ && listener_->has_news()) ||
           std::ranges::any_of(diallers_,
                               [](const auto& entry) { return entry.second->has_news(); });
}

}  // namespace bus::io
