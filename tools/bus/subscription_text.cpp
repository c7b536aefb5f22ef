#include "subscription_text.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "figures.h"
#include "gap_text.h"
#include "paragraph.h"
#include "table.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::string word(const Json& at, const char* key) { return at.at(key).get<std::string>(); }
std::uint64_t figure(const Json& at, const char* key) { return at.at(key).get<std::uint64_t>(); }

std::string known_at(const Json& subscription) {
    std::size_t known = 0;
    const Json& agents = subscription.at("agents");
    for (const Json& one : agents) known += word(one, "state") == "known" ? 1 : 0;
    return agents.empty() ? "" : fmt::format("{} of {}", known, counted(agents.size(), "agent"));
}

// Under what is to be said of them.
std::string sentence_of(const Json& agent) {
    const std::string state = word(agent, "state"), via = word(agent, "via");
    if (state == "known") return "known at ";
    if (state == "told") return "told, not yet confirmed: ";
    if (state == "behind") return fmt::format("told by way of {}: ", via);
    if (!via.empty())
        return fmt::format("unreachable, told by way of {} when they are back: ", via);
    return "unreachable, told when they are back: ";
}

std::string what_was_dropped(const Json& change) {
    const auto handed_out = figure(change, "handed_out"), consumers = figure(change, "consumers");
    std::string text = fmt::format("{}, {}", counted(figure(change, "messages"), "message"),
                                   in_bytes(figure(change, "bytes")));
    if (handed_out > 0)
        text += fmt::format(" ({} handed out, not acknowledged)", grouped(handed_out));
    if (consumers > 0) text += ", " + counted(consumers, "consumer");
    return text;
}

}  // namespace

std::string subscriptions_text(const Json& all) {
    Table table{{{"name"},
                 {"type"},
                 {"filter"},
                 {"state"},
                 {"consumers", right},
                 {"waiting", right},
                 {"", right},
                 {"oldest", right},
                 {"known at"},
                 {""}}};
    for (const Json& one : all) {
        const std::uint64_t waiting = figure(one, "waiting_messages");
        table.add({word(one, "name"), word(one, "type"), word(one, "filter"), word(one, "state"),
                   grouped(figure(one, "consumers")), grouped(waiting),
                   waiting == 0 ? "" : in_bytes(figure(one, "waiting_bytes")),
                   waiting == 0 ? "" : in_millis(figure(one, "oldest_millis")), known_at(one),
                   one.at("configured") ? "in the configuration" : ""});
        if (const auto lost = lost_text(one.value("gaps", Json::object())); !lost.empty())
            table.note(paragraph("    ", lost));
    }
    return table.is_empty() ? "no durable subscriptions, no groups\n" : table.text();
}

std::string agents_text_of(const Json& subscription) {
    std::map<std::string, std::string> names;
    for (const Json& agent : subscription.at("agents")) {
        std::string& all = names[sentence_of(agent)];
        all += (all.empty() ? "" : ", ") + word(agent, "agent");
    }
    std::string text;
    for (const auto& [sentence, agents] : names) text += paragraph("  ", sentence + agents);
    return text;
}

std::string change_text(std::string_view order, const Json& change, bool dry_run) {
    const std::string name = word(change, "name"), filter = word(change, "filter");
    const bool changed = change.at("changed");
    if (order == "add")
        return paragraph("", fmt::format("{} collects {}{}", name, filter,
                                         changed ? " from now on" : ", as before"));
    if (order == "pause")
        return paragraph("", fmt::format("{} is paused{}: it collects, and hands out nothing", name,
                                         changed ? "" : ", as before"));
    if (order == "resume")
        return paragraph("", fmt::format("{} hands out {}", name, changed ? "again" : "as before"));
    return paragraph("", fmt::format("{} {} {}d: {}", name, dry_run ? "would be" : "is", order,
                                     what_was_dropped(change)));
}

}  // namespace bus::cli
