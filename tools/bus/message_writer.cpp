#include "message_writer.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "failure.h"
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
    if (delivery.missed() > 0) json["missed"] = delivery.missed();
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Standard output may be non-blocking: somebody else's choice for a shared terminal or pipe.
void await_writable() {
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    ::poll(&out, 1, -1);
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
    std::string_view rest{buffer_};
    while (!rest.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            await_writable();
        } else if (errno != EINTR) {
            throw Failure(ExitCode::output,
                          fmt::format("standard output: {}; what was not written out is not "
                                      "acknowledged and will come again",
                                      std::strerror(errno)));
        }
    }
    buffer_.clear();
}

}  // namespace bus::cli
