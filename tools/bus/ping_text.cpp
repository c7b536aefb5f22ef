#include "ping_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "paragraph.h"
#include "table.h"

namespace bus::cli {
namespace {

using enum Table::Align;
using Json = nlohmann::ordered_json;

std::vector<double> times_of(std::size_t hop, const std::vector<std::vector<Hop>>& rounds) {
    std::vector<double> times;
    for (const auto& round : rounds)
        if (hop < round.size() && round[hop].millis) times.push_back(*round[hop].millis);
    std::sort(times.begin(), times.end());
    return times;
}

std::string in_ms(double millis) { return fmt::format("{:.2f} ms", millis); }

}  // namespace

std::string hop_line(std::size_t number, const Hop& hop, std::optional<double> before,
                     std::size_t name_columns) {
    const std::string blanks(name_columns - std::min(name_columns, width_of(hop.name)), ' ');
    const std::string begin = fmt::format("{:3}  {}{}  ", number, hop.name, blanks);
    if (!hop.millis) return paragraph(begin, hop.words);
    const std::string more = before ? fmt::format("  {:+.2f} ms", *hop.millis - *before) : "";
    return fmt::format("{}{:>9} ms{}\n", begin, fmt::format("{:.2f}", *hop.millis), more);
}

std::string ping_summary(const std::vector<std::string>& names,
                         const std::vector<std::vector<Hop>>& rounds) {
    Table table{{{"hop", right},
                 {"agent"},
                 {"answers", right},
                 {"least", right},
                 {"median", right},
                 {"most", right}}};
    for (std::size_t hop = 0; hop < names.size(); ++hop) {
        const auto times = times_of(hop, rounds);
        const std::string answers = fmt::format("{} of {}", times.size(), rounds.size());
        if (times.empty())
            table.add({std::to_string(hop + 1), names[hop], answers, "", "", ""});
        else
            table.add({std::to_string(hop + 1), names[hop], answers, in_ms(times.front()),
                       in_ms(times[times.size() / 2]), in_ms(times.back())});
    }
    return table.text();
}

Json ping_json(const std::vector<std::vector<Hop>>& rounds) {
    Json all = Json::array();
    for (const auto& round : rounds) {
        Json& hops = all.emplace_back(Json::array());
        for (std::size_t at = 0; at < round.size(); ++at) {
            const Hop& hop = round[at];
            if (hop.name.empty()) continue;
            const Json micros = hop.millis ? Json(std::llround(*hop.millis * 1000)) : Json();
            hops.push_back({{"hop", at + 1},
                            {"name", hop.name},
                            {"rtt_micros", micros},
                            {"words", hop.words}});
        }
    }
    return all;
}

}  // namespace bus::cli
