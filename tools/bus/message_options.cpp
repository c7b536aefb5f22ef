#include "message_options.h"

#include "command.h"

namespace bus::cli {
namespace {

constexpr std::size_t key_bytes_max = 255;

Check key_and_value() {
    return {[](std::string& text) -> std::string {
        const auto end = text.find('=');
        if (end != std::string::npos && end >= 1 && end <= key_bytes_max) return {};
        return "\"" + text + "\" is no header; write it KEY=VALUE";
    }};
}

}  // namespace

void MessageOptions::add_options(Command& command) {
    add_request_options(command);
    command.add_duration("--expires", expires, "Not handed out after so long: 30s, 5m, 12h");
    command.add_duration("--after", after, "Not handed out before so long: 30s, 5m, 12h");
    command.add_option("--reply-to", reply_to, "Header reply-to: where an answer is awaited")
        ->type_name("TEXT");
    command.add_option("--correlation-id", correlation_id, "Header correlation-id")
        ->type_name("TEXT");
}

void MessageOptions::add_request_options(Command& command) {
    command
        .add_choice(
            "--priority", priority,
            "high, normal or low: ahead of lower ones that wait (default: normal)",
            std::map<std::string, Priority>{
                {"high", Priority::high}, {"normal", Priority::normal}, {"low", Priority::low}})
        ->type_name("PRIORITY");
    command.add_option("--key", key, "Header key: what the message is about")->type_name("TEXT");
    command.add_option("--content-type", content_type, "Header content-type")->type_name("TEXT");
    command.add_list("--header", headers, "Any other header; may be given several times")
        ->check(key_and_value())
        ->type_name("KEY=VALUE");
}

std::vector<Header> MessageOptions::more_headers() const {
    std::vector<Header> read;
    for (const std::string_view text : headers) {
        const auto end = text.find('=');
        read.push_back({.key = text.substr(0, end), .value = text.substr(end + 1)});
    }
    return read;
}

PublishOptions MessageOptions::publish_options(const std::vector<Header>& more) const {
    return {.expires_in = expires,
            .deliver_after = after,
            .priority = priority,
            .key = key,
            .reply_to = reply_to,
            .content_type = content_type,
            .correlation_id = correlation_id,
            .headers = more};
}

}  // namespace bus::cli
