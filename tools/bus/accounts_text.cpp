#include "accounts_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "figures.h"
#include "status_figures.h"
#include "table.h"

namespace bus::cli {
namespace {

using enum Table::Align;

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
    if (destination_of(status.value("delayed", Json::object())) == destination) return "delayed";
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

}  // namespace

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

}  // namespace bus::cli
