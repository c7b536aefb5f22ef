#include "network.h"

#include <algorithm>

namespace bus::sim {

using namespace std::chrono_literals;
using core::LinkId;

void Network::add_address(int dialler, int listener) {
    addresses_.emplace_back(dialler, listener);
    links_.emplace_back();
}

bool Network::are_linked(int a, int b) const {
    return std::any_of(addresses_.begin(), addresses_.end(), [&](const auto& address) {
        return std::minmax(address.first, address.second) == std::minmax(a, b);
    });
}

LinkId Network::enter(const CircuitPtr& circuit, int side) {
    const LinkId id{++last_id_};
    circuit->at[std::size_t(side)] = id;
    ends_[id] = {circuit, side};
    return id;
}

void Network::leave(const CircuitPtr& circuit, int side) {
    ends_.erase(circuit->at[std::size_t(side)]);
    circuit->at[std::size_t(side)] = LinkId{};
}

// ---- Dialling ------------------------------------------------------------------

void Network::host_started(int host) {
    for (std::size_t address = 0; address < addresses_.size(); ++address)
        if (addresses_[address].first == host) dial_later(address, random_.between(0ms, 50ms));
}

void Network::host_died(int host) {
    for (std::size_t address = 0; address < addresses_.size(); ++address)
        if (addresses_[address].first == host) links_[address].dialling = false;
    std::vector<End> gone;
    for (const auto& [id, end] : ends_)
        if (host_at(end.circuit->address, end.side) == host) gone.push_back(end);
    for (const auto& end : gone) leave(end.circuit, end.side);
    for (std::size_t address = 0; address < addresses_.size(); ++address) {
        const auto [dialler, listener] = addresses_[address];
        const auto& circuit = links_[address].circuit;
        if ((dialler != host && listener != host) || !circuit) continue;
        if (std::exchange(circuit->alive, false))
            notice_down(circuit, dialler == host ? 1 : 0, random_.between(0ms, 2s));
    }
}

void Network::dial_later(std::size_t address, Duration delay) {
    if (std::exchange(links_[address].dialling, true)) return;
    const auto starts = owner(address, 0).starts();
    timeline_.after(delay, [this, address, starts] {
        if (owner(address, 0).starts() == starts) dial(address);
    });
}

// A circuit of another address joins the same two hosts and is known to this one.
bool Network::has_other_link(std::size_t address) const {
    const auto pair = std::minmax(addresses_[address].first, addresses_[address].second);
    return std::any_of(ends_.begin(), ends_.end(), [&](const auto& entry) {
        const auto& [circuit, side] = entry.second;
        return circuit->alive && circuit->address != address &&
               host_at(circuit->address, side) == addresses_[address].first &&
               std::minmax(addresses_[circuit->address].first,
                           addresses_[circuit->address].second) == pair;
    });
}

void Network::dial(std::size_t address) {
    auto& link = links_[address];
    link.dialling = false;
    if (!owner(address, 0).is_up()) return;
    if (link.circuit && link.circuit->alive && link.circuit->at[0].value != 0) return;
    const auto [dialler, listener] = addresses_[address];
    if (is_partitioned(dialler, listener)) return dial_later(address, patience_);
    if (!owner(address, 1).is_up() || !owner(address, 0).accepts(listener) ||
        !owner(address, 1).accepts(dialler))
        return dial_later(address, random_.between(250ms, 2s));
    link.circuit = std::make_shared<Circuit>();
    link.circuit->address = address;
    const LinkId id = enter(link.circuit, 0);
    owner(address, 0).on_link_up(id, listener, true);
}

void Network::close(LinkId id, bool parked) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    const End end = found->second;
    leave(end.circuit, end.side);
    if (end.side == 1) return;  // the listener cannot close: what comes next is a new link to it
    end.circuit->alive = false;
    notice_down(end.circuit, 1, random_.between(0ms, 1s));
    const std::size_t address = end.circuit->address;
    if (!parked) return dial_later(address, random_.between(100ms, 1s));
    wait_parked(address, owner(address, 0).starts());
}

// A parked address is dialled again when its peer has no other link.
void Network::wait_parked(std::size_t address, std::uint64_t starts) {
    timeline_.after(1s, [this, address, starts] {
        if (owner(address, 0).starts() != starts || !owner(address, 0).is_up()) return;
        if (has_other_link(address)) return wait_parked(address, starts);
        dial_later(address, 0ms);
    });
}

