#include "links_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "paragraph.h"
#include "status_figures.h"
#include "table.h"

namespace bus::cli {
namespace {

using enum Table::Align;

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

// "at its limit of 2.0 GiB: publishers are held back"
std::string limit_text(const Json& link) {
    const std::uint64_t limit = number(link, "limit_bytes");
    if (limit == 0 || number(link, "backlog_bytes") < limit) return {};
    return "at its limit of " + in_bytes(limit) + ": publishers are held back";
}

std::string notes_on(const Json& link) {
    std::string notes;
    for (const std::string& note :
         {backlog_text(link), limit_text(link), held_text(link), error_text(link)})
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

}  // namespace

std::string error_text(const Json& link) {
    if (word(link, "state") != "down") return {};
    const std::string error = word(link, "last_error");
    if (error.empty())
        return link.value("has_address", true)
                   ? ""
                   : "no address of it is configured here: it has to dial this agent";
    const auto at = link.find("last_error_millis");
    const bool is_dated = at != link.end() && !at->is_null();
    return error + (is_dated ? ", " + in_millis(at->get<std::uint64_t>()) + " ago" : "");
}

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

}  // namespace bus::cli
