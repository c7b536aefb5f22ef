// A whole cluster in one thread: hosts, links, apps, their clock and the
// oracle that watches them; from a seed through the faults to the end, where
// everything that was promised must have arrived and nothing may be left.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app.h"
#include "faults.h"
#include "host.h"
#include "network.h"
#include "operators.h"
#include "oracle.h"
#include "plan.h"
#include "random.h"
#include "timeline.h"
#include "trace.h"

namespace bus::sim {

struct Result {
    std::uint64_t hash = 0, steps = 0, messages = 0;
    Duration simulated{};
    std::uint64_t batches_written = 0;
    std::uint64_t memory_bytes_most = 0;  // of a host
    std::uint64_t refusals = 0, stale_refusals = 0;
    std::uint64_t last_values = 0;  // that late joiners were given
};

class Cluster {
  public:
    using DrawPlan = Plan (*)(Random&);
    Cluster(std::uint64_t seed, bool print, DrawPlan draw = draw_plan);
    ~Cluster();
    // Throws Broken.
    Result run();

    const Trace& trace() const { return trace_; }
    const Plan& plan() const { return plan_; }
    Duration simulated() const { return timeline_.now().time_since_epoch(); }

    // ---- For faults.
    Timeline& timeline() { return timeline_; }
    Random& random() { return random_; }
    Network& network() { return network_; }
    Oracle& oracle() { return oracle_; }
    std::vector<std::unique_ptr<Host>>& hosts() { return hosts_; }
    Operators& operators() { return operators_; }
    std::size_t apps() const { return apps_.size(); }
    // A second machine with that host's identity and journal starts, dials all it dials or that
    // dial it, and ends after `life`.
    void clone(std::size_t host, Duration life);
    bool has_clone() const { return clone_ != nullptr; }
    // nullptr: it is not running.
    App* app(std::size_t index) { return apps_[index].app.get(); }
    void kill_app(std::size_t index, Duration host_notices);
    void start_app(std::size_t index);
    bool is_over() const { return over_; }
    // A backup knows subscriptions that were ended since: of the two faults a run has one.
    enum class Past { untouched, ended, restored, cloned };
    bool choose_past(Past past) {
        if (past_ == Past::untouched) past_ = past;
        return past_ == past;
    }
    // Once it has stopped in peace.
    void start_when_down(std::size_t host);
    // What is cut off stays so for that long after everything else has calmed down.
    void endure(Duration how_long) { endure_ = how_long; }
    void note(const std::string& what) { trace_.step(timeline_.now(), what); }

  private:
    struct Slot {
        int host = 0;
        Habits habits;
        std::unique_ptr<App> app;
        Time down_since{};
    };

    void build();
    void run_until(Time when);
    void check_calm() const;
    void end_of_faults();
    void declare_subscriptions(std::size_t app);
    void resume_subscriptions();
    void settle(const std::string& phase);
    std::string what_is_left();
    std::string left_of(std::size_t app);
    std::string left_at(Host& host);
    void publish_probes();
    void check_probes();
    bool is_within_reach(int from, int to) const;
    bool is_within_reach(int from, const Place& place) const;
    bool is_served(const std::string& service, int for_host) const;
    void check_end();
    void join_late();
    void watch();
    void watch_pair(int a, int b);

    const std::uint64_t seed_;
    Timeline timeline_;
    Random random_;
    Random late_random_{seed_ ^ 0x1A57'0F1A'57ull};  // of last values
    Trace trace_;
    std::vector<const HostView*> views_;
    std::vector<LinkOwner*> owners_;
    std::vector<Host*> raw_hosts_;
    Oracle oracle_{views_, timeline_};
    Places places_{oracle_.book};
    Network network_{timeline_, random_, owners_};
    Operators operators_{timeline_};
    Plan plan_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::unique_ptr<Host> clone_;
    std::vector<Slot> apps_;
    std::vector<std::unique_ptr<App>> graveyard_;  // attachments may still point there
    std::uint64_t instances_ = 0;
    bool over_ = false;
    Duration watch_every_ = std::chrono::seconds{1};
    std::map<std::pair<int, int>, Time> linked_at_;
    Past past_ = Past::untouched;
    Duration endure_{};
    bool enduring_ = false;
    std::size_t first_probe_ = 0;
};

}  // namespace bus::sim
