#include "status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "figures.h"
#include "paint.h"
#include "paragraph.h"
#include "table.h"
#include "way_text.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::uint64_t number(const Json& at, const char* key) { return at.value(key, std::uint64_t{0}); }
std::string word(const Json& at, const char* key) { return at.value(key, std::string{}); }
Json part(const Json& at, const char* key) { return at.value(key, Json::array()); }

std::string agent_text(const Json& status, const Paint& paint) {
    return fmt::format("{}  agent {}, up {}, {}{}\n", paint.heading(word(status, "name")),
                       word(status, "agent"), in_millis(number(status, "uptime_millis")),
                       counted(number(status, "sessions"), "app"),
                       status.value("relay", false) ? ", relays" : "");
}

// 0 where there is none.
std::uint64_t figure(const Json& at, const char* key) {
    const auto found = at.find(key);
    return found == at.end() || found->is_null() ? 0 : found->get<std::uint64_t>();
}

std::string backlog_text(const Json& link) {
    const std::uint64_t messages = number(link, "backlog_messages");
    const std::uint64_t age = number(link, "backlog_age_millis");
    if (messages == 0) return {};
    std::string text = fmt::format("{}{}, {}, the oldest for {}", counted(messages, "message"),
                                   messages == 1 ? " waits" : " wait",
                                   in_bytes(number(link, "backlog_bytes")), in_millis(age));
    // Live traffic is always on its way, and no backlog.
    const std::uint64_t drained = figure(link, "drained_in_millis");
    if (drained >= 1000 || (drained > 0 && age >= 1000))
        text += ", drained in about " + in_millis(drained);
    return text;
}

std::string held_text(const Json& link) {
    constexpr std::size_t shown_max = 5;
    const Json held = part(link, "held");
    std::string names;
    for (std::size_t i = 0; i < std::min(held.size(), shown_max); ++i)
        names += (i == 0 ? "" : ", ") + held[i].get<std::string>();
    if (held.size() > shown_max) names += fmt::format(" and {} more", held.size() - shown_max);
    return names.empty() ? "" : names + " held back";
}

std::string notes_on(const Json& link) {
    const std::string error = word(link, "state") == "up" ? "" : word(link, "last_error");
    std::string notes;
    for (const std::string& note : {backlog_text(link), held_text(link), error})
        if (!note.empty()) notes += (notes.empty() ? "" : "; ") + note;
    return notes;
}

// "up 3 h", "down 5.0 s"
std::string state_text(const Json& link) {
    const std::string state = word(link, "state");
    if (const std::uint64_t millis = figure(link, "for_millis"); millis > 0)
        return state + " " + in_millis(millis);
    const bool never = link.contains("for_millis") && link.at("for_millis").is_null();
    return state == "down" && never ? "never up" : state;
}

std::string speed_text(const Json& link, const char* key) {
    const Json speed = link.value(key, Json::object());
    const std::uint64_t messages = number(speed, "messages_per_second");
    const std::uint64_t bytes = number(speed, "bytes_per_second");
    return messages + bytes == 0 ? "-"
                                 : fmt::format("{}/s, {}/s", grouped(messages), in_bytes(bytes));
}

std::string indented(const std::string& notes) {
    return notes.empty() ? "" : paragraph("    ", notes);
}

std::string waiting_text(const Json& agent) {
    const std::uint64_t messages = number(agent, "waiting_messages");
    if (messages == 0) return {};
    return fmt::format("{}, {}, oldest {}", grouped(messages),
                       in_bytes(number(agent, "waiting_bytes")),
                       in_millis(number(agent, "oldest_millis")));
}

std::string reach_text(const Json& agent) {
    if (agent.value("up", false)) return "up";
    const std::uint64_t millis = figure(agent, "down_millis");
    const std::string at = word(agent, "waits_at");
    return fmt::format("down{}{}", millis == 0 ? "" : " " + in_millis(millis),
                       at.empty() ? "" : ": waits at " + at);
}

bool is_peer(const Json& status, const Json& agent) {
    for (const Json& link : part(status, "links"))
        if (link.value("agent", Json{}) == agent.value("agent", Json{})) return true;
    return false;
}

std::string name_text(const Json& agent) {
    const std::string name = word(agent, "name");
    return name.empty() ? word(agent, "agent") : name;
}

// Those beyond the neighbours.
std::string agents_text(const Json& status) {
    Table table{{{"agent"}, {"way"}, {"cost", right}, {"state"}, {"waiting here"}}};
    for (const Json& agent : part(status, "agents")) {
        if (is_peer(status, agent)) continue;
        table.add({name_text(agent), way_text(part(agent, "path")), grouped(number(agent, "cost")),
                   reach_text(agent), waiting_text(agent)});
    }
    return table.is_empty() ? "" : "\n" + table.text();
}

std::string groups_text(const Json& status) {
    Table table{{{"here"},
                 {"name"},
                 {"filter"},
                 {"consumers", right},
                 {"waiting", right},
                 {"", right},
                 {"oldest", right},
                 {"handed out", right}}};
    for (const Json& group : part(status, "groups")) {
        const std::uint64_t waiting = number(group, "waiting_messages");
        const bool anonymous = word(group, "type") == "anonymous";  // its name is for no eyes
        table.add({word(group, "type"), anonymous ? "" : word(group, "name"), word(group, "filter"),
                   grouped(number(group, "consumers")), grouped(waiting),
                   waiting == 0 ? "" : in_bytes(number(group, "waiting_bytes")),
                   waiting == 0 ? "" : in_millis(number(group, "oldest_millis")),
                   grouped(number(group, "unacknowledged"))});
    }
    return table.is_empty() ? "" : "\n" + table.text();
}

