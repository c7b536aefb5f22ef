#include "status_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "figures.h"
#include "table.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::uint64_t number(const Json& at, const char* key) { return at.value(key, std::uint64_t{0}); }
std::string word(const Json& at, const char* key) { return at.value(key, std::string{}); }
Json part(const Json& at, const char* key) { return at.value(key, Json::array()); }

class Paint {
  public:
    explicit Paint(bool colours) : colours_(colours) {}
    std::string bad(const std::string& text) const { return in("31", text); }
    std::string heading(const std::string& text) const { return in("1", text); }

  private:
    std::string in(const char* colour, const std::string& text) const {
        return colours_ ? fmt::format("\033[{}m{}\033[0m", colour, text) : text;
    }
    const bool colours_;
};

std::string agent_text(const Json& status, const Paint& paint) {
    return fmt::format("{}  agent {}, up {}, {}\n", paint.heading(word(status, "name")),
                       word(status, "agent"), in_millis(number(status, "uptime_millis")),
                       counted(number(status, "sessions"), "app"));
}

std::string backlog_text(const Json& link) {
    const std::uint64_t messages = number(link, "backlog_messages");
    if (messages == 0) return "nothing waits";
    return fmt::format("{}{}, {}, the oldest for {}", counted(messages, "message"),
                       messages == 1 ? " waits" : " wait", in_bytes(number(link, "backlog_bytes")),
                       in_millis(number(link, "backlog_age_millis")));
}

std::string notes_on(const Json& link) {
    std::string notes;
    for (const auto& held : part(link, "held"))
        notes += fmt::format("{}{} held back", notes.empty() ? "" : "; ", held.get<std::string>());
    const std::string error = word(link, "last_error");
    if (!error.empty() && word(link, "state") != "up")
        notes += fmt::format("{}{}", notes.empty() ? "" : "; ", error);
    return notes;
}

std::string links_text(const Json& status) {
    Table table{{{"link"},
                 {"state"},
                 {"round trip", right},
                 {"sent", right},
                 {"received", right},
                 {"backlog"},
                 {""}}};
    for (const Json& link : part(status, "links")) {
        const bool up = word(link, "state") == "up";
        table.add(
            {word(link, "peer"), word(link, "state"),
             up ? fmt::format("{:.1f} ms", static_cast<double>(number(link, "rtt_micros")) / 1000)
                : "",
             grouped(number(link, "sent_messages")), grouped(number(link, "received_messages")),
             backlog_text(link), notes_on(link)});
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
        table.add({word(group, "type"), word(group, "name"), word(group, "filter"),
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
            return fmt::format("{} {}", word(group, "type"), word(group, "name"));
    for (const Json& link : part(status, "links"))
        if (destination_of(link) == destination) return "link " + word(link, "peer");
    return fmt::format("#{}", destination);
}

// Messages without a destination have no account, only a count.
bool is_worth_showing(const Json& account) {
    return number(account, "destination") != 0 || number(account, "taken") > 0;
}

// Conservation (G5): what came in is what went out and what is here.
std::string accounts_text(const Json& status, const Paint& paint) {
    Table table{{{"account"},
                 {"recovered", right},
                 {"taken", right},
                 {"settled", right},
                 {"filtered", right},
                 {"expired", right},
                 {"lapsed", right},
                 {"dead", right},
                 {"purged", right},
                 {"moved", right},
                 {"waiting", right},
                 {""}}};
    for (const Json& account : part(status, "accounts")) {
        if (!is_worth_showing(account)) continue;
        std::vector<std::string> row{account_name(status, account)};
        for (const char* key : {"recovered", "taken", "settled", "filtered", "expired", "lapsed",
                                "dead_lettered", "purged", "moved", "waiting"})
            row.push_back(grouped(number(account, key)));
        const bool balances =
            number(account, "recovered") + number(account, "taken") == ended(account);
        row.push_back(balances ? "" : paint.bad("DOES NOT BALANCE: please report this"));
        table.add(std::move(row));
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
    for (const auto& held : part(status, "held_producers"))
        text += fmt::format("held back: {}\n", held.get<std::string>());
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string status_text(const Json& status, bool colours) {
    const Paint paint{colours};
    return agent_text(status, paint) + links_text(status) + groups_text(status) +
           journal_text(status, paint) + accounts_text(status, paint) + remarks_text(status);
}

}  // namespace bus::cli
