// Message headers that have a meaning on the bus: PROTOCOL.md, "Messages".
#pragma once

#include <string_view>

namespace bus::wire {

namespace header_key {
inline constexpr std::string_view content_type = "content-type";
inline constexpr std::string_view correlation_id = "correlation-id";
// Of a request: the address of its reply.
inline constexpr std::string_view reply_to = "reply-to";
inline constexpr std::string_view key = "key";
// Of a reply: the responder has failed, in its own words.
inline constexpr std::string_view error = "error";
// Of a reply that an agent gives in the responder's place: there will be no answer, and why, one of
// request_error.
inline constexpr std::string_view bus_error = "bus-error";
}  // namespace header_key

namespace request_error {
inline constexpr std::string_view no_responders = "no_responders";  // nobody serves it
inline constexpr std::string_view busy = "busy";                    // too many wait already
inline constexpr std::string_view responder_lost =
    "responder_lost";  // it may have been carried out
}  // namespace request_error

}  // namespace bus::wire
