#include "describe.h"

#include <map>
#include <stdexcept>

#include "wire/batch.h"
#include "wire/envelope.h"
#include "wire/link.h"
#include "wire/local.h"

namespace bus::test {
namespace {

constexpr std::string_view lanes[] = {"high", "normal", "low"};

using namespace wire;

class Lines {
  public:
    void add(std::string_view field, std::string_view value) {
        lines_.push_back(std::string{field} + " = " + std::string{value});
    }
    void add(std::string_view field, std::uint64_t value) { add(field, std::to_string(value)); }
    std::vector<std::string> take() { return std::move(lines_); }

  private:
    std::vector<std::string> lines_;
};

std::vector<std::string> refused(Reject why) { return {"refused = " + std::string{to_text(why)}}; }

void add_messages(Lines& out, Bytes body, std::uint64_t sequence) {
    MessageWalk walk{body, sequence, MessageWalk::Check::checksum};
    while (const auto message = walk.next()) {
        out.add("message", message->sequence);
        out.add("intact", message->intact ? "yes" : "no");
        HeaderWalk headers{message->headers};
        while (const auto header = headers.next())
            out.add("header " + std::string{header->key}, header->value);
        out.add("payload", as_text(message->payload));
    }
    if (walk.malformed()) out.add("body", "malformed");
}

std::vector<std::string> describe_batch(Bytes frame) {
    const auto header = decode_batch(frame);
    if (!header) return refused(header.error());
    Lines out;
    out.add("kind", to_text(header->kind));
    out.add("lane", lanes[static_cast<std::size_t>(header->lane)]);
    out.add("mode", header->guaranteed() ? "guaranteed" : "best effort");
    out.add("flags", header->flags);
    out.add("producer", to_text(header->producer));
    out.add("sequence", header->sequence);
    out.add("channel sequence", header->channel_sequence);
    out.add("created micros", header->created_micros);
    out.add("ttl millis", header->ttl_millis);
    out.add("channel", header->channel);
    if (header->part) {
        out.add("part first sequence", header->part->first_sequence);
        out.add("part index", header->part->index);
        out.add("part total", header->part->total);
        out.add("part total bytes", header->part->total_bytes);
    }
    out.add("messages", header->message_count);
    add_messages(out, frame.subspan(header->header_length), header->sequence);
    return out.take();
}

std::vector<std::string> describe_envelope(Bytes frame) {
    const auto decoded = decode_envelope(frame);
    if (!decoded) return refused(decoded.error());
    const Envelope& e = decoded->envelope;
    Lines out;
    out.add("flags", e.flags);
    out.add("attempt", e.attempt);
    out.add("session", e.session);
    out.add("count", e.count);
    out.add("number", e.number);
    out.add("lifetime millis", e.lifetime_millis);
    out.add("first", e.first);
    out.add("messages", e.messages);
    out.add("consumer", e.consumer);
    out.add("delay millis", e.delay_millis);
    out.add("extension bytes", decoded->extensions.size());
    if (e.route != nullptr) {
        out.add("hops", std::uint64_t{e.route->hops});
        out.add("origin", to_text(e.route->origin));
        for (const auto& agent : e.route->finals) out.add("final", to_text(agent));
    }
    if (!e.group.empty()) out.add("group", e.group);
    out.add("batch bytes", decoded->batch.size());
    return out.take();
}

struct DescribeLink {
    Lines& out;

