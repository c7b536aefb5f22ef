#include "status_text.h"

#include <fmt/format.h>

#include "accounts_text.h"
#include "figures.h"
#include "gap_text.h"
#include "links_text.h"
#include "paint.h"
#include "paragraph.h"
#include "status_figures.h"
#include "table.h"
#include "way_text.h"

namespace bus::cli {
namespace {

using enum Table::Align;

std::string agent_text(const Json& status, const Paint& paint) {
    return fmt::format("{}  agent {}, up {}, {}{}{}\n", paint.heading(word(status, "name")),
                       word(status, "agent"), in_millis(number(status, "uptime_millis")),
                       counted(number(status, "sessions"), "app"),
                       status.value("relay", false) ? ", relays" : "",
                       status.value("draining", false) ? paint.bad(", is being drained") : "");
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

// A moment without a consumer is nothing to speak of.
std::string attendance_text(const Json& group) {
    const Json alone = group.value("unattended_millis", Json{});
    return alone.is_number() && alone.get<std::uint64_t>() >= 60'000
               ? "no consumer anywhere for " + in_millis(alone.get<std::uint64_t>())
               : "";
}

std::string type_text(const Json& group, const std::string& own_name) {
    std::string text = word(group, "type");
    const std::string home = group.value("home", std::string{});
    if (!home.empty() && home == own_name)
        text += ", kept here";
    else if (!home.empty())
        text += ", kept by " + home;
    if (group.value("exclusive", false)) text += ", exclusive";
    if (group.value("paused", false)) text += ", paused";
    return text;
}

std::string consumers_text(const Json& group) {
    const auto elsewhere = number(group, "consumers_elsewhere");
    return grouped(number(group, "consumers")) +
           (elsewhere == 0 ? "" : " (" + grouped(elsewhere) + " elsewhere)");
}

std::string remark_text(const Json& group) {
    if (number(group, "unattached") > 0) return "its home is out of reach";
    return attendance_text(group);
}

std::string groups_text(const Json& status) {
    Table table{{{"here"},
                 {"name"},
                 {"filter"},
                 {"consumers", right},
                 {"waiting", right},
                 {"", right},
                 {"oldest", right},
                 {"handed out", right},
                 {""}}};
    for (const Json& group : part(status, "groups")) {
        const std::uint64_t waiting = number(group, "waiting_messages");
        const bool anonymous = word(group, "type") == "anonymous";  // its name is for no eyes
        table.add({type_text(group, word(status, "name")), anonymous ? "" : word(group, "name"),
                   word(group, "filter"), consumers_text(group), grouped(waiting),
                   waiting == 0 ? "" : in_bytes(number(group, "waiting_bytes")),
                   waiting == 0 ? "" : in_millis(number(group, "oldest_millis")),
                   grouped(number(group, "unacknowledged")), remark_text(group)});
        if (const auto lost = lost_text(group.value("gaps", Json::object())); !lost.empty())
            table.note(paragraph("    ", lost));
    }
    return table.is_empty() ? "" : "\n" + table.text();
}

// "1 GB, 10,000 messages, 500/s"
std::string limits_text(const Json& one) {
    std::string text;
    const auto add = [&](const std::string& limit) { text += (text.empty() ? "" : ", ") + limit; };
    if (const auto bytes = number(one, "limit_bytes"); bytes > 0) add(in_bytes(bytes));
    if (const auto most = number(one, "limit_messages"); most > 0) add(counted(most, "message"));
    if (const auto rate = number(one, "limit_rate"); rate > 0) add(grouped(rate) + "/s");
    return text;
}

std::string at_limit_text(const Json& one, const Paint& paint) {
    std::string text;
    if (one.value("holding", false)) text = paint.bad("publishers are held back");
    if (const auto refused = number(one, "refused"); refused > 0)
        text += (text.empty() ? "" : ", ") + paint.bad(counted(refused, "message") + " refused");
    return text;
}

// Channels, or apps of users, whose publishers have limits.
std::string publishers_text(const Json& status, const char* what, const Paint& paint) {
    Table table{{{what},
                 {"waiting", right},
                 {"messages", right},
                 {"at most", right},
                 {"age", right},
                 {""}}};
    for (const Json& one : part(status, what)) {
        const std::uint64_t age = number(one, "limit_age_millis");
        table.add({word(one, what), in_bytes(number(one, "waiting_bytes")),
                   grouped(number(one, "waiting_messages")), limits_text(one),
                   age == 0 ? "" : in_millis(age), at_limit_text(one, paint)});
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
    if (const std::uint64_t kept = number(journal, "last_values"); kept > 0)
        text += ", " + counted(kept, "last value");
    const Json delayed = status.value("delayed", Json::object());
    if (const std::uint64_t waiting = number(delayed, "messages"); waiting > 0) {
        text += ", " + counted(waiting, "delayed message");
        if (!delayed.at("next_due_millis").is_null())
            text += ", the next due in " + in_millis(number(delayed, "next_due_millis"));
    }
    if (full) text += paint.bad("  FULL: new messages are refused until some are delivered");
    return text + "\n";
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
    remark("late_acks", "acknowledgement", "too late: the message was handed out again");
    remark("duplicates_dropped", "repeated frame", "dropped");
    remark("best_effort_dropped", "best-effort message", "dropped");
    remark("replies_dropped", "answer", "dropped: who asked was gone");
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

std::string status_text(const Json& status, bool colours) {
    const Paint paint{colours};
    const Json links = part(status, "links");
    return agent_text(status, paint) + (links.empty() ? "" : "\n" + links_text(links)) +
           agents_text(status) + groups_text(status) + publishers_text(status, "channels", paint) +
           publishers_text(status, "apps", paint) + journal_text(status, paint) +
           accounts_text(status, paint) + remarks_text(status);
}

}  // namespace bus::cli
