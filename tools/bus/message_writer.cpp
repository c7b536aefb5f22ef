#include "message_writer.h"

#include <nlohmann/json.hpp>

#include "output.h"
#include "text_form.h"

namespace bus::cli {
namespace {

std::string json_of(const Delivery& delivery) {
    const Message& message = delivery.message();
    nlohmann::ordered_json json{{"channel", message.channel()}};
    const auto add = [](nlohmann::ordered_json& to, const std::string& key, std::string_view text) {
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
    json["attempt"] = delivery.attempt();
    json["redelivered"] = delivery.redelivered();
    if (message.priority() != Priority::normal) json["priority"] = to_text(message.priority());
    if (delivery.missed() > 0) json["missed"] = delivery.missed();
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void MessageWriter::add(const Delivery& delivery) {
    switch (format_) {
        case Format::raw:
            buffer_ += delivery.payload();
            return;
        case Format::lines:
            buffer_.append(delivery.payload()).push_back('\n');
            return;
        case Format::json:
            buffer_.append(json_of(delivery)).push_back('\n');
            return;
    }
}

void MessageWriter::flush() {
    write_out(buffer_);
    buffer_.clear();
}

}  // namespace bus::cli
