#include "message_writer.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "command.h"
#include "message_output.h"
#include "output.h"
#include "text_form.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string to_line(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json json_of(const Message& message) {
    Json json{{"channel", message.channel()}};
    const auto add = [](Json& to, const std::string& key, std::string_view text) {
        if (is_utf8(text))
            to[key] = text;
        else
            to[key + "_base64"] = base64(text);
    };
    add(json, "payload", message.payload());
    for (const Header& header : message.headers())
        add(json["headers"], std::string{header.key}, header.value);
    json["id"] = message.id();
    json["created_micros"] = message.created_micros();
    return json;
}

std::string line_of(const Delivery& delivery) {
    Json json = json_of(delivery.message());
    json["attempt"] = delivery.attempt();
    json["redelivered"] = delivery.redelivered();
    if (delivery.retained()) json["retained"] = true;
    if (delivery.message().priority() != Priority::normal)
        json["priority"] = to_text(delivery.message().priority());
    if (delivery.missed() > 0) json["missed"] = delivery.missed();
    return to_line(json);
}

}  // namespace

Option* MessageWriter::add_option(Command& command, Format& format) {
    return command
        .add_choice("--format", format,
                    "raw (payloads only), lines (and a newline) or json (an object a line) "
                    "(default: lines)",
                    std::map<std::string, Format>{
                        {"raw", Format::raw}, {"lines", Format::lines}, {"json", Format::json}})
        ->type_name("FORMAT");
}

template <class ToLine>
void MessageWriter::add(std::string_view payload, ToLine line) {
    switch (format_) {
        case Format::raw:
            buffer_ += payload;
            return;
        case Format::lines:
            buffer_.append(payload).push_back('\n');
            return;
        case Format::json:
            buffer_.append(line()).push_back('\n');
            return;
    }
}

bool MessageWriter::add(Delivery& delivery, const Interruption& interruption) {
    const bool is_whole = delivery.payload().size() == delivery.size();
    if (!is_whole) {
        flush();
        if (!write_out_parts(delivery, interruption)) return false;
    }
    if (is_whole || format_ == Format::lines)
        add(delivery.payload(), [&] { return line_of(delivery); });
    return true;
}

void MessageWriter::add(const Reply& reply) {
    add(reply.payload(), [&] { return to_line(json_of(reply.message())); });
}

void MessageWriter::flush() {
    write_out(buffer_);
    buffer_.clear();
}

}  // namespace bus::cli
