// The agent's own keys while they roll over: a next one is made and both are
// listened with, and when its time has come the old one is dropped. What is
// owed and what was taken hangs on the agent's id, so that no message notices.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "agent.h"
#include "agent_parts.h"
#include "base/clock.h"
#include "bus/error.h"

namespace bus {
namespace {

using namespace std::chrono_literals;

// The wall clock may be set: it is looked at again after this at the latest.
constexpr Duration glance = 60s;

std::uint64_t unix_seconds() { return wall_micros() / 1'000'000; }

std::string date_text(std::uint64_t unix_seconds) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                       fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

}  // namespace

// Either all of it happens, or an Error is thrown and nothing has.
void Agent::change_identity(const Identity& to, Time now) {
    links_.set_own_keys(own_keys_of(to), exchange_, now);
    try {
        replace_identity(config_.identity, to);
    } catch (const Error&) {
        links_.set_own_keys(own_keys_of(identity_), exchange_, now);
        throw;
    }
    identity_ = to;
    plan_key_change(now);
}

void Agent::rotate_key(std::uint64_t overlap_seconds, Time now) {
    const auto longest = static_cast<std::uint64_t>(std::chrono::seconds{key_overlap_max}.count());
    const std::chrono::seconds overlap{std::min(overlap_seconds, longest + 1)};
    const Identity rolling = with_next_key(identity_, overlap, unix_seconds());
    refuse_own_keys(config_, rolling.public_keys());
    change_identity(rolling, now);
    log_.say(observe::Severity::info,
             fmt::format("identity: the next key is {}; peers need it under \"keys\" of this agent "
                         "before {}, when the old one is dropped",
                         rolling.next->public_key, date_text(rolling.next->from_unix_seconds)),
             now);
}

void Agent::drop_old_key(Time now) {
    change_identity(without_old_key(identity_), now);
    log_.say(observe::Severity::info,
             "identity: the old key was dropped; this agent's key is " + identity_.public_key, now);
}

void Agent::plan_key_change(Time now) {
    key_change_due_ = never;
    if (!identity_.next) return;
    const std::uint64_t at = identity_.next->from_unix_seconds;
    const std::uint64_t left = at - std::min(at, unix_seconds());
    key_change_due_ = now + std::min(glance, Duration{std::chrono::seconds{left}});
}

// The date in the file decides, so a file that cannot be written does not keep the old key alive.
void Agent::change_key_when_due(Time now) {
    if (now < key_change_due_) return;
    if (!is_old_key_over(identity_, unix_seconds())) return plan_key_change(now);
    identity_ = without_old_key(identity_);
    key_change_due_ = never;
    links_.set_own_keys(own_keys_of(identity_), exchange_, now);
    log_.say(observe::Severity::info,
             "identity: the old key was dropped; this agent's key is " + identity_.public_key, now);
    try {
        replace_identity(config_.identity, identity_);
    } catch (const Error& error) {
        log_.say(observe::Severity::warning,
                 fmt::format("{}; the old key stays in the file and is not used", error.what()),
                 now);
    }
}

}  // namespace bus
