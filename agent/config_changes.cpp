#include "config_changes.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "byte_size.h"
#include "config_values.h"
#include "core/words.h"

namespace bus {
namespace {

std::string text_of_rate(std::uint64_t bytes_per_second) {
    return bytes_per_second == 0 ? "unlimited" : byte_size_text(bytes_per_second) + "/s";
}
std::string text_of_addresses(const std::vector<std::string>& addresses) {
    return addresses.empty() ? "none (it dials)" : core::joined(addresses);
}
std::string text_of_flag(bool flag) { return flag ? "true" : "false"; }
std::string text_of_flag(std::optional<bool> flag) {
    return flag ? text_of_flag(*flag) : "not set";
}
std::string text_of_retention(std::optional<bool> last) {
    return !last ? "not set" : *last ? "last" : "none";
}
std::string text_of_count(std::optional<std::uint32_t> count) {
    return count ? std::to_string(*count) : "not set";
}
// In the largest unit that divides it.
std::string text_of_age(Duration age) {
    static constexpr std::pair<std::chrono::seconds, char> units[] = {
        {std::chrono::hours{24}, 'd'},
        {std::chrono::hours{1}, 'h'},
        {std::chrono::minutes{1}, 'm'}};
    for (const auto& [unit, letter] : units)
        if (age % unit == Duration{}) return std::to_string(age / unit) + letter;
    return std::to_string(age / std::chrono::seconds{1}) + 's';
}
std::string text_of_time(std::optional<Duration> time) {
    return time ? text_of_age(*time) : "not set";
}
std::string text_of_size(const std::optional<std::uint64_t>& bytes) {
    return bytes ? byte_size_text(*bytes) : "not set";
}
std::string text_of_bound(const core::Bound& bound) {
    std::string text = bound.bytes == 0 ? "" : "waiting " + byte_size_text(bound.bytes);
    if (bound.age > Duration{}) text += (text.empty() ? "age " : ", age ") + text_of_age(bound.age);
    return text.empty() ? "none" : text;
}
std::string text_of_bound(const core::PublisherBound& bound) {
    std::string text;
    const auto add = [&](const std::string& one) { text += (text.empty() ? "" : ", ") + one; };
    if (bound.bytes > 0) add("waiting " + byte_size_text(bound.bytes));
    if (bound.messages > 0) add("messages " + std::to_string(bound.messages));
    if (bound.rate > 0) add("rate " + std::to_string(bound.rate));
    if (bound.age > Duration{}) add("age " + text_of_age(bound.age));
    if (bound.at_limit == core::AtLimit::refuse) add("at_limit refuse");
    return text.empty() ? "none" : text;
}
std::string text_of_app_bound(const core::AppBound& bound) {
    std::string text = text_of_bound(bound.waiting);
    if (bound.subscriptions == 0) return text;
    const std::string most = "subscriptions " + std::to_string(bound.subscriptions);
    return text == "none" ? most : text + ", " + most;
}
std::string text_of_bound(const std::optional<core::Bound>& bound) {
    return bound ? text_of_bound(*bound) : "not set";
}
std::string text_of_trust(const PeerConfig& peer) {
    return peer.may ? permissions_text(*peer.may) : "everything";
}

// Lines about one thing.
class Subject {
  public:
    Subject(std::string name, std::vector<std::string>& lines)
        : name_(std::move(name)), lines_(lines) {}
    void tell(const std::string& what) { lines_.push_back(name_ + ": " + what); }
    void compare(std::string_view what, const std::string& was, const std::string& is) {
        if (was != is) tell(std::string{what} + " " + is + ", was " + was);
    }

