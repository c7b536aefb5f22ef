#include "wire/link.h"

#include <xxhash.h>

#include <optional>

#include "base/assert.h"

namespace bus::wire {
namespace {

constexpr std::uint8_t version = 1;

struct Encode {
    Writer out;

    void operator()(const LinkHello& m) {
        out.u16(m.protocol_min);
        out.u16(m.protocol_max);
        out.u32((m.answer ? 1u : 0u) | (m.relay ? 2u : 0u) | (m.tickets ? 4u : 0u) |
                (m.rejoins ? 8u : 0u) | (m.questions ? 16u : 0u));
        out.id(m.agent);
        out.u64(m.incarnation);
        out.u64(m.your_incarnation);
        out.u64(m.your_taken);
        out.u64(m.window);
        out.u64(m.interest_version);
        out.text8(m.name);
        channels(m.held);
        out.u64(m.nonce);
        out.u64(m.your_nonce);
        if (!m.tickets) return;
        out.id(m.ticket);
        out.u64(m.given);
    }
    void operator()(const LinkAck& m) {
        out.u64(m.through);
        out.u64(m.window);
        out.u64(m.received);
        out.u32(static_cast<std::uint32_t>(m.ranges.size()));
        for (const auto& range : m.ranges) {
            out.u64(range.first);
            out.u64(range.last);
        }
    }
    void operator()(const LinkInterest& m) {
        out.u8(static_cast<std::uint8_t>(m.part));
        out.u64(m.version);
        out.u32(static_cast<std::uint32_t>(m.items.size()));
        for (const auto& item : m.items) {
            out.u8(static_cast<std::uint8_t>(item.op));
            out.u8(static_cast<std::uint8_t>(item.kind));
            out.u8(item.durable ? 1 : 0);
            out.text8(item.name);
            out.text8(item.group);
            out.text8(item.filter);
        }
        out.id(m.agent);
        out.u64(m.from);
    }
    void operator()(const LinkPaths& m) {
        out.u8(static_cast<std::uint8_t>(m.part));
        out.u32(static_cast<std::uint32_t>(m.paths.size()));
        for (const auto& path : m.paths) path_of(path);
    }
    void operator()(const LinkAsk& m) {
        out.u32(static_cast<std::uint32_t>(m.agents.size()));
        for (const auto& agent : m.agents) out.id(agent);
    }
    void operator()(const LinkArrived& m) {
        out.u32(static_cast<std::uint32_t>(m.batches.size()));
        for (const auto& one : m.batches) {
            out.u64(one.number);
            out.u8(static_cast<std::uint8_t>(one.fate));
        }
    }
    void operator()(const LinkTicket& m) { out.id(m.ticket); }
    void operator()(const LinkTicketTaken& m) { out.id(m.ticket); }
    void operator()(const LinkQuery& m) { encode(out, m); }
    void operator()(const LinkAnswer& m) { encode(out, m); }
    void operator()(const LinkUnknown&) {}
    void operator()(const LinkHold& m) {
        channels(m.hold);
        channels(m.resume);
    }
    void operator()(const LinkKeepalive& m) {
        out.u64(m.interest_version);
        out.u64(m.interest_digest);
        out.u64(m.echo);
        out.u64(m.reply_to);
        out.u64(m.paths_digest);
    }
    void operator()(const LinkReset& m) {
        out.u8(static_cast<std::uint8_t>(m.code));
        out.u8(m.final ? 1 : 0);
        out.text16(m.reason);
    }
    void operator()(const LinkRefuse& m) {
        out.u64(m.number);
        out.u8(static_cast<std::uint8_t>(m.code));
        out.text16(m.reason);
    }

    void operator()(const LinkUnfinished& m) {
        out.u8(static_cast<std::uint8_t>(m.kind));
        out.u8(static_cast<std::uint8_t>(m.lane));
        out.id(m.producer);
        out.u64(m.sequence);
        out.u64(m.channel_sequence);
        out.u64(m.part.first_sequence);
        out.u32(m.part.index);
        out.u32(m.part.total);
        out.u64(m.part.total_bytes);
        out.text8(m.channel);
        out.id(m.origin);
        out.id(m.asker);
        out.u8(m.hops);
        out.text8(m.group);
    }

