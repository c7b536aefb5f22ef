#include "observe/tap.h"

#include <algorithm>

#include "limits.h"
#include "observe/event_name.h"
#include "observe/payload_json.h"
#include "wire/batch.h"
#include "wire/bounds.h"

namespace bus::observe {
namespace {

using core::Event;

constexpr std::size_t reply_room = wire::control_bytes_max - 8 * 1024;

// The messages of it that the event is about.
template <class Visit>
void for_each_message(const Event& event, Visit visit) {
    wire::MessageWalk walk{event.batch.body(), event.batch.header().sequence,
                           wire::MessageWalk::Check::form};
    std::uint64_t at = 0;
    while (const auto message = walk.next()) {
        if (at >= std::uint64_t{event.first} + event.messages) return;
        if (at++ >= event.first && !visit(*message)) return;
    }
}

bool has_header(const Event& event, const TapWish& wish) {
    bool found = false;
    for_each_message(event, [&](const wire::MessageView& message) {
        const auto value = wire::find_header(message.headers, wish.header_key);
        found = value && (!wish.header_value || *value == *wish.header_value);
        return !found;
    });
    return found;
}

bool is_by(const Event& event, const std::string& who) {
    const std::string_view subject = event.subject;
    return subject == who || subject.starts_with(who + " (uid ") ||
           subject.ends_with("(" + who + ")");
}

bool matches(const TapWish& wish, const Event& event) {
    if (!wish.events.empty() && !wish.events.contains(event.kind)) return false;
    if (!wish.who.empty() && !is_by(event, wish.who)) return false;
    const bool of_batches = wish.channels || wish.bytes_min > 0 || !wish.header_key.empty();
    if (!event.batch) return !of_batches;
    const auto& header = event.batch.header();
    if (wish.channels && !wish.channels->covers(header.kind, header.channel)) return false;
    if (event.batch.size() < wish.bytes_min) return false;
    return wish.header_key.empty() || has_header(event, wish);
}

std::string_view word_of(wire::Lane lane) {
    switch (lane) {
        case wire::Lane::high:
            return "high";
        case wire::Lane::normal:
            return "normal";
        case wire::Lane::low:
            return "low";
    }
    return "normal";
}

Json headers_json(Bytes headers) {
    Json json = Json::object();
    wire::HeaderWalk walk{headers};
    while (const auto field = walk.next()) json[std::string{field->key}] = field->value;
    return json;
}

// As many as have room; "left_out" counts the rest.
void add_contents(Json& json, const Event& event, std::size_t snaplen) {
    Json contents = Json::array();
    std::size_t bytes = 0, left_out = 0;
    for_each_message(event, [&](const wire::MessageView& message) {
        Json one{{"sequence", message.sequence}, {"headers", headers_json(message.headers)}};
        if (snaplen > 0)
            one["payload"] = payload_json(message.payload, snaplen);
        else
            one["payload"] = {{"bytes", message.payload.size()}};
        bytes += message.headers.size() + std::min(message.payload.size(), snaplen) * 2 + 80;
        if (contents.empty() || bytes < reply_room / 2)
            contents.push_back(std::move(one));
        else
            ++left_out;
        return true;
    });
    json["contents"] = std::move(contents);
    json["left_out"] = left_out;
}

Json event_json(const Event& event, const TapWish& wish, std::int64_t wall_offset) {
    const auto at =
        std::chrono::duration_cast<std::chrono::microseconds>(event.at.time_since_epoch());
    Json json{{"event", to_text(event.kind)},
              {"at_unix_micros", at.count() + wall_offset},
              {"who", event.subject},
              {"words", event.words}};
    if (!event.batch) return json;
    const auto& header = event.batch.header();
    json["kind"] = wire::to_text(header.kind);
    json["channel"] = header.channel;
    json["guaranteed"] = header.guaranteed();
    json["priority"] = word_of(header.lane);
    json["producer"] = bus::to_text(header.producer);
    json["sequence"] = header.sequence + event.first;
    json["messages"] = event.messages;
    json["bytes"] =
        wire::cut_body(event.batch.body(), event.first, static_cast<std::uint32_t>(event.messages))
            .size();
    if (event.attempt > 1) json["attempt"] = event.attempt;
    if (wish.contents) add_contents(json, event, wish.snaplen);
    return json;
}

}  // namespace

std::string tap_reply(const AdminAnswer& to, std::uint64_t id) {
    Json reply = reply_head(to, true);
    reply[to.request] = {{"tap", id}};
    return reply_text(reply);
}

std::optional<std::uint64_t> Taps::open(TapWish wish, Time now) {
    if (taps_.size() >= limits::taps_max) return std::nullopt;
    Tap& tap = taps_[++last_];
    tap.wish = std::move(wish);
    tap.read_at = now;
    return last_;
}

std::size_t Taps::forget_unread(Time now) {
    return std::erase_if(taps_, [&](const auto& entry) {
        return now - entry.second.read_at > limits::tap_unread_max;
    });
}

std::size_t Taps::room() const {
    std::size_t most = 0;
    for (const auto& [id, tap] : taps_)
        if (tap.ring_bytes < limits::tap_ring_bytes)
            most = std::max(most, limits::tap_ring_events - tap.ring.size());
    return most;
}

void Taps::missed(std::uint64_t steps) {
    for (auto& [id, tap] : taps_) tap.missed += steps;
}

void Taps::offer(const Event& event) {
    for (auto& [id, tap] : taps_) {
        if (!matches(tap.wish, event) || tap.matched++ % tap.wish.one_in != 0) continue;
        if (tap.ring.size() >= limits::tap_ring_events ||
            tap.ring_bytes >= limits::tap_ring_bytes) {
            ++tap.missed;
            continue;
        }
        tap.ring_bytes += event.batch ? event.batch.size() : 0;
        tap.ring.push_back(event);
    }
}

std::optional<std::string> Taps::read(const AdminAnswer& to, std::uint64_t id, Time now,
                                      std::uint64_t wall_micros) {
    const auto found = taps_.find(id);
    if (found == taps_.end()) return std::nullopt;
    Tap& tap = found->second;
    tap.read_at = now;
    const auto here =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    const auto wall_offset = static_cast<std::int64_t>(wall_micros) - here;
    Json events = Json::array();
    std::size_t bytes = 0;
    while (!tap.ring.empty()) {
        Json json = event_json(tap.ring.front(), tap.wish, wall_offset);
        bytes += json.dump(-1, ' ', false, Json::error_handler_t::replace).size() + 1;
        if (!events.empty() && bytes > reply_room) break;
        events.push_back(std::move(json));
        tap.ring_bytes -= tap.ring.front().batch ? tap.ring.front().batch.size() : 0;
        tap.ring.pop_front();
    }
    Json reply = reply_head(to, true);
    reply[to.request] = {{"events", std::move(events)},
                         {"missed", std::exchange(tap.missed, 0)},
                         {"more", !tap.ring.empty()}};
    return reply_text(reply);
}

}  // namespace bus::observe