// ---- Frames ----------------------------------------------------------------------

bool Network::is_lost(std::size_t address, int side, const Frame& frame) {
    auto& link = links_[address];
    if (timeline_.now() < link.lose_until[std::size_t(side)]) return true;
    auto& run = link.lose[std::size_t(side)];
    if (run > 0) return --run, true;
    auto& type = link.lose_type[std::size_t(side)];
    if (type < 0 || frame.empty() || std::to_integer<int>(frame[0]) != type) return false;
    type = -1;
    return true;
}

void Network::send(LinkId id, Frame frame) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    const auto [circuit, side] = found->second;
    const int toward = 1 - side;
    const auto [dialler, listener] = addresses_[circuit->address];
    if (!circuit->alive || is_partitioned(dialler, listener)) return;
    if (is_lost(circuit->address, toward, frame)) return;
    auto& last = circuit->last[std::size_t(toward)];
    last =
        std::max(last, timeline_.now() + random_.between(weather_.delay_min, weather_.delay_max));
    timeline_.at(last, [this, circuit = circuit, toward, frame = std::move(frame)]() mutable {
        arrive(circuit, toward, std::move(frame));
    });
}

void Network::arrive(const CircuitPtr& circuit, int side, Frame frame) {
    if (!circuit->alive || !owner(circuit->address, side).is_up()) return;
    const int peer = host_at(circuit->address, 1 - side);
    if (circuit->at[std::size_t(side)].value == 0) {
        if (side == 0) return;
        if (!owner(circuit->address, side).accepts(peer)) {
            circuit->alive = false;
            return notice_down(circuit, 0, 1ms);
        }
        const LinkId id = enter(circuit, side);
        owner(circuit->address, side).on_link_up(id, peer, false);
    }
    owner(circuit->address, side)
        .on_link_frame(circuit->at[std::size_t(side)], peer, std::move(frame));
}

void Network::notice_down(const CircuitPtr& circuit, int side, Duration after) {
    timeline_.after(after, [this, circuit, side] {
        const LinkId id = circuit->at[std::size_t(side)];
        if (id.value == 0) return;
        leave(circuit, side);
        owner(circuit->address, side).on_link_down(id);
        if (side == 0) dial_later(circuit->address, random_.between(50ms, 1s));
    });
}

// ---- Faults --------------------------------------------------------------------------

void Network::cut(std::size_t address, Duration dialler_notices, Duration listener_notices) {
    const auto circuit = links_[address].circuit;
    if (!circuit || !std::exchange(circuit->alive, false)) return;
    notice_down(circuit, 0, dialler_notices);
    notice_down(circuit, 1, listener_notices);
}

void Network::renew(std::size_t address, Duration listener_notices) {
    auto& link = links_[address];
    if (!link.circuit || !link.circuit->alive) return;
    const auto old = link.circuit;
    if (old->at[0].value == 0) return;
    old->alive = false;
    notice_down(old, 1, listener_notices);
    link.circuit = std::make_shared<Circuit>();
    link.circuit->address = address;
    link.circuit->at[0] = std::exchange(old->at[0], LinkId{});
    ends_[link.circuit->at[0]] = {link.circuit, 0};
}

void Network::lose_run(std::size_t address, int toward_listener, unsigned frames) {
    links_[address].lose[std::size_t(toward_listener)] += frames;
}

void Network::lose_all(std::size_t address, int toward_listener, Duration how_long) {
    links_[address].lose_until[std::size_t(toward_listener)] = timeline_.now() + how_long;
}

void Network::lose_one(std::size_t address, int toward_listener, wire::FrameType type) {
    links_[address].lose_type[std::size_t(toward_listener)] = static_cast<int>(type);
}

void Network::partition(int a, int b, bool blocked) {
    const std::pair<int, int> pair{std::min(a, b), std::max(a, b)};
    if (blocked) {
        blocked_.insert(pair);
        return;
    }
    blocked_.erase(pair);
    for (std::size_t address = 0; address < addresses_.size(); ++address)
        if (std::minmax(addresses_[address].first, addresses_[address].second) == std::minmax(a, b))
            timeline_.after(random_.between(1ms, 2s), [this, address] { dial(address); });
}

void Network::calm() {
    for (const auto& pair : std::set(blocked_)) partition(pair.first, pair.second, false);
    for (auto& link : links_) {
        link.lose = {};
        link.lose_type = {-1, -1};
        link.lose_until = {};
    }
}

}  // namespace bus::sim
