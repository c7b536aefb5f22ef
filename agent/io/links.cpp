#include "io/links.h"

#include <algorithm>

#include "base/assert.h"

namespace bus::io {

namespace {

// Where the same port is listened on with IPv4 on its own, IPv6 must not take that as well.
std::vector<ListeningSocket> open_places(const std::vector<TcpEndpoint>& listen) {
    std::vector<ListeningSocket> places;
    for (const TcpEndpoint& address : listen) {
        const bool ipv6_only = std::ranges::any_of(listen, [&](const TcpEndpoint& other) {
            return address.is_ipv6() && !other.is_ipv6() && other.port == address.port;
        });
        places.push_back(ListeningSocket::open(address, ipv6_only));
    }
    return places;
}

bool share_a_key(const LinkPeer& one, const LinkPeer& other) {
    return std::ranges::find_first_of(one.keys, other.keys) != one.keys.end();
}

// The entry that is about the same peer, which may have another name or other keys now.
const LinkPeer* find_same(const std::vector<LinkPeer>& peers, const LinkPeer& peer) {
    auto found = std::ranges::find_if(peers, [&](const auto& p) { return share_a_key(p, peer); });
    if (found == peers.end()) found = std::ranges::find(peers, peer.name, &LinkPeer::name);
    return found == peers.end() ? nullptr : &*found;
}

}  // namespace

Links::Links(Context& context, std::vector<LinkKeys> own, const std::vector<TcpEndpoint>& listen,
             Told& told)
    : context_(context), own_(std::move(own)), told_(told), authenticator_(context, keys_, told) {
    if (!listen.empty()) this->listen(listen);
}

void Links::listen(const std::vector<TcpEndpoint>& listen) {
    BUS_ASSERT(listeners_.empty());
    listen_with(own_.front(), open_places(listen));
    for (std::size_t i = 1; i < own_.size(); ++i)
        listen_with(own_[i], listeners_.begin()->second->places_beside());
}

void Links::listen_with(const LinkKeys& own, std::vector<ListeningSocket> places) {
    const auto ticket = ++last_ticket_;
    listeners_[ticket] = std::make_unique<LinkListener>(
        context_, std::move(places), own, keys_, [this, ticket] { return next_link(ticket); },
        live_, told_);
    for (auto& [each, listener] : listeners_) listener->share(listeners_.size() > 1);
}

std::vector<std::string> Links::endpoints() const {
    return listeners_.empty() ? std::vector<std::string>{}
                              : listeners_.begin()->second->endpoints();
}

void Links::set_own_keys(std::vector<LinkKeys> own, core::Exchange& exchange, Time now) {
    const bool dials_anew = own.front() != own_.front();
    for (const LinkKeys& keys : own)
        if (!listeners_.empty() && std::ranges::find(own_, keys) == own_.end())
            listen_with(keys, listeners_.begin()->second->places_beside());
    own_ = std::move(own);
    end_listeners_without_key(exchange, now);
    if (!dials_anew) return;
    for (auto& [ticket, dialler] : diallers_) dialler->use_own_keys(own_.front(), exchange, now);
}

void Links::end_listeners_without_key(core::Exchange& exchange, Time now) {
    std::erase_if(listeners_, [&](auto& entry) {
        LinkListener& listener = *entry.second;
        if (std::ranges::find(own_, listener.public_key(), &LinkKeys::public_key) != own_.end())
            return false;
        listener.hang_up(exchange, now);
        return true;
    });
    for (auto& [ticket, listener] : listeners_) listener->share(listeners_.size() > 1);
}

void Links::set_peers(const std::vector<LinkPeer>& peers, core::Exchange& exchange, Time now) {
    std::unordered_map<std::string, std::string> names;
    std::vector<LinkPeer> wanted;
    for (const LinkPeer& peer : peers) {
        for (const auto& key : peer.keys) names[key] = peer.name;
        if (!peer.addresses.empty()) wanted.push_back(peer);
    }
    keys_.set(std::move(names));
    for (auto& [ticket, listener] : listeners_) listener->end_strangers(exchange, now);
    std::erase_if(diallers_, [&](auto& entry) {
        LinkDialler& dialler = *entry.second;
        const LinkPeer* const same = find_same(wanted, dialler.target());
        if (same == nullptr) {
            dialler.hang_up(exchange, now);
            return true;
        }
        dialler.retarget(*same, exchange, now);
        std::erase_if(wanted, [&](const auto& peer) { return peer.name == same->name; });
        return false;
    });
    for (const LinkPeer& peer : wanted) dial(peer);
}

void Links::dial(const LinkPeer& peer) {
    const auto ticket = ++last_ticket_;
    diallers_[ticket] = std::make_unique<LinkDialler>(
        context_, peer, own_.front(), resolver_, ticket,
        [this, ticket] { return next_link(ticket); }, live_, told_);
}

void Links::add_to(PollSet& poll) {
    authenticator_.add_to(poll);
    resolver_slot_ = poll.add(resolver_.fd());
    for (auto& [ticket, listener] : listeners_) listener->add_to(poll);
    for (auto& [ticket, dialler] : diallers_) dialler->add_to(poll);
}

void Links::receive_into(core::Exchange& exchange, const PollSet& poll, Time now) {
    authenticator_.answer(poll, now);
    if (poll.ready(resolver_slot_))
        for (const auto& answer : resolver_.take())
            if (const auto found = diallers_.find(answer.ticket); found != diallers_.end())
                found->second->on_resolved(answer, now);
    std::uint64_t open = 0;
    for (auto& [ticket, listener] : listeners_) {
        listener->receive_into(exchange, poll, now);
        open += listener->open_connections();
    }
    told_.counters.link_connections = open;
    for (auto& [ticket, dialler] : diallers_) dialler->receive_into(exchange, poll, now);
}

// Wakes nobody: the core's keepalives do, as long as there is a link.
void Links::end_silent_lines(Time now) {
    using namespace std::chrono_literals;
    if (now < lines_due_) return;
    lines_due_ = now + 1s;
    for (const auto& [ticket, listener] : listeners_) listener->end_silent_lines();
    for (const auto& [ticket, dialler] : diallers_) dialler->end_silent_line();
}

void Links::advance(Time now) {
    end_silent_lines(now);
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

LinkListener* Links::listener_of(core::LinkId link) {
    const auto found = listeners_.find(carrier_of(link));
    return found == listeners_.end() ? nullptr : found->second.get();
}

void Links::send(const core::ToLink& out) {
    // Neither may know of such a link any more: it ended in this turn.
    if (LinkListener* listener = listener_of(out.link))
        listener->send(out);
    else if (LinkDialler* dialler = dialler_of(out.link))
        dialler->send(out);
}

void Links::close(const core::Effects::CloseLink& what, Time now) {
    if (LinkListener* listener = listener_of(what.link))
        listener->close(what.link);
    else if (LinkDialler* dialler = dialler_of(what.link))
        dialler->close(what.link, what.parked, now);
}

void Links::linger() {
    for (auto& [ticket, listener] : listeners_) listener->linger();
    for (auto& [ticket, dialler] : diallers_) dialler->linger();
}

bool Links::has_news() const {
    const auto any = [](const auto& carriers) {
        return std::ranges::any_of(carriers,
                                   [](const auto& entry) { return entry.second->has_news(); });
    };
    return any(listeners_) || any(diallers_);
}

}  // namespace bus::io
