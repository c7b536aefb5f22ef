#include "drain_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "figures.h"
#include "paragraph.h"
#include "table.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;
using enum Table::Align;

std::uint64_t figure(const Json& at, const char* key) { return at.at(key).get<std::uint64_t>(); }

}  // namespace

std::string drain_progress(const Json& drain) {
    const auto bytes = figure(drain, "bytes"), speed = figure(drain, "bytes_per_second");
    return fmt::format("{}, {} to hand over{}", counted(figure(drain, "messages"), "message"),
                       in_bytes(bytes),
                       speed == 0 ? "" : ", about " + in_millis(1000 * bytes / speed));
}

std::string drain_table(const Json& drain) {
    Table table{{{"for"}, {"messages", right}, {"bytes", right}, {"oldest", right}}};
    for (const Json& row : drain.at("rows")) {
        table.add({row.at("to").get<std::string>(), grouped(figure(row, "messages")),
                   in_bytes(figure(row, "bytes")), in_millis(figure(row, "oldest_millis"))});
        table.note(paragraph("    ", row.at("words").get<std::string>()));
    }
    return table.is_empty() ? "" : table.text();
}

}  // namespace bus::cli
