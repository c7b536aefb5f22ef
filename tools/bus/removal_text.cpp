#include "removal_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "figures.h"
#include "paragraph.h"
#include "table.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::string word(const Json& at, const char* key) { return at.at(key).get<std::string>(); }
std::uint64_t figure(const Json& owed, const char* key) {
    return owed.at(key).get<std::uint64_t>();
}

std::string owed_text(const Json& owed) {
    const auto age = figure(owed, "oldest_millis");
    return fmt::format("{}, {}{}", counted(figure(owed, "messages"), "message"),
                       in_bytes(figure(owed, "bytes")),
                       age == 0 ? "" : ", the oldest for " + in_millis(age));
}

std::string names_text(const Json& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
    return text;
}

std::string parts_text(const Json& removal) {
    Table table{{{"owed"}, {"messages", right}, {"bytes", right}}};
    for (const Json& part : removal.at("parts"))
        table.add({word(part, "what"), grouped(figure(part.at("owed"), "messages")),
                   in_bytes(figure(part.at("owed"), "bytes"))});
    return table.is_empty() ? "" : table.text("  ");
}

std::string behind_text(const Json& removal) {
    std::string text;
    for (const Json& agent : removal.at("behind")) {
        const auto ways = names_text(agent.at("other_ways"));
        const bool waits = figure(agent.at("owed"), "messages") > 0;
        text += paragraph(
            "  - ",
            fmt::format("{} is reached by way of it{}{}", word(agent, "name"),
                        ways.empty() ? ", and by no other: what is for it waits here until there "
                                       "is one"
                                     : ", and by " + ways,
                        waits ? " (" + owed_text(agent.at("owed")) + ")" : ""));
    }
    return text;
}

std::string verdict_text(const Json& removal, bool dead_letter) {
    const auto name = word(removal, "name");
    const bool removed = removal.at("removed");
    const bool owes = figure(removal.at("owed"), "messages") > 0;
    if (removal.at("refused"))
        return fmt::format(
            "{} is not removed: {} owed to it would be lost. With --dead-letter it goes to the "
            "dead letters",
            name, owed_text(removal.at("owed")));
    std::string text = name + (removed ? " is removed" : " would be removed");
    if (removal.at("stays_known"))
        text += fmt::format(". It stays known, for {} leads to it{}",
                            names_text(removal.at("other_ways")),
                            owes ? ": what is owed to it goes that way" : "");
    else if (owes && dead_letter)
        text += fmt::format(": {} {} to the dead letters", owed_text(removal.at("owed")),
                            removed ? "go" : "would go");
    else
        text += "; nothing is owed to it";
    const auto edited = word(removal, "configuration");
    if (!edited.empty()) text += "; " + edited;
    if (!removed && removal.at("configured"))
        text += "; its entry would be taken out of the configuration";
    return text;
}

}  // namespace

std::string removal_text(const Json& removal, bool dead_letter) {
    return paragraph("", verdict_text(removal, dead_letter)) + parts_text(removal) +
           behind_text(removal);
}

}  // namespace bus::cli
