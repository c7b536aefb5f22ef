// One host's agent: the real exchange on a fake journal, as agent.cpp would run
// it: inputs gather, a turn decides, its effects are carried out. It can crash
// at any moment between two events, and start again on what was durable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/exchange.h"
#include "fake_journal.h"
#include "network.h"
#include "oracle.h"
#include "random.h"
#include "timeline.h"
#include "trace.h"

namespace bus::sim {

class App;

// An app's connection to its agent. Broken, it carries nothing more in either direction.
struct Attachment {
    bool alive = true;
    App* app = nullptr;
    core::SessionId session{};  // at the host; 0: no frame has come yet
    Time last_to_host{}, last_to_app{};
};

class Host final : public LinkOwner, public HostView {
  public:
    struct Surroundings {
        Timeline& timeline;
        Random& random;
        Trace& trace;
        Oracle& oracle;
        Network& network;
        std::vector<Host*>& hosts;
    };
    Host(const Surroundings& around, int index, std::uint64_t journal_seed);
    // Another machine with the agent id, the key and the journal of `original`.
    Host(const Surroundings& around, int index, std::uint64_t journal_seed, const Host& original);

    // ---- Its life.
    void start();
    void crash(const char* how);
    // SIGTERM: what is in flight is finished, then it stops.
    void stop();
    // Only while down: the boot clock starts at zero; the wall clock jumps.
    void reboot() { boot_zero_ = around_.timeline.now(); }
    void jump_wall(std::int64_t seconds) {
        wall_offset_seconds_ += seconds;
        wall_offset_highest_ = std::max(wall_offset_highest_, wall_offset_seconds_);
    }
    // It is not earlier than it has ever been.
    void set_clock_right() { wall_offset_seconds_ = wall_offset_highest_; }
    // It has started with a clock that was behind: what is due is so only when that has caught up.
    bool is_behind() const { return is_up() && started_with_offset_ < wall_offset_highest_; }

    bool is_up() const override { return exchange_ != nullptr; }
    bool accepts(int peer) const override;
    bool is_stopping() const { return stopping_; }
    std::uint64_t starts() const override { return starts_; }
    int index() const override { return index_; }
    AgentId agent() const override { return settings_.agent; }
    std::uint64_t incarnation() const override { return incarnation_; }
    const Disk& durable() const override { return journal_.durable(); }
    const std::string& name() const { return settings_.name; }

    // ---- Configuration.
    void add_peer(const Host& peer);
    void remove_peer(const Host& peer);
    bool has_peer(const Host& peer) const { return settings_of(peer) != nullptr; }
    // From now on it has two keys, then only the new one.
    void begin_new_key();
    void drop_old_key();
    bool has_two_keys() const { return has_two_keys_; }
    // Nothing happens if that is no peer of its now.
    void learn_keys(const Host& peer);
    // Its host was taken away: it is forgotten, and what was owed to it is dead letters. Requires:
    // up.
    void retire_peer(const Host& peer);
    // Requires: up.
    void drain(bool on) {
        exchange_->drain(on, now());
        want_turn(Duration{});
    }
    // Requires: up. It is carried out, and no turn of the agent's has followed.
    core::SubscriptionChange order(const core::SubscriptionOrder& order);
    bool has_stored(core::Submission change) const { return exchange_->is_stored(change); }
    // By its operator: all dead letters, as far as they fit into one page. Nothing happens while it
    // is down.
    void tend_dead_letters(core::DeadLetterRequest::Act act);
    void set_relay() { settings_.relay = true; }
    // In force from the next start on, or at once if it runs.
    void set_channel_bounds(std::vector<core::ChannelSettings> bounds);
    // Whatever else is said of channels, also later.
    void keep_settings(const std::vector<core::ChannelSettings>& channels) {
        standing_ = channels;
        set_channel_bounds({});
    }
    // From now on nothing becomes too old, is given back too often, or is too much for a
    // subscription.
    void lift_ages();
    void set_journal_bytes_max(std::uint64_t bytes) { settings_.journal_bytes_max = bytes; }
    // Told to by its operator, for all peers that it is not linked to.
    void rejoin();
    FakeJournal& journal() { return journal_; }
    // From now on its journal is that one. Requires: down.
    void restore(const Disk& backup);