  private:
    const std::string name_;
    std::vector<std::string>& lines_;
};

bool has_key(const PeerConfig& peer, const std::string& key) {
    return std::ranges::find(peer.keys, key) != peer.keys.end();
}

void compare_keys(Subject& subject, const PeerConfig& was, const PeerConfig& is) {
    for (const auto& key : is.keys)
        if (!has_key(was, key)) subject.tell("key " + key + " added");
    for (const auto& key : was.keys)
        if (!has_key(is, key)) subject.tell("key " + key + " revoked; a link made with it ends");
    if (is.keys.front() != was.keys.front() && has_key(was, is.keys.front()))
        subject.tell("key " + is.keys.front() + " is the first now");
}

void compare_peers(const PeerConfig& was, const PeerConfig& is, std::vector<std::string>& lines) {
    Subject subject{"peer " + was.name, lines};
    subject.compare("name", was.name, is.name);
    compare_keys(subject, was, is);
    subject.compare("addresses", text_of_addresses(was.addresses), text_of_addresses(is.addresses));
    subject.compare("may", text_of_trust(was), text_of_trust(is));
    subject.compare("relays", text_of_flag(was.relays), text_of_flag(is.relays));
    subject.compare("status", text_of_flag(was.status), text_of_flag(is.status));
    subject.compare("cost", std::to_string(was.cost), std::to_string(is.cost));
    subject.compare("rate", text_of_rate(was.rate_bytes_per_second),
                    text_of_rate(is.rate_bytes_per_second));
    subject.compare("limits", text_of_bound(was.waiting), text_of_bound(is.waiting));
}

// A peer of `peers` by a common key, or else by its name; nullptr: there is none.
const PeerConfig* same_peer(const std::vector<PeerConfig>& peers, const PeerConfig& peer) {
    const auto found = std::ranges::find_if(peers, [&](const PeerConfig& other) {
        return std::ranges::find_first_of(other.keys, peer.keys) != other.keys.end();
    });
    if (found != peers.end()) return &*found;
    const auto named = std::ranges::find(peers, peer.name, &PeerConfig::name);
    return named == peers.end() ? nullptr : &*named;
}

void compare_all_peers(const Config& was, const Config& is, std::vector<std::string>& lines) {
    std::set<const PeerConfig*> kept;
    for (const auto& peer : is.peers) {
        const PeerConfig* const former = same_peer(was.peers, peer);
        if (former != nullptr && kept.insert(former).second)
            compare_peers(*former, peer, lines);
        else
            Subject{"peer " + peer.name, lines}.tell("added, addresses " +
                                                     text_of_addresses(peer.addresses) + ", may " +
                                                     text_of_trust(peer));
    }
    for (const auto& peer : was.peers)
        if (!kept.contains(&peer))
            Subject{"peer " + peer.name, lines}.tell(
                "removed; its link ends, and what is owed to it waits");
}

const AppConfig* rule_of(const Config& config, uid_t uid) {
    const auto found = std::ranges::find(config.apps, uid, &AppConfig::uid);
    return found == config.apps.end() ? nullptr : &*found;
}

void compare_apps(const Config& was, const Config& is, std::vector<std::string>& lines) {
    std::set<uid_t> uids;
    for (const auto& app : was.apps) uids.insert(app.uid);
    for (const auto& app : is.apps) uids.insert(app.uid);
    for (const uid_t uid : uids) {
        const auto text = [uid](const Config& config) {
            const AppConfig* const rule = rule_of(config, uid);
            return rule ? permissions_text(rule->may) : "everything (no rule)";
        };
        const auto limits = [uid](const Config& config) {
            const AppConfig* const rule = rule_of(config, uid);
            return text_of_app_bound(rule ? rule->limits : core::AppBound{});
        };
        Subject subject{"apps of uid " + std::to_string(uid), lines};
        subject.compare("may", text(was), text(is));
        subject.compare("limits", limits(was), limits(is));
    }
}

core::ChannelSettings said_of(const core::ChannelFilter& channels, const Config& config) {
    const auto found =
        std::ranges::find(config.channels, channels, &core::ChannelSettings::channels);
    if (found == config.channels.end()) return {.channels = channels, .waiting = {}};
    return *found;
}

void compare_channels(const Config& was, const Config& is, std::vector<std::string>& lines) {
    std::map<std::string, core::ChannelFilter> all;
    for (const auto& config : {&was, &is})
        for (const auto& bound : config->channels) all[bound.channels.words()] = bound.channels;
    for (const auto& [words, channels] : all) {
        const auto before = said_of(channels, was), after = said_of(channels, is);
        Subject subject{"channels " + words, lines};
        subject.compare("limits", text_of_bound(before.waiting), text_of_bound(after.waiting));
        subject.compare("max_deliveries", text_of_count(before.max_deliveries),
                        text_of_count(after.max_deliveries));
        subject.compare("bury_expired", text_of_flag(before.bury_expired),
                        text_of_flag(after.bury_expired));
        subject.compare("dead_letter_to", before.dead_letter_to.value_or("none"),
                        after.dead_letter_to.value_or("none"));
        subject.compare("return_after", text_of_time(before.return_after),
                        text_of_time(after.return_after));
        subject.compare("lapse", text_of_bound(before.lapse), text_of_bound(after.lapse));
        subject.compare("max_message", text_of_size(before.max_message),
                        text_of_size(after.max_message));
        subject.compare("retain", text_of_retention(before.retain_last),
                        text_of_retention(after.retain_last));
        subject.compare("home", before.home.value_or(""), after.home.value_or(""));
        subject.compare("exclusive", text_of_flag(before.exclusive), text_of_flag(after.exclusive));
    }
}

const core::SubscriptionSettings* declared(const std::string& name, const Config& config) {
    const auto found =
        std::ranges::find(config.subscriptions, name, &core::SubscriptionSettings::name);
    return found == config.subscriptions.end() ? nullptr : &*found;
}

void compare_subscriptions(const Config& was, const Config& is, std::vector<std::string>& lines) {
    for (const auto& one : is.subscriptions) {
        Subject subject{"subscription " + one.name, lines};
        const auto* const before = declared(one.name, was);
        if (before == nullptr)
            subject.tell(std::string{"declared"} + (one.group ? " as a group" : "") + ", filter " +
                         one.filter);
        else if (before->filter != one.filter || before->group != one.group)
            subject.tell((one.group ? "a group, filter " : "filter ") + one.filter + ", was " +
                         (before->group ? "a group, filter " : "") + before->filter +
                         "; it stays as it is until it is removed (`bus subscription remove`)");
        subject.compare("lapse", text_of_bound(before == nullptr ? std::nullopt : before->lapse),
                        text_of_bound(one.lapse));
    }
    for (const auto& one : was.subscriptions)
        if (declared(one.name, is) == nullptr)
            Subject{"subscription " + one.name, lines}.tell(
                "no longer declared; it stays, with what it has, until it is removed (`bus "
                "subscription remove`)");
}

std::vector<std::string> restart_keys(const Config& was, const Config& is) {
    const std::pair<std::string_view, bool> same[] = {
        {"name", was.name == is.name},
        {"identity", was.identity == is.identity},
        {"runtime", was.runtime == is.runtime},
        {"journal.path", was.journal.path == is.journal.path},
        {"journal.max_bytes", was.journal.max_bytes == is.journal.max_bytes},
        {"journal.min_free", was.journal.min_free == is.journal.min_free},
        {"listen", was.listen == is.listen || was.listen.empty()},
    };
    std::vector<std::string> keys;
    for (const auto& [key, unchanged] : same)
        if (!unchanged) keys.emplace_back(key);
    return keys;
}

}  // namespace

ConfigChanges changes_between(const Config& was, const Config& is) {
    ConfigChanges changes;
    if (was.listen.empty())
        for (const std::string& address : is.listen)
            changes.lines.push_back("listen: on " + address + ", nowhere before");
    Subject{"relay", changes.lines}.compare("is", text_of_flag(was.relay), text_of_flag(is.relay));
    compare_all_peers(was, is, changes.lines);
    compare_apps(was, is, changes.lines);
    compare_channels(was, is, changes.lines);
    compare_subscriptions(was, is, changes.lines);
    changes.restart = restart_keys(was, is);
    return changes;
}

}  // namespace bus