    void path_of(const LinkPaths::Path& path) {
        out.u32(path.cost);
        out.u8(static_cast<std::uint8_t>(path.agents.size()));
        for (const auto& agent : path.agents) out.id(agent);
        out.text8(path.name);
        out.u64(path.interest_version);
        out.u64(path.interest_digest);
    }
    void channels(const std::vector<ChannelKey>& keys) {
        BUS_ASSERT(keys.size() <= 0xFFFF);
        out.u16(static_cast<std::uint16_t>(keys.size()));
        for (const auto& key : keys) {
            out.u8(static_cast<std::uint8_t>(key.kind));
            out.text8(key.name);
        }
    }
};

FrameType type_of(const LinkBody& body) {
    static constexpr FrameType types[] = {
        FrameType::link_hello,        FrameType::link_ack,        FrameType::link_interest,
        FrameType::link_hold,         FrameType::link_keepalive,  FrameType::link_reset,
        FrameType::link_refuse,       FrameType::link_unfinished, FrameType::link_paths,
        FrameType::link_ask,          FrameType::link_arrived,    FrameType::link_ticket,
        FrameType::link_ticket_taken, FrameType::link_query,      FrameType::link_answer};
    static_assert(std::size(types) + 1 == std::variant_size_v<LinkBody>);
    BUS_ASSERT(body.index() < std::size(types));  // nobody sends what nobody knows
    return types[body.index()];
}

// Reads count items, stopping at the first that is missing: a lying count costs nothing.
template <class Item, class Read>
std::vector<Item> items(Reader& in, std::size_t count, Read read) {
    std::vector<Item> found;
    for (std::size_t i = 0; i < count && in.ok(); ++i) found.push_back(read());
    return found;
}

std::vector<ChannelKey> channels(Reader& in) {
    const std::size_t count = in.u16();
    return items<ChannelKey>(in, count, [&] {
        const auto kind = static_cast<Kind>(in.u8());
        return ChannelKey{kind, std::string{in.text8()}};
    });
}

bool valid(const std::vector<ChannelKey>& keys) {
    for (const auto& key : keys)
        if (key.kind > Kind::service || (!is_filter(key.name) && !is_group_address(key.name)))
            return false;
    return true;
}

bool valid(const InterestItem& item) {
    if (item.op != InterestItem::Op::add && item.op != InterestItem::Op::remove) return false;
    if (item.kind > Kind::service || (item.durable && item.name.empty())) return false;
    // A group's existence is told under its name, its consumers without one.
    const bool is_group = item.kind == Kind::topic && is_name(item.group) &&
                          (item.name == (item.durable ? item.group : ""));
    return is_filter(item.filter) && (item.name.empty() || is_name(item.name)) &&
           (item.group.empty() || is_group);
}

bool valid(const std::vector<LinkAck::Range>& ranges, std::uint64_t through) {
    for (const auto& range : ranges)
        if (range.first > range.last || range.first <= through) return false;
    return true;
}

// ---- One decoder per body: nullopt where its fields contradict themselves -----

std::optional<LinkBody> decode_hello(Reader& in) {
    LinkHello m;
    m.protocol_min = in.u16();
    m.protocol_max = in.u16();
    const auto bits = in.u32();
    m.answer = (bits & 1) != 0;
    m.relay = (bits & 2) != 0;
    m.tickets = (bits & 4) != 0;
    m.rejoins = (bits & 8) != 0;
    m.questions = (bits & 16) != 0;
    m.agent = in.id<AgentId>();
    m.incarnation = in.u64();
    m.your_incarnation = in.u64();
    m.your_taken = in.u64();
    m.window = in.u64();
    m.interest_version = in.u64();
    m.name = in.text8();
    m.held = channels(in);
    m.nonce = in.u64();
    m.your_nonce = in.u64();
    if (m.tickets) {
        m.ticket = in.id<Ticket>();
        m.given = in.u64();
    }
    if (m.agent.is_zero() || m.incarnation == 0 || !is_name(m.name) || !valid(m.held))
        return std::nullopt;
    return m;
}

std::optional<LinkBody> decode_ack(Reader& in) {
    LinkAck m;
    m.through = in.u64();
    m.window = in.u64();
    m.received = in.u64();
    const std::size_t count = in.u32();
    if (count > ack_ranges_max) return std::nullopt;
    m.ranges = items<LinkAck::Range>(in, count, [&] {
        const auto first = in.u64();
        return LinkAck::Range{first, in.u64()};
    });
    if (!valid(m.ranges, m.through)) return std::nullopt;
    return m;
}

InterestItem read_interest_item(Reader& in) {
    InterestItem item;
    item.op = static_cast<InterestItem::Op>(in.u8());
    item.kind = static_cast<Kind>(in.u8());
    item.durable = (in.u8() & 1) != 0;
    item.name = in.text8();
    item.group = in.text8();
    item.filter = in.text8();
    return item;
}

std::optional<LinkBody> decode_interest(Reader& in) {
    LinkInterest m;
    m.part = static_cast<LinkInterest::Part>(in.u8());
    m.version = in.u64();
    const std::size_t count = in.u32();
    m.items = items<InterestItem>(in, count, [&] { return read_interest_item(in); });
    if (in.left() > 0) {
        m.agent = in.id<AgentId>();
        m.from = in.u64();
    }
    if (m.part < LinkInterest::Part::snapshot_more || m.part > LinkInterest::Part::give_back)
        return std::nullopt;
    for (const auto& item : m.items)
        if (!valid(item)) return std::nullopt;
    return m;
}

LinkPaths::Path read_path(Reader& in) {
    LinkPaths::Path path;
    path.cost = in.u32();
    const std::size_t length = in.u8();
    path.agents = items<AgentId>(in, length, [&] { return in.id<AgentId>(); });
    path.name = in.text8();
    path.interest_version = in.u64();
    path.interest_digest = in.u64();
    return path;
}

bool valid(const LinkPaths::Path& path) {
    if (path.agents.empty() || path.agents.size() > path_agents_max) return false;
    for (const auto& agent : path.agents)
        if (agent.is_zero()) return false;
    return path.name.empty() || is_name(path.name);
}

std::optional<LinkBody> decode_paths(Reader& in) {
    LinkPaths m;
    m.part = static_cast<LinkPaths::Part>(in.u8());
    const std::size_t count = in.u32();
    m.paths = items<LinkPaths::Path>(in, count, [&] { return read_path(in); });
    if (m.part < LinkPaths::Part::snapshot_more || m.part > LinkPaths::Part::change)
        return std::nullopt;
    if (!in.ok()) return std::nullopt;
    for (const auto& path : m.paths)
        if (!valid(path)) return std::nullopt;
    return m;
}

std::optional<LinkBody> decode_ask(Reader& in) {
    const std::size_t count = in.u32();
    return LinkAsk{items<AgentId>(in, count, [&] { return in.id<AgentId>(); })};
}

std::optional<LinkBody> decode_arrived(Reader& in) {
    const std::size_t count = in.u32();
    LinkArrived m;
    m.batches = items<LinkArrived::One>(in, count, [&] {
        const auto number = in.u64();
        return LinkArrived::One{number, static_cast<Fate>(in.u8())};
    });
    for (const auto& one : m.batches)
        if (one.fate > Fate::unknown) return std::nullopt;
    return m;
}

template <class Frame>
std::optional<LinkBody> decode_ticket(Reader& in) {
    Frame m{in.id<Ticket>()};
    if (m.ticket.is_zero()) return std::nullopt;
    return m;
}

std::optional<LinkBody> decode_unknown(Reader&) { return LinkUnknown{}; }

std::optional<LinkBody> decode_hold(Reader& in) {
    LinkHold m;
    m.hold = channels(in);
    m.resume = channels(in);
    if (!valid(m.hold) || !valid(m.resume)) return std::nullopt;
    return m;
}

std::optional<LinkBody> decode_keepalive(Reader& in) {
    LinkKeepalive m{.interest_version = in.u64(),
                    .interest_digest = in.u64(),
                    .echo = in.u64(),
                    .reply_to = in.u64()};
    if (in.left() > 0) m.paths_digest = in.u64();
    return m;
}

std::optional<LinkBody> decode_reset(Reader& in) {
    LinkReset m;
    m.code = static_cast<Reject>(in.u8());
    m.final = (in.u8() & 1) != 0;
    m.reason = in.text16();
    return m;
}

std::optional<LinkBody> decode_refuse(Reader& in) {
    LinkRefuse m;
    m.number = in.u64();
    m.code = static_cast<Reject>(in.u8());
    m.reason = in.text16();
    return m;
}

std::optional<LinkBody> decode_unfinished(Reader& in) {
    LinkUnfinished m;
    m.kind = static_cast<Kind>(in.u8());
    m.lane = static_cast<Lane>(in.u8());
    m.producer = in.id<ProducerId>();
    m.sequence = in.u64();
    m.channel_sequence = in.u64();
    m.part.first_sequence = in.u64();
    m.part.index = in.u32();
    m.part.total = in.u32();
    m.part.total_bytes = in.u64();
    m.channel = in.text8();
    if (in.left() > 0) {
        m.origin = in.id<AgentId>();
        m.asker = in.id<AgentId>();
        m.hops = in.u8();
    }
    if (in.left() > 0) m.group = in.text8();
    const bool is_place = m.part.first_sequence > 0 && m.part.first_sequence <= m.sequence &&
                          m.part.index > 0 && m.part.index < m.part.total;
    if (m.kind > Kind::service || m.lane > Lane::low || m.producer.is_zero() || !is_place ||
        m.channel_sequence < m.part.index || !is_channel(m.channel) ||
        !(m.group.empty() || is_group_address(m.group)))
        return std::nullopt;
    return m;
}

using DecodeBody = std::optional<LinkBody> (*)(Reader&);

// nullptr: not a control frame.
DecodeBody decoder_of(FrameType type) {
    switch (type) {
        case FrameType::link_hello:
            return decode_hello;
        case FrameType::link_ack:
            return decode_ack;
        case FrameType::link_interest:
            return decode_interest;
        case FrameType::link_hold:
            return decode_hold;
        case FrameType::link_keepalive:
            return decode_keepalive;
        case FrameType::link_reset:
            return decode_reset;
        case FrameType::link_refuse:
            return decode_refuse;
        case FrameType::link_unfinished:
            return decode_unfinished;
        case FrameType::link_paths:
            return decode_paths;
        case FrameType::link_ask:
            return decode_ask;
        case FrameType::link_arrived:
            return decode_arrived;
        case FrameType::link_ticket:
            return decode_ticket<LinkTicket>;
        case FrameType::link_ticket_taken:
            return decode_ticket<LinkTicketTaken>;
        case FrameType::link_query:
            return [](Reader& in) -> std::optional<LinkBody> { return decode_query(in); };
        case FrameType::link_answer:
            return [](Reader& in) -> std::optional<LinkBody> { return decode_answer(in); };
        case FrameType::data:
        case FrameType::receipts:
        case FrameType::acks:
            return nullptr;
    }
    return type > FrameType::link_hello && type < link_types_end ? decode_unknown : nullptr;
}

// Leaves the reader at the body.
Expected<LinkHead, Reject> decode_head(Reader& in) {
    LinkHead head;
    head.type = static_cast<FrameType>(in.u8());
    const auto frame_version = in.u8();
    const std::size_t length = in.u16();
    in.u32();
    head.session = in.u64();
    head.count = in.u64();
    if (!in.ok() || length < link_head_length) return Unexpected{Reject::malformed};
    if (frame_version != version) return Unexpected{Reject::bad_version};
    in.bytes(length - link_head_length);  // a later version's head
    return head;
}

}  // namespace

std::vector<std::byte> encode_link(const LinkFrame& frame) {
    std::vector<std::byte> bytes;
    bytes.reserve(128);  // an acknowledgement, most of all
    Writer out{bytes};
    out.u8(static_cast<std::uint8_t>(type_of(frame.body)));
    out.u8(version);
    out.u16(static_cast<std::uint16_t>(link_head_length));
    out.u32(0);
    out.u64(frame.head.session);
    out.u64(frame.head.count);
    std::visit(Encode{out}, frame.body);
    return bytes;
}

Expected<LinkFrame, Reject> decode_link(Bytes bytes) {
    if (bytes.size() > frame_bytes_max) return Unexpected{Reject::too_large};
    Reader in{bytes};
    const auto head = decode_head(in);
    if (!head) return Unexpected{head.error()};
    const DecodeBody decode_body = decoder_of(head->type);
    if (decode_body == nullptr) return Unexpected{Reject::unknown_command};
    auto body = decode_body(in);
    if (!in.ok() || !body) return Unexpected{Reject::malformed};
    return LinkFrame{*head, std::move(*body)};  // bytes left over are a later version's fields
}

std::uint64_t digest(const LinkPaths::Path& path) {
    std::vector<std::byte> bytes;
    Encode{Writer{bytes}}.path_of(path);
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t digest(const InterestItem& item) {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    out.u8(static_cast<std::uint8_t>(item.kind));
    out.u8(item.durable ? 1 : 0);
    out.text8(item.name);
    out.text8(item.group);
    out.text8(item.filter);
    return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace bus::wire
