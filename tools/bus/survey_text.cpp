#include "survey_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "figures.h"
#include "paragraph.h"
#include "status_figures.h"
#include "table.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::string silence(std::chrono::milliseconds patience) {
    return fmt::format("no answer within {:g} s: it is busy, or a link has just failed",
                       std::chrono::duration<double>(patience).count());
}

std::string why_no_summary(const Json& agent, std::chrono::milliseconds patience) {
    const std::string outcome = word(agent, "outcome"), words = word(agent, "words");
    if (outcome == "silent") return silence(patience);
    if (outcome == "denied") return "does not allow it: " + words;
    if (outcome == "no_way") return "cannot be asked: " + words;
    if (outcome == "unknown" || words.empty()) return "does not understand the question";
    return words;
}

std::string what_is_wrong(const Json& s) {
    std::string text;
    const auto add = [&](const std::string& note) {
        if (!note.empty()) text += (text.empty() ? "" : "; ") + note;
    };
    if (s.value("journal_full", false)) add("its journal is FULL: new messages are refused");
    if (const auto dead = number(s, "dead_letters")) add(counted(dead, "dead letter"));
    if (const auto lost = number(s, "unrouted"))
        add(counted(lost, "message") + " had nobody to go to");
    if (const std::string error = word(s, "last_error"); !error.empty())
        add(fmt::format("{}, {} ago", error, in_millis(number(s, "last_error_millis"))));
    return text;
}

// "2 up", "1 up, 1 down"
std::string links_of(const Json& s) {
    const auto up = number(s, "links_up"), down = number(s, "links_down");
    if (up + down == 0) return "none";
    return down == 0 ? fmt::format("{} up", up) : fmt::format("{} up, {} down", up, down);
}

std::string waiting_of(const Json& s) {
    const auto messages = number(s, "waiting_messages");
    return messages == 0
               ? "-"
               : fmt::format("{}, {}", grouped(messages), in_bytes(number(s, "waiting_bytes")));
}

void add_row(Table& table, const Json& agent) {
    const Json& s = agent.at("summary");
    const bool waits = number(s, "waiting_messages") > 0;
    table.add({name_text(agent), word(s, "version"), in_millis(number(s, "uptime_millis")),
               links_of(s), waiting_of(s), waits ? in_millis(number(s, "oldest_millis")) : "",
               in_bytes(number(s, "journal_file_bytes"))});
}

}  // namespace

std::string survey_text(const Json& survey, std::chrono::milliseconds patience) {
    Table table{{{"agent"},
                 {"version"},
                 {"up for", right},
                 {"links"},
                 {"waiting", right},
                 {"oldest", right},
                 {"journal", right}}};
    for (const Json& agent : part(survey, "agents")) {
        std::string note;
        if (agent.at("summary").is_null()) {
            table.add({name_text(agent), "", "", "", "", "", ""});
            note = why_no_summary(agent, patience);
        } else {
            add_row(table, agent);
            note = what_is_wrong(agent.at("summary"));
        }
        if (!note.empty()) table.note(paragraph("    ", note));
    }
    return table.text();
}

}  // namespace bus::cli
