#include "dead_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "figures.h"
#include "paint.h"
#include "paragraph.h"
#include "status_figures.h"
#include "table.h"
#include "text_form.h"

namespace bus::cli {
namespace {

using enum Table::Align;

// In this host's time zone; "-": it is not known.
std::string time_text(std::uint64_t unix_millis) {
    if (unix_millis == 0) return "-";
    const auto seconds = static_cast<std::time_t>(unix_millis / 1'000);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(seconds));
}

// "queue orders", "subscription alarms", "agent tokyo"
std::string destination_text(const Json& letter) {
    const std::string type = word(letter, "destination");
    if (type == "durable") return "subscription " + word(letter, "name");
    if (type == "anonymous") return "a subscription";
    return type + " " + word(letter, "name");
}

// A queue's channel says it all.
std::string channel_text(const Json& letter) { return word(letter, "channel"); }

std::string reason_text(const Json& letter) { return harmless(word(letter, "reason"), ""); }

std::string messages_text(const Json& letter) {
    const Json& part = letter.at("part");
    if (part.is_null()) return grouped(number(letter, "messages"));
    return fmt::format("part {}/{}", number(part, "index") + 1, number(part, "total"));
}

std::string attempts_text(const Json& letter) {
    const auto attempts = number(letter, "attempts");
    return attempts == 0 ? "-" : grouped(attempts);
}

std::string content_text(const Json& content) {
    const bool is_text = content.contains("text");
    const std::string shown = word(content, is_text ? "text" : "base64");
    const std::uint64_t bytes = number(content, "bytes");
    const std::uint64_t shown_bytes = is_text ? shown.size() : shown.size() / 4 * 3;
    const bool is_cut = shown_bytes < bytes;
    std::string text = is_text ? harmless(shown, "\n\t") : "(base64) " + shown;
    if (is_cut) text += fmt::format("\n[cut: it has {}]", in_bytes(bytes));
    return text;
}

std::string field(const char* name, const std::string& value) {
    return fmt::format("{:<12}{}\n", name, value);
}

std::string message_text(const Json& message, const Paint& paint) {
    std::string text = "\n" + paint.heading(fmt::format("message {}", number(message, "sequence")));
    text += message.at("intact").get<bool>() ? "\n"
                                             : paint.bad(" DAMAGED: its checksum is wrong") + "\n";
    for (const Json& header : message.at("headers"))
        text += fmt::format("{}: {}\n", word(header, "key"), content_text(header.at("value")));
    return text + "\n" + content_text(message.at("payload")) + "\n";
}

}  // namespace

std::string dead_letters_table(const Json& letters) {
    Table table{{{"id", right},
                 {"died"},
                 {"channel"},
                 {"of"},
                 {"messages", right},
                 {"size", right},
                 {"attempts", right},
                 {"reason"}}};
    for (const Json& letter : letters)
        table.add({std::to_string(number(letter, "id")),
                   time_text(number(letter, "buried_unix_millis")), channel_text(letter),
                   destination_text(letter), messages_text(letter),
                   in_bytes(number(letter, "bytes")), attempts_text(letter), reason_text(letter)});
    return table.text();
}

std::string dead_totals_table(const Json& totals) {
    Table table{{{"channel"},
                 {"of"},
                 {"letters", right},
                 {"messages", right},
                 {"size", right},
                 {"oldest"},
                 {"newest"},
                 {"reason"}}};
    for (const Json& total : totals) {
        const bool rest = word(total, "channel").empty();
        table.add({rest ? "others" : channel_text(total), rest ? "" : destination_text(total),
                   grouped(number(total, "letters")), grouped(number(total, "messages")),
                   in_bytes(number(total, "bytes")), time_text(number(total, "oldest_unix_millis")),
                   time_text(number(total, "newest_unix_millis")), reason_text(total)});
    }
    return table.text();
}

std::string dead_letter_text(const Json& letter, const Paint& paint) {
    std::string text = field("id", std::to_string(number(letter, "id")));
    text += field("channel", word(letter, "kind") + " " + word(letter, "channel"));
    text += field("died at", destination_text(letter));
    text += field("reason", reason_text(letter));
    text += field("taken", time_text(number(letter, "taken_unix_millis")));
    text += field("died", time_text(number(letter, "buried_unix_millis")));
    text += field("attempts", attempts_text(letter));
    text += field("producer", word(letter, "producer"));
    text += field("messages", messages_text(letter) + ", " + in_bytes(number(letter, "bytes")));
    if (letter.at("damaged").get<bool>()) return text + paint.bad("its contents are damaged\n");
    for (const Json& message : letter.at("contents")) text += message_text(message, paint);
    const auto shown = letter.at("contents").size();
    if (shown < number(letter, "messages"))
        text += fmt::format("\n[{} more]\n", grouped(number(letter, "messages") - shown));
    return text;
}

std::string dead_done_text(const Json& done, const std::string& verb) {
    const bool dry_run = done.at("dry_run").get<bool>();
    const auto messages = number(done, "messages");
    std::string text = fmt::format("{}{} {}, {}\n", dry_run ? "would be " : "", verb,
                                   counted(messages, "message"), in_bytes(number(done, "bytes")));
    for (const Json& left : done.at("left"))
        text += paragraph(
            "  ", fmt::format("{} {}: {}", counted(number(left, "messages"), "message"),
                              number(left, "messages") == 1 ? "stays" : "stay", word(left, "why")));
    return text;
}

}  // namespace bus::cli
