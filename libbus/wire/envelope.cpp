#include "wire/envelope.h"

#include <cstring>

#include "wire/bounds.h"
#include "wire/names.h"

namespace bus::wire {
namespace {

constexpr std::uint8_t version = 1;

constexpr std::size_t extension_head_length = 4;
constexpr std::size_t route_fixed_length = 20;
constexpr std::size_t id_length = 16;
static_assert(envelope_length + extension_head_length + route_fixed_length +
                      finals_max * id_length + extension_head_length + channel_bytes_max <=
                  envelope_bytes_max,
              "a full route and a group fit into an envelope");

std::size_t route_length(const Route& route) {
    return route_fixed_length + route.finals.size() * id_length;
}

void encode_route(const Route& route, std::byte* out) {
    store(out, route_extension);
    store(out + 2, static_cast<std::uint16_t>(route_length(route)));
    out += extension_head_length;
    store(out, route.hops);
    store(out + 1, std::uint8_t{0});
    store(out + 2, static_cast<std::uint16_t>(route.finals.size()));
    store(out + 4, route.origin.words);
    for (std::size_t i = 0; i < route.finals.size(); ++i)
        store(out + route_fixed_length + i * id_length, route.finals[i].words);
}

// nullptr: it contradicts itself.
std::shared_ptr<const Route> decode_route(Bytes bytes) {
    Reader in{bytes};
    auto route = std::make_shared<Route>();
    route->hops = in.u8();
    in.u8();
    const std::size_t count = in.u16();
    route->origin = in.id<AgentId>();
    if (count > finals_max || route->hops == 0 || route->origin.is_zero()) return nullptr;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        route->finals.push_back(in.id<AgentId>());
        if (route->finals.back().is_zero()) return nullptr;
    }
    return in.ok() ? route : nullptr;
}

// Extensions are type u16, length u16, bytes, repeated: what is not known can be stepped over.
// false: they do not add up, or one that is known is malformed.
bool decode_extensions(Bytes bytes, Envelope& envelope) {
    Reader in{bytes};
    while (in.left() > 0) {
        const auto type = in.u16();
        const Bytes body = in.bytes(in.u16());
        if (!in.ok()) return false;
        if (type == group_extension) {
            if (!envelope.group.empty()) return false;
            envelope.group = {reinterpret_cast<const char*>(body.data()), body.size()};
            if (!is_group_address(envelope.group)) return false;
        }
        if (type != route_extension) continue;
        if (envelope.route != nullptr) return false;
        envelope.route = decode_route(body);
        if (envelope.route == nullptr) return false;
    }
    return in.ok();
}

}  // namespace

std::size_t encoded_length(const Envelope& envelope) {
    return envelope_length +
           (envelope.route == nullptr ? 0 : extension_head_length + route_length(*envelope.route)) +
           (envelope.group.empty() ? 0 : extension_head_length + envelope.group.size());
}

void encode_envelope(const Envelope& e, std::byte* out) {
    store(out, FrameType::data);
    store(out + 1, version);
    store(out + 2, static_cast<std::uint16_t>(encoded_length(e)));
    store(out + 4, e.flags);
    store(out + 6, e.attempt);
    store(out + 8, e.session);
    store(out + 16, e.count);
    store(out + 24, e.number);
    store(out + 32, e.lifetime_millis);
    store(out + 40, e.first);
    store(out + 44, e.messages);
    store(out + 48, e.consumer);
    store(out + 56, e.delay_millis);
    out += envelope_length;
    if (e.route != nullptr) {
        encode_route(*e.route, out);
        out += extension_head_length + route_length(*e.route);
    }
    if (e.group.empty()) return;
    store(out, group_extension);
    store(out + 2, static_cast<std::uint16_t>(e.group.size()));
    std::memcpy(out + extension_head_length, e.group.data(), e.group.size());
}

Expected<DecodedEnvelope, Reject> decode_envelope(Bytes frame) {
    if (frame.size() < envelope_length || load<FrameType>(frame.data()) != FrameType::data)
        return Unexpected{Reject::malformed};
    if (load<std::uint8_t>(frame.data() + 1) != version) return Unexpected{Reject::bad_version};
    const std::size_t length = load<std::uint16_t>(frame.data() + 2);
    if (length < envelope_length || length > envelope_bytes_max || length > frame.size())
        return Unexpected{Reject::malformed};
    const std::byte* in = frame.data();
    DecodedEnvelope decoded{.envelope = {.flags = load<std::uint16_t>(in + 4),
                                         .attempt = load<std::uint16_t>(in + 6),
                                         .session = load<std::uint64_t>(in + 8),
                                         .count = load<std::uint64_t>(in + 16),
                                         .number = load<std::uint64_t>(in + 24),
                                         .lifetime_millis = load<std::uint64_t>(in + 32),
                                         .first = load<std::uint32_t>(in + 40),
                                         .messages = load<std::uint32_t>(in + 44),
                                         .consumer = load<std::uint64_t>(in + 48),
                                         .delay_millis = load<std::uint64_t>(in + 56),
                                         .route = nullptr,
                                         .group = {}},
                            .extensions = frame.subspan(envelope_length, length - envelope_length),
                            .batch = frame.subspan(length)};
    if (!decode_extensions(decoded.extensions, decoded.envelope))
        return Unexpected{Reject::malformed};
    return decoded;
}

}  // namespace bus::wire
