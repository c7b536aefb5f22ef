#include "diagnosis_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "figures.h"
#include "paint.h"
#include "paragraph.h"
#include "way_text.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string here_text(const Json& here) {
    const auto type = here.at("type").get<std::string>();
    const auto name = here.at("name").get<std::string>();
    const auto filter = here.at("filter").get<std::string>();
    const auto waiting = here.at("waiting_messages").get<std::uint64_t>();
    const std::string what = type == "queue" || type == "service" ? type + " " + name
                             : type == "durable" ? fmt::format("durable {} ({})", name, filter)
                                                 : "subscription to " + filter;
    return fmt::format("{}: {}{}", what, here.at("words").get<std::string>(),
                       waiting == 0 ? "" : ", " + counted(waiting, "message") + " before it");
}

std::string there_text(const Json& there) {
    std::string filters;
    for (const auto& filter : there.at("filters"))
        filters += (filters.empty() ? "" : ", ") + filter.get<std::string>();
    const auto words = there.at("words").get<std::string>();
    return fmt::format("{} ({}) {}{}", there.at("name").get<std::string>(), filters,
                       way_text(there.at("path")), words.empty() ? "" : ": " + words);
}

std::string section(const Json& route, const char* verdict, const char* heading) {
    std::string text;
    for (const Json& there : route.at("there"))
        if (there.at("verdict") == verdict) text += paragraph("  - ", there_text(there));
    return text.empty() ? "" : heading + text;
}

}  // namespace

std::string route_text(const Json& route) {
    const bool to_queue = route.at("kind") == "queue", to_service = route.at("kind") == "service";
    std::string text = fmt::format(
        "{} {} {}\n",
        to_queue     ? "A message sent to"
        : to_service ? "A request for"
                     : "A message published on",
        route.at("channel").get<std::string>(),
        route.at("reaches_somebody").get<bool>() ? "here and now" : "here and now reaches nobody");
    if (!route.at("here").empty()) text += "goes on this host to\n";
    for (const Json& here : route.at("here")) text += paragraph("  - ", here_text(here));
    if (to_queue && !route.at("reaches_somebody").get<bool>())
        text += paragraph("  ", "It waits in the queue here until somebody receives from it.");
    text += section(route, "goes", "goes at once to\n");
    text += section(route, "waits", "waits for\n");
    text += section(route, "denied", "does not go to\n");
    for (const auto& note : route.at("notes")) text += paragraph("note: ", note.get<std::string>());
    if (const auto others = route.at("not_interested").get<std::uint64_t>(); others > 0)
        text += fmt::format("{} known, and want{} nothing of it.\n",
                            counted(others, "other agent") + (others == 1 ? " is" : " are"),
                            others == 1 ? "s" : "");
    return text;
}

std::string why_text(const Json& why, bool colours) {
    const Paint paint{colours};
    std::string text;
    for (const Json& finding : why.at("findings")) {
        const auto weight = finding.at("weight").get<std::string>();
        std::string line = paragraph(
            weight == "problem" ? "problem  "
            : weight == "good"  ? "ok       "
                                : "note     ",
            finding.at("about").get<std::string>() + ": " + finding.at("words").get<std::string>());
        const auto mark = line.substr(0, line.find(' '));
        if (weight == "problem") line.replace(0, mark.size(), paint.bad(mark));
        if (weight == "good") line.replace(0, mark.size(), paint.good(mark));
        text += line;
    }
    return text;
}

}  // namespace bus::cli
