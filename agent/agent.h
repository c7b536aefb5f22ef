// The agent as a whole: what it is made of, in the order in which it is made,
// and the turn of its loop. Everything here happens on one thread; the journal
// has another, libzmq has its own.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config.h"
#include "config_changes.h"
#include "core/exchange.h"
#include "identity.h"
#include "io/admin_endpoint.h"
#include "io/links.h"
#include "io/local_endpoint.h"
#include "io/notify.h"
#include "io/poll_set.h"
#include "io/runtime_dir.h"
#include "io/signals.h"
#include "io/told.h"
#include "journal/writer.h"
#include "observe/log.h"
#include "observe/tap.h"
#include "progress.h"

namespace bus {

class Agent {
  public:
    // Takes the lock, opens the journal, binds the sockets. Throws Error with what to do about it.
    // `file` is read again on SIGHUP.
    Agent(Config config, std::filesystem::path file);

    // Until SIGTERM or SIGINT: then what is in flight is finished and committed.
    void run();

  private:
    void tell_ready();
    void gather();
    Time next_deadline() const;
    void turn();
    void on_signals(Time now);
    void begin_stop(Time now);
    bool is_over(Time now) const;
    ConfigChanges reload(bool dry_run, Time now);
    void apply(Config fresh, const ConfigChanges& changes, Time now);
    void reload_as_told(Time now);
    void rotate_key(std::uint64_t overlap_seconds, Time now);
    void drop_old_key(Time now);
    void change_identity(const Identity& to, Time now);
    void plan_key_change(Time now);
    void change_key_when_due(Time now);
    void log_changes(const ConfigChanges& changes, Time now);
    void take_journal_answers(Time now);
    void keep_watchdog(Time now);
    void send_to_links();
    void carry_out(Time now);

    // What operators ask for: agent_requests.cpp. They throw Error with why not.
    struct Request {
        std::string_view name;
        std::string (Agent::*answer)(const wire::AdminRequest& request, Time now);
    };
    static const std::array<Request, 18> requests;
    // None: it comes later, by that number.
    // `uid`: what the kernel says of who asks.
    std::optional<std::string> answer(const wire::AdminRequest& request, std::uint64_t number,
                                      std::optional<std::uint32_t> uid, Time now);
    std::string answer_now(const wire::AdminRequest& request, Time now);
    std::string tell_status(const wire::AdminRequest& request, Time now);
    std::string tell_route(const wire::AdminRequest& request, Time now);
    std::string tell_why(const wire::AdminRequest& request, Time now);
    std::string rejoin(const wire::AdminRequest& request, Time now);
    std::string ask_another(const wire::AdminRequest& request, Time now);
    std::string tell_answer(const wire::AdminRequest& request, Time now);
    std::string reload_as_asked(const wire::AdminRequest& request, Time now);
    std::string tell_identity(const wire::AdminRequest& request, Time now);
    std::string rotate_key_as_asked(const wire::AdminRequest& request, Time now);
    std::string drop_old_key_as_asked(const wire::AdminRequest& request, Time now);

    // Durable subscriptions: agent_subscriptions.cpp.
    std::string tell_subscriptions(const wire::AdminRequest& request, Time now);
    std::string change_subscription_as_asked(const wire::AdminRequest& request, Time now);
    std::string tell_stored(const wire::AdminRequest& request, Time now);

    // Saying goodbye: agent_goodbye.cpp.
    std::string remove_peer_as_asked(const wire::AdminRequest& request, Time now);
    std::string drain_as_asked(const wire::AdminRequest& request, Time now);
    std::string take_out_of_config(const std::string& name, Time now);

    // Who looks on: agent_taps.cpp.
    bool may_see_payloads(std::optional<std::uint32_t> uid) const;
    std::string open_tap(const wire::AdminRequest& request, Time now);
    std::string read_tap(const wire::AdminRequest& request, Time now);
    std::string close_tap(const wire::AdminRequest& request, Time now);
    void show_taps(const core::Effects& effects, Time now);
    void let_steps_show();  // as many as the taps have room for

    // Dead letters: agent_dead_letters.cpp. Answered when the journal has found them.
    bool is_about_dead_letters(const wire::AdminRequest& request) const;
    void ask_dead_letters(const wire::AdminRequest& request, std::uint64_t number, Time now);
    void tell_dead_letters(const core::DeadLetterAnswer& answer);

    // Made in this order, ended in the reverse: signals are blocked before there is a thread, the
    // directory is ours before anything in it is touched, the context outlives its sockets.
    const std::filesystem::path file_;
    Config config_;
    Identity identity_;
    io::Signals signals_;
    io::Notify notify_;
    observe::Log log_;
    io::RuntimeDir runtime_;
    std::unique_ptr<journal::Store> store_;  // until the journal thread has it
    core::Exchange exchange_;
    journal::Writer journal_;
    io::Told told_;
    io::Context context_;
    io::LocalEndpoint local_;
    io::AdminEndpoint admin_;
    io::Links links_;

    io::PollSet poll_;
    io::PollSet::Slot signals_slot_ = 0, journal_slot_ = 0;
    journal::Answers answers_;  // reused
    // What waits for the journal, by the number of the request.
    std::map<std::uint64_t, wire::AdminRequest> dead_letters_asked_;
    observe::Taps taps_;
    std::optional<std::uint32_t> asked_by_;  // the request that is being answered
    Time watchdog_due_ = never;
    Progress progress_;
    bool is_stuck_ = false;                  // and the log says so
    Time key_change_due_ = never;            // to look at the wall clock
    std::optional<Time> stop_by_;            // once told to stop
    std::uint64_t refused_connections_ = 0;  // already told
};

}  // namespace bus
