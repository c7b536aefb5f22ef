// Links between hosts. One Link is one dialled address; under it circuits come
// and go, as TCP connections do under ZeroMQ: frames of a circuit arrive in
// order or not at all, and nobody need notice when they do not.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/effects.h"
#include "random.h"
#include "timeline.h"

namespace bus::sim {

using Frame = std::vector<std::byte>;

// The end of a link at one host. What Host does with it is its own.
class LinkOwner {
  public:
    virtual ~LinkOwner() = default;
    virtual bool is_up() const = 0;
    virtual std::uint64_t starts() const = 0;
    // Its key is configured: otherwise the handshake fails.
    virtual bool accepts(int peer) const = 0;
    virtual void on_link_up(core::LinkId link, int peer, bool dialled) = 0;
    virtual void on_link_down(core::LinkId link) = 0;
    virtual void on_link_frame(core::LinkId link, int peer, Frame frame) = 0;
};

struct Weather {
    Duration delay_min = std::chrono::microseconds{100}, delay_max = std::chrono::milliseconds{2};
};

class Network {
  public:
    Network(Timeline& timeline, Random& random, std::vector<LinkOwner*>& hosts)
        : timeline_(timeline), random_(random), hosts_(hosts) {}

    // `dialler` has an address of `listener`.
    void add_address(int dialler, int listener);
    void set_weather(const Weather& weather) { weather_ = weather; }
    bool are_linked(int a, int b) const;
    const std::vector<std::pair<int, int>>& addresses() const { return addresses_; }

    // ---- What a host does.
    void host_started(int host);
    void host_died(int host);
    void send(core::LinkId link, Frame frame);
    void close(core::LinkId link, bool parked);

    // ---- Faults.
    // The circuit breaks; the ends notice after their own delays.
    void cut(std::size_t address, Duration dialler_notices, Duration listener_notices);
    // It breaks and is made again before the dialler's edge can tell.
    void renew(std::size_t address, Duration listener_notices);
    void lose_run(std::size_t address, int toward_listener, unsigned frames);
    void lose_all(std::size_t address, int toward_listener, Duration how_long);
    void lose_one(std::size_t address, int toward_listener, wire::FrameType type);
    void partition(int a, int b, bool blocked);
    bool is_partitioned(int a, int b) const {
        return blocked_.contains({std::min(a, b), std::max(a, b)});
    }
    // No fault that was ordered is left.
    void calm();

  private:
    struct Circuit {
        std::size_t address = 0;
        bool alive = true;
        std::array<core::LinkId, 2> at{};  // dialler's, listener's; 0: not known there
        std::array<Time, 2> last{};        // arrival of the last frame toward that end
    };
    using CircuitPtr = std::shared_ptr<Circuit>;
    struct Link {
        CircuitPtr circuit;
        bool dialling = false;
        std::array<unsigned, 2> lose{};
        std::array<int, 2> lose_type{-1, -1};
        std::array<Time, 2> lose_until{};
    };
    struct End {
        CircuitPtr circuit;
        int side = 0;
    };

    int host_at(std::size_t address, int side) const {
        return side == 0 ? addresses_[address].first : addresses_[address].second;
    }
    LinkOwner& owner(std::size_t address, int side) {
        return *hosts_[static_cast<std::size_t>(host_at(address, side))];
    }
    void dial_later(std::size_t address, Duration delay);
    void dial(std::size_t address);
    bool has_other_link(std::size_t address) const;
    void wait_parked(std::size_t address, std::uint64_t starts);
    void arrive(const CircuitPtr& circuit, int side, Frame frame);
    bool is_lost(std::size_t address, int side, const Frame& frame);
    void notice_down(const CircuitPtr& circuit, int side, Duration after);
    core::LinkId enter(const CircuitPtr& circuit, int side);
    void leave(const CircuitPtr& circuit, int side);

    Timeline& timeline_;
    Random& random_;
    std::vector<LinkOwner*>& hosts_;
    Weather weather_;
    // Between attempts to reach a peer that is cut off; the end of a partition is noticed at once.
    static constexpr Duration patience_ = std::chrono::minutes{10};
    std::vector<std::pair<int, int>> addresses_;
    std::vector<Link> links_;
    std::map<core::LinkId, End> ends_;
    std::set<std::pair<int, int>> blocked_;
    std::uint64_t last_id_ = 0;
};

}  // namespace bus::sim