std::string journal_text(const Json& status, const Paint& paint) {
    if (!status.contains("journal")) return {};
    const Json journal = status.at("journal");
    const bool full = journal.value("full", false);
    std::string text =
        fmt::format("\njournal  {} waiting in {} of files", in_bytes(number(journal, "live_bytes")),
                    in_bytes(number(journal, "file_bytes")));
    if (const std::uint64_t dead = number(journal, "dead_letters"); dead > 0)
        text += ", " + counted(dead, "dead letter");
    if (full) text += paint.bad("  FULL: new messages are refused until some are delivered");
    return text + "\n";
}

std::uint64_t ended(const Json& account) {
    std::uint64_t sum = 0;
    for (const char* key : {"settled", "filtered", "expired", "lapsed", "dead_lettered", "purged",
                            "moved", "waiting"})
        sum += number(account, key);
    return sum;
}

std::uint64_t destination_of(const Json& owner) {
    return number(owner.value("account", Json::object()), "destination");
}

// Groups and links carry their own account; 0 is what peers sent for a subscription that had ended.
std::string account_name(const Json& status, const Json& account) {
    const std::uint64_t destination = number(account, "destination");
    if (destination == 0) return "nobody here";
    for (const Json& group : part(status, "groups"))
        if (destination_of(group) == destination)
            return fmt::format("{} {}", word(group, "type"),
                               word(group, word(group, "type") == "anonymous" ? "filter" : "name"));
    for (const Json& link : part(status, "links"))
        if (destination_of(link) == destination) return "link " + word(link, "peer");
    for (const Json& agent : part(status, "agents"))
        if (destination_of(agent) == destination) return "agent " + name_text(agent);
    return fmt::format("#{}", destination);
}

// Messages without a destination have no account, only a count.
bool is_worth_showing(const Json& account) {
    return number(account, "destination") != 0 || number(account, "taken") > 0;
}

constexpr std::pair<const char*, const char*> figures_of_account[] = {
    {"recovered", "recovered"}, {"taken", "taken"},     {"settled", "settled"},
    {"filtered", "filtered"},   {"expired", "expired"}, {"lapsed", "lapsed"},
    {"dead_lettered", "dead"},  {"purged", "purged"},   {"moved", "moved"},
    {"waiting", "waiting"}};

// Those that are not 0 everywhere.
std::vector<std::pair<const char*, const char*>> figures_in(const Json& accounts) {
    std::vector<std::pair<const char*, const char*>> shown;
    for (const auto& one : figures_of_account)
        if (std::any_of(accounts.begin(), accounts.end(), [&](const Json& account) {
                return is_worth_showing(account) && number(account, one.first) > 0;
            }))
            shown.push_back(one);
    return shown;
}

// Conservation (G5): what came in is what went out and what is here.
std::string accounts_text(const Json& status, const Paint& paint) {
    const Json accounts = part(status, "accounts");
    const auto shown = figures_in(accounts);
    std::vector<Table::Column> columns{{"account"}};
    for (const auto& [key, heading] : shown) columns.push_back({heading, right});
    Table table{std::move(columns)};
    for (const Json& account : accounts) {
        if (!is_worth_showing(account)) continue;
        std::vector<std::string> row{account_name(status, account)};
        for (const auto& [key, heading] : shown) row.push_back(grouped(number(account, key)));
        table.add(std::move(row));
        if (number(account, "recovered") + number(account, "taken") != ended(account))
            table.note("    " + paint.bad("DOES NOT BALANCE: please report this") + "\n");
    }
    return table.is_empty() ? "" : "\n" + table.text();
}

std::string remarks_text(const Json& status) {
    std::string text;
    const auto remark = [&](const char* key, const char* thing, const char* words) {
        if (const std::uint64_t count = number(status, key); count > 0)
            text += fmt::format("{} {}\n", counted(count, thing), words);
    };
    remark("unrouted", "message", "had nobody to go to");
    remark("denied", "request", "denied by rules");
    remark("malformed", "malformed frame", "dropped");
    remark("duplicates_dropped", "repeated frame", "dropped");
    remark("best_effort_dropped", "best-effort message", "dropped");
    for (const Json& denial : part(status, "denials"))
        text += paragraph(
            "    ", fmt::format("{} may not {} {}: {}; {}, last {} ago", word(denial, "who"),
                                word(denial, "verb"), word(denial, "channel"), word(denial, "rule"),
                                counted(number(denial, "times"), "time"),
                                in_millis(number(denial, "last_millis"))));
    for (const auto& held : part(status, "held_producers"))
        text += fmt::format("held back: {}\n", held.get<std::string>());
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string links_text(const Json& links) {
    Table table{{{"link"},
                 {"state"},
                 {"by"},
                 {"round trip", right},
                 {"sending", right},
                 {"receiving", right}}};
    for (const Json& link : links) {
        const bool up = word(link, "state") == "up";
        const double millis = static_cast<double>(number(link, "rtt_micros")) / 1000;
        table.add({word(link, "peer"), state_text(link),
                   !up                            ? ""
                   : link.value("dialled", false) ? "us"
                                                  : "peer",
                   up && millis > 0 ? fmt::format("{:.1f} ms", millis) : "",
                   up ? speed_text(link, "sending") : "", up ? speed_text(link, "receiving") : ""});
        table.note(indented(notes_on(link)));
    }
    return table.text();
}

std::string status_text(const Json& status, bool colours) {
    const Paint paint{colours};
    const Json links = part(status, "links");
    return agent_text(status, paint) + (links.empty() ? "" : "\n" + links_text(links)) +
           agents_text(status) + groups_text(status) + journal_text(status, paint) +
           accounts_text(status, paint) + remarks_text(status);
}

}  // namespace bus::cli