    void operator()(const LinkHello& m) const {
        out.add("type", "hello");
        out.add("protocol", std::to_string(m.protocol_min) + ".." + std::to_string(m.protocol_max));
        out.add("answer", m.answer ? "yes" : "no");
        if (m.relay) out.add("relay", "yes");
        if (m.questions) out.add("questions", "yes");
        out.add("agent", to_text(m.agent));
        out.add("name", m.name);
        out.add("incarnation", m.incarnation);
        out.add("your incarnation", m.your_incarnation);
        out.add("your taken", m.your_taken);
        out.add("window", m.window);
        out.add("interest version", m.interest_version);
        channels("held", m.held);
        out.add("nonce", m.nonce);
        out.add("your nonce", m.your_nonce);
        if (!m.tickets) return;
        if (m.rejoins) out.add("rejoins", "yes");
        out.add("ticket", to_text(m.ticket));
        out.add("given", m.given);
    }
    void operator()(const LinkAck& m) const {
        out.add("type", "ack");
        out.add("through", m.through);
        out.add("window", m.window);
        out.add("received", m.received);
        for (const auto& range : m.ranges)
            out.add("range", std::to_string(range.first) + ".." + std::to_string(range.last));
    }
    void operator()(const LinkInterest& m) const {
        static constexpr std::string_view parts[] = {"?", "snapshot_more", "snapshot_last",
                                                     "change", "give_back"};
        out.add("type", "interest");
        out.add("part", parts[static_cast<std::size_t>(m.part)]);
        out.add("version", m.version);
        for (const auto& item : m.items)
            out.add(item.op == InterestItem::Op::add ? "add" : "remove",
                    std::string{to_text(item.kind)} + (item.durable ? " durable" : "") + " name '" +
                        item.name + "' group '" + item.group + "' filter '" + item.filter + "'");
        if (m.agent.is_zero()) return;
        out.add("agent", to_text(m.agent));
        out.add("from", m.from);
    }
    void operator()(const LinkPaths& m) const {
        static constexpr std::string_view parts[] = {"?", "snapshot_more", "snapshot_last",
                                                     "change"};
        out.add("type", "paths");
        out.add("part", parts[static_cast<std::size_t>(m.part)]);
        for (const auto& path : m.paths) {
            std::string way;
            for (const auto& agent : path.agents) way += (way.empty() ? "" : " ") + to_text(agent);
            out.add("path", way);
            out.add("cost", path.cost == no_path ? "none" : std::to_string(path.cost));
            out.add("name", path.name);
            out.add("interest version", path.interest_version);
            out.add("interest digest", path.interest_digest);
        }
    }
    void operator()(const LinkAsk& m) const {
        out.add("type", "ask");
        for (const auto& agent : m.agents) out.add("agent", to_text(agent));
    }
    void operator()(const LinkArrived& m) const {
        out.add("type", "arrived");
        for (const auto& one : m.batches)
            out.add("batch", std::to_string(one.number) + " fate " +
                                 std::to_string(static_cast<unsigned>(one.fate)));
    }
    void operator()(const LinkTicket& m) const {
        out.add("type", "ticket");
        out.add("ticket", to_text(m.ticket));
    }
    void operator()(const LinkTicketTaken& m) const {
        out.add("type", "ticket_taken");
        out.add("ticket", to_text(m.ticket));
    }
    void operator()(const LinkQuery& m) const {
        out.add("type", "query");
        out.add("id", m.id);
        out.add("what", static_cast<std::uint64_t>(m.what));
        out.add("hops", std::uint64_t{m.hops});
        out.add("target", to_text(m.target));
        for (const auto& agent : m.trail) out.add("trail", to_text(agent));
    }
    void operator()(const LinkAnswer& m) const {
        out.add("type", "answer");
        out.add("id", m.id);
        out.add("what", static_cast<std::uint64_t>(m.what));
        out.add("outcome", static_cast<std::uint64_t>(m.outcome));
        out.add("agent", to_text(m.agent));
        out.add("name", m.name);
        for (const auto& agent : m.trail) out.add("trail", to_text(agent));
        const bool is_status =
            m.what == Asked::status && m.outcome <= LinkAnswer::Outcome::on_the_way;
        const auto told = is_status ? decode_summary(m.text) : std::nullopt;
        if (!told) return out.add("text", m.text);
        summary(*told);
    }
    void summary(const Summary& s) const {
        out.add("version", s.version);
        out.add("uptime millis", s.uptime_millis);
        out.add("links up", std::uint64_t{s.links_up});
        out.add("links down", std::uint64_t{s.links_down});
        out.add("waiting messages", s.waiting_messages);
        out.add("waiting bytes", s.waiting_bytes);
        out.add("oldest millis", s.oldest_millis);
        out.add("journal live bytes", s.journal_live_bytes);
        out.add("journal file bytes", s.journal_file_bytes);
        out.add("journal full", s.journal_full ? "yes" : "no");
        out.add("unrouted", s.unrouted);
        out.add("dead letters", s.dead_letters);
        out.add("last error", s.last_error);
        out.add("last error millis", s.last_error_millis);
    }
    void operator()(const LinkUnknown&) const { out.add("type", "of a later version"); }
    void operator()(const LinkHold& m) const {
        out.add("type", "hold");
        channels("hold", m.hold);
        channels("resume", m.resume);
    }
    void operator()(const LinkKeepalive& m) const {
        out.add("type", "keepalive");
        out.add("interest version", m.interest_version);
        out.add("interest digest", m.interest_digest);
        out.add("echo", m.echo);
        out.add("reply to", m.reply_to);
        if (m.paths_digest != 0) out.add("paths digest", m.paths_digest);
    }
    void operator()(const LinkReset& m) const {
        out.add("type", "reset");
        out.add("code", to_text(m.code));
        out.add("final", m.final ? "yes" : "no");
        out.add("reason", m.reason);
    }
    void operator()(const LinkRefuse& m) const {
        out.add("type", "refuse");
        out.add("number", m.number);
        out.add("code", to_text(m.code));
        out.add("reason", m.reason);
    }
    void operator()(const LinkUnfinished& m) const {
        out.add("type", "unfinished");
        out.add("kind", to_text(m.kind));
        out.add("lane", lanes[static_cast<std::size_t>(m.lane)]);
        out.add("channel", m.channel);
        out.add("producer", to_text(m.producer));
        out.add("sequence", m.sequence);
        out.add("channel sequence", m.channel_sequence);
        out.add("first sequence", m.part.first_sequence);
        out.add("next part", std::uint64_t{m.part.index});
        out.add("parts", std::uint64_t{m.part.total});
        out.add("total bytes", m.part.total_bytes);
        if (m.origin.is_zero()) return;
        out.add("origin", to_text(m.origin));
        out.add("asker", to_text(m.asker));
        out.add("hops", std::uint64_t{m.hops});
        if (!m.group.empty()) out.add("group", m.group);
    }
    void channels(std::string_view field, const std::vector<ChannelKey>& keys) const {
        for (const auto& key : keys)
            out.add(field, std::string{to_text(key.kind)} + " " + key.name);
    }
};

std::vector<std::string> describe_link(Bytes frame) {
    const auto decoded = decode_link(frame);
    if (!decoded) return refused(decoded.error());
    Lines out;
    out.add("session", decoded->head.session);
    out.add("count", decoded->head.count);
    std::visit(DescribeLink{out}, decoded->body);
    return out.take();
}

std::vector<std::string> describe_receipts(Bytes frame) {
    static constexpr std::string_view stages[] = {"safe", "arrived", "consumed"};
    static constexpr std::string_view fates[] = {"reached", "expired", "dead_lettered", "lapsed",
                                                 "unknown"};
    const auto receipts = decode_receipts(frame);
    if (!receipts) return refused(receipts.error());
    Lines out;
    out.add("safe through", receipts->safe_through);
    for (const auto& record : receipts->records)
        out.add("number " + std::to_string(record.number),
                std::string{stages[static_cast<std::size_t>(record.stage)]} + " " +
                    std::string{fates[static_cast<std::size_t>(record.fate)]} + " destinations " +
                    std::to_string(record.destinations));
    return out.take();
}

std::vector<std::string> describe_acks(Bytes frame) {
    static constexpr std::string_view verdicts[] = {"ack", "nack", "reject", "extend"};
    const auto acks = decode_acks(frame);
    if (!acks) return refused(acks.error());
    Lines out;
    for (const auto& ack : *acks)
        out.add("tag " + std::to_string(ack.tag),
                std::string{verdicts[static_cast<std::size_t>(ack.verdict)]} +
                    (ack.through ? " through" : "") + " first " + std::to_string(ack.first) +
                    " count " + std::to_string(ack.count) + " delay millis " +
                    std::to_string(ack.delay_millis) + " reason '" + ack.reason + "'");
    return out.take();
}

}  // namespace

std::vector<std::string> describe(std::string_view format, Bytes frame) {
    using Describe = std::vector<std::string> (*)(Bytes);
    static const std::map<std::string_view, Describe> formats{{"batch", describe_batch},
                                                              {"envelope", describe_envelope},
                                                              {"link", describe_link},
                                                              {"receipts", describe_receipts},
                                                              {"acks", describe_acks}};
    const auto found = formats.find(format);
    if (found == formats.end()) throw std::runtime_error{"no such format: " + std::string{format}};
    return found->second(frame);
}

}  // namespace bus::test
