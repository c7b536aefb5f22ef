#include "client/compose.h"

#include <limits>
#include <string>
#include <vector>

#include "wire/batch.h"
#include "wire/bounds.h"
#include "wire/name_fault.h"
#include "wire/standard_headers.h"

namespace bus::client {
namespace {

void append(std::vector<std::byte>& out, std::string_view key, std::string_view value) {
    if (key.empty() || key.size() > std::numeric_limits<std::uint8_t>::max())
        throw Error{"a header's key must have 1 to 255 bytes"};
    if (value.size() > std::numeric_limits<std::uint16_t>::max())
        throw Error{"a header's value may have 65,535 bytes at most"};
    wire::append_header(out, key, value);
}

bool has_headers(const PublishOptions& options) {
    return !options.content_type.empty() || !options.correlation_id.empty() ||
           !options.reply_to.empty() || !options.key.empty() || !options.headers.empty();
}

Bytes encode_headers(const PublishOptions& options) {
    if (!has_headers(options)) return {};
    static thread_local std::vector<std::byte> encoded;
    encoded.clear();
    const Header standard[] = {{wire::header_key::content_type, options.content_type},
                               {wire::header_key::correlation_id, options.correlation_id},
                               {wire::header_key::reply_to, options.reply_to},
                               {wire::header_key::key, options.key}};
    for (const auto& [key, value] : standard)
        if (!value.empty()) append(encoded, key, value);
    for (const auto& [key, value] : options.headers) append(encoded, key, value);
    if (encoded.size() > wire::message_headers_bytes_max)
        throw Error{"the headers of a message may have 8 KiB together"};
    return encoded;
}

const std::string token_rule = "tokens of A-Z a-z 0-9 _ - joined by dots";

std::string in_quotes(std::string_view text) { return "\"" + std::string{text} + "\""; }

}  // namespace

wire::Kind to_wire(Channel::Kind kind) noexcept {
    return kind == Channel::Kind::topic ? wire::Kind::topic : wire::Kind::queue;
}

wire::Lane to_wire(Priority priority) noexcept {
    switch (priority) {
        case Priority::high:
            return wire::Lane::high;
        case Priority::normal:
            return wire::Lane::normal;
        case Priority::low:
            return wire::Lane::low;
    }
    return wire::Lane::normal;
}

Priority to_public(wire::Lane lane) noexcept {
    switch (lane) {
        case wire::Lane::high:
            return Priority::high;
        case wire::Lane::normal:
            return Priority::normal;
        case wire::Lane::low:
            return Priority::low;
    }
    return Priority::normal;
}

namespace {

wire::Stage to_wire(Stage stage) {
    switch (stage) {
        case Stage::safe:
            return wire::Stage::safe;
        case Stage::arrived:
            return wire::Stage::arrived;
        case Stage::consumed:
            return wire::Stage::consumed;
    }
    throw Error{"there is no such stage"};
}

// What cannot be delayed like that, by name.
void refuse_delay(const PublishOptions& options, Payload payload) {
    const auto delay = options.deliver_after;
    if (delay.count() < 0) throw Error{"a delay cannot be negative"};
    if (delay.count() == 0) return;
    if (static_cast<std::uint64_t>(delay.count()) > wire::delay_millis_max)
        throw Error{"a message cannot be delayed by more than 366 days"};
    if (options.best_effort)
        throw Error{"best effort cannot be delayed: nobody would keep it until it is due"};
    if (options.stage != Stage::safe)
        throw Error{"the receipt of a delayed message is \"safe\": it arrives when it is due"};
    if (options.expires_in.count() > 0 && options.expires_in <= delay)
        throw Error{"it would expire before it is due: a lifetime counts from the call"};
    if (payload.bytes().size() > wire::batch_body_bytes_max - wire::message_headers_bytes_max - 64)
        throw Error{"a message of more than 56 KiB cannot be delayed"};
}

}  // namespace

session::Outgoing compose(wire::Kind kind, std::string_view channel, Payload payload,
                          const PublishOptions& options) {
    if (options.expires_in.count() < 0) throw Error{"a lifetime cannot be negative"};
    refuse_delay(options, payload);
    return {.kind = kind,
            .channel = channel,
            .mode = options.best_effort ? wire::Mode::best_effort : wire::Mode::guaranteed,
            .lane = to_wire(options.priority),
            .ttl_millis = static_cast<std::uint64_t>(options.expires_in.count()),
            .delay_millis = static_cast<std::uint64_t>(options.deliver_after.count()),
            .headers = encode_headers(options),
            .payload = payload.bytes(),
            .sequence = options.sequence,
            .receipt = 0,
            .stage = to_wire(options.stage),
            .needs_destination = options.require_destination};
}

Error no_name(std::string_view text, std::string_view of_what) {
    return Error{in_quotes(text) + " is no name of " + std::string{of_what} + ": " +
                 wire::channel_fault(text) + " (" + token_rule + ", 255 bytes at most)"};
}

std::string in_seconds(std::chrono::milliseconds time) {
    return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) +
           " s";
}

Error no_filter(std::string_view text) {
    return Error{in_quotes(text) + " is no filter: " + wire::filter_fault(text) + " (" +
                 token_rule + "; * is one token, a last ** all that is left)"};
}

}  // namespace bus::client