    // ---- What comes in.
    void on_link_up(core::LinkId link, int peer, bool dialled) override;
    void on_link_down(core::LinkId link) override;
    void on_link_frame(core::LinkId link, int peer, Frame frame) override;
    void on_attached(const std::shared_ptr<Attachment>& app) { attached_.push_back(app); }
    void on_app_frame(const std::shared_ptr<Attachment>& from, Frame frame);
    void on_app_gone(const std::shared_ptr<Attachment>& from);

    // Requires: up.
    core::Status status() const { return exchange_->status(now()); }
    Time now() const { return Time{around_.timeline.now() - boot_zero_}; }
    std::uint64_t wall_micros() const;
    std::uint64_t turns() const { return turns_; }
    std::uint64_t memory_bytes_most() const { return memory_bytes_most_; }
    // How often a peer was refused by name because its incarnation is older than one it had, or its
    // ticket.
    std::uint64_t refusals() const { return refusals_; }
    std::uint64_t stale_refusals() const { return stale_refusals_; }

  private:
    struct LinkAt {
        int peer = -1;
        bool dialled = false;
        std::uint64_t peer_incarnation = 0;
        bool wants_tickets = false;
        wire::Ticket ticket;     // that this host handed out last
        bool confirmed = false;  // one of this session
    };
    // What it knows of a peer that has had data from it.
    struct Trust {
        wire::Ticket ticket;  // the peer had it on disk before the data
        std::uint64_t incarnation = 0;
    };
    std::string key(int number) const;
    // The one it dials with comes first.
    std::vector<std::string> keys() const;
    core::PeerSettings* settings_of(const Host& peer);
    const core::PeerSettings* settings_of(const Host& peer) const;
    // That the handshake with that host proves, as far as this one knows it.
    std::string proven_key(int peer, bool dialled) const;
    void reload();
    void die(bool in_peace);
    void want_turn(Duration delay);
    void turn();
    void wake_at(Time when);
    void carry_out();
    void send_to_app(const core::ToApp& to);
    void send_to_link(const core::ToLink& to);
    void check_identity(int peer, const LinkAt& link, const wire::LinkHello& hello,
                        std::size_t events_before);
    void check_ticket(const wire::LinkHello& hello, bool accepted, bool refused);
    void trust(LinkAt& link, int peer);
    void note_link_control(int peer, core::LinkId link, const wire::LinkFrame& frame);
    void check_limits();
    void on_app_batch(core::SessionId session, const Frame& frame);
    void on_app_command(const std::shared_ptr<Attachment>& from, const Frame& frame);
    template <class... Args>
    void note(const char* format, const Args&... args) const;

    const Surroundings around_;
    const int index_;
    const int identity_;  // whose agent id and keys it has
    int key_ = 0;         // so many it had before
    bool has_two_keys_ = false;
    core::Settings settings_;
    std::vector<core::ChannelSettings> standing_;
    FakeJournal journal_;
    std::unique_ptr<core::Exchange> exchange_;
    std::uint64_t incarnation_ = 0;
    std::uint64_t starts_ = 0;
    Time boot_zero_{};
    std::int64_t wall_offset_seconds_ = 0, wall_offset_highest_ = 0, started_with_offset_ = 0;
    bool stopping_ = false;
    bool turn_planned_ = false;
    Time wake_planned_ = never;
    std::uint64_t turns_ = 0;
    std::uint64_t memory_bytes_most_ = 0;
    std::uint64_t refusals_ = 0, stale_refusals_ = 0;

    std::vector<std::weak_ptr<Attachment>> attached_;  // in this life
    std::map<core::SessionId, std::shared_ptr<Attachment>> sessions_;
    std::map<core::LinkId, LinkAt> links_;
    std::map<AgentId, std::uint64_t> met_;  // the highest incarnation that it linked to
    std::map<AgentId, Trust> trusted_;      // with this journal
    std::set<AgentId> rejoining_;           // told to, and no data went there since
    std::uint64_t last_session_ = 0;
};

}  // namespace bus::sim
