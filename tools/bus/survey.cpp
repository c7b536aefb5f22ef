#include "survey.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "figures.h"
#include "links_text.h"
#include "status_figures.h"
#include "way_text.h"

namespace bus::cli {
namespace {

constexpr std::size_t at_once_max = 32;

Json row(const Json& agent, const Json& name, const char* outcome, const std::string& words) {
    return {{"agent", agent},  {"name", name},   {"outcome", outcome},
            {"rtt_micros", 0}, {"words", words}, {"summary", nullptr}};
}

std::uint64_t sum(const Json& list, const char* key) {
    std::uint64_t total = 0;
    for (const Json& one : list) total += one.at(key).get<std::uint64_t>();
    return total;
}

std::uint64_t oldest_in(const Json& list) {
    std::uint64_t oldest = 0;
    for (const Json& one : list)
        if (one.at("waiting_messages") > 0)
            oldest = std::max(oldest, one.at("oldest_millis").get<std::uint64_t>());
    return oldest;
}

// The link that failed last, of those that are down.
const Json* latest_error(const Json& links) {
    const Json* latest = nullptr;
    for (const Json& link : links) {
        if (link.at("state") != "down" || link.at("last_error_millis").is_null()) continue;
        if (latest == nullptr || link.at("last_error_millis") < latest->at("last_error_millis"))
            latest = &link;
    }
    return latest;
}

std::uint64_t links_in(const Json& links, const char* state) {
    std::uint64_t count = 0;
    for (const Json& link : links) count += link.at("state") == state;
    return count;
}

// As another agent would tell it.
Json summary_of(const Json& status) {
    const Json &links = status.at("links"), &groups = status.at("groups"),
               &agents = status.at("agents"), &journal = status.at("journal");
    const Json* const error = latest_error(links);
    return {
        {"version", status.at("version")},
        {"uptime_millis", status.at("uptime_millis")},
        {"links_up", links_in(links, "up")},
        {"links_down", links_in(links, "down")},
        {"waiting_messages", sum(groups, "waiting_messages") + sum(agents, "waiting_messages")},
        {"waiting_bytes", sum(groups, "waiting_bytes") + sum(agents, "waiting_bytes")},
        {"oldest_millis", std::max(oldest_in(groups), oldest_in(agents))},
        {"journal_live_bytes", journal.at("live_bytes")},
        {"journal_file_bytes", journal.at("file_bytes")},
        {"journal_full", journal.at("full")},
        {"unrouted", status.at("unrouted")},
        {"dead_letters", journal.at("dead_letters")},
        {"last_error", error == nullptr ? ""
                                        : "link " + error->at("peer").get<std::string>() + ": " +
                                              error->at("last_error").get<std::string>()},
        {"last_error_millis", error == nullptr ? Json(0) : error->at("last_error_millis")}};
}

std::string why_down(const Json& agent) {
    const auto waits_at = agent.at("waits_at").get<std::string>();
    std::string words = "down";
    if (!agent.at("down_millis").is_null())
        words += " for " + in_millis(agent.at("down_millis").get<std::uint64_t>());
    return words + "; what is for it waits at " + waits_at;
}

// Asks many side by side: those that are silent are waited for together.
class Survey {
  public:
    Survey(Json& rows, const FarQuestions& questions) : rows_(rows), questions_(questions) {}

    // Whose id is `id`; with `hops`, who has that many agents before it on the way to `agent`.
    void ask(const Json& agent, const Json& id, std::optional<std::size_t> hops) {
        if (under_way_.size() >= at_once_max) take_first();
        rows_.push_back(row(id, hops ? Json("") : agent.at("name"), "down", ""));
        const auto asked = questions_.ask({agent.at("agent").get<std::string>(), "status", hops});
        if (asked.refused.empty())
            under_way_.push_back({rows_.size() - 1, asked});
        else
            rows_.back()["words"] = asked.refused;
    }
    void finish() {
        while (!under_way_.empty()) take_first();
    }

  private:
    void take_first() {
        const auto [at, asked] = under_way_.front();
        under_way_.pop_front();
        Json& row = rows_[at];
        const auto answer = questions_.wait(asked);
        if (!answer) {
            row["outcome"] = "silent";
            return;
        }
        for (const char* key : {"outcome", "rtt_micros", "words", "summary"})
            row[key] = answer->at(key);
        if (row.at("name") == "" && answer->at("agent") == row.at("agent"))
            row["name"] = answer->at("name");
    }

    Json& rows_;
    const FarQuestions& questions_;
    std::deque<std::pair<std::size_t, FarQuestions::Asked>> under_way_;
};

// Agents on the way to others that subscribe to nothing are known by their ids only.
void ask_on_the_way(Survey& others, const Json& agent, std::set<std::string>& known) {
    const Json& path = agent.at("path");
    for (std::size_t i = 1; i + 1 < path.size(); ++i)
        if (is_agent_id(path[i].get<std::string>()) && known.insert(path[i]).second)
            others.ask(agent, path[i], i);
}

}  // namespace

Json survey(const Json& status, const FarQuestions& questions) {
    Json rows = Json::array();
    rows.push_back(row(status.at("agent"), status.at("name"), "here", ""));
    rows.back()["summary"] = summary_of(status);
    Survey others{rows, questions};
    std::set<std::string> known;
    for (const Json& agent : status.at("agents")) known.insert(agent.at("agent"));
    for (const Json& agent : status.at("agents")) {
        if (agent.at("up").get<bool>()) {
            ask_on_the_way(others, agent, known);
            others.ask(agent, agent.at("agent"), std::nullopt);
        } else {
            rows.push_back(row(agent.at("agent"), agent.at("name"), "down", why_down(agent)));
        }
    }
    others.finish();
    for (const Json& link : status.at("links"))
        if (link.at("agent").is_null()) {
            const std::string why = error_text(link);
            rows.push_back(row(nullptr, link.at("peer"), "down",
                               "never up" + (why.empty() ? "" : ": " + why)));
        }
    std::sort(rows.begin() + 1, rows.end(),
              [](const Json& a, const Json& b) { return name_text(a) < name_text(b); });
    return {{"agents", std::move(rows)}};
}

}  // namespace bus::cli
