#include "wire/link_question.h"

#include <algorithm>

#include "wire/bounds.h"
#include "wire/names.h"

namespace bus::wire {
namespace {

void write_trail(Writer& out, const std::vector<AgentId>& trail) {
    BUS_ASSERT(trail.size() <= path_agents_max);
    out.u8(static_cast<std::uint8_t>(trail.size()));
    for (const AgentId& agent : trail) out.id(agent);
}

std::vector<AgentId> read_trail(Reader& in) {
    std::vector<AgentId> trail;
    for (auto left = in.u8(); left > 0 && in.ok(); --left) trail.push_back(in.id<AgentId>());
    return trail;
}

bool is_trail(const std::vector<AgentId>& trail) {
    return !trail.empty() && trail.size() <= path_agents_max &&
           std::none_of(trail.begin(), trail.end(),
                        [](const AgentId& agent) { return agent.is_zero(); });
}

}  // namespace

void encode(Writer& out, const LinkQuery& query) {
    out.u64(query.id);
    out.u8(static_cast<std::uint8_t>(query.what));
    out.u8(query.hops);
    out.id(query.target);
    write_trail(out, query.trail);
}

void encode(Writer& out, const LinkAnswer& answer) {
    BUS_ASSERT(answer.text.size() <= answer_text_max);
    out.u64(answer.id);
    out.u8(static_cast<std::uint8_t>(answer.what));
    out.u8(static_cast<std::uint8_t>(answer.outcome));
    out.id(answer.agent);
    out.text8(answer.name);
    write_trail(out, answer.trail);
    out.text16(answer.text);
}

std::optional<LinkQuery> decode_query(Reader& in) {
    LinkQuery query;
    query.id = in.u64();
    query.what = static_cast<Asked>(in.u8());
    query.hops = in.u8();
    query.target = in.id<AgentId>();
    query.trail = read_trail(in);
    if (query.target.is_zero() || !is_trail(query.trail)) return std::nullopt;
    return query;
}

std::optional<LinkAnswer> decode_answer(Reader& in) {
    LinkAnswer answer;
    answer.id = in.u64();
    answer.what = static_cast<Asked>(in.u8());
    answer.outcome = static_cast<LinkAnswer::Outcome>(in.u8());
    answer.agent = in.id<AgentId>();
    answer.name = in.text8();
    answer.trail = read_trail(in);
    answer.text = in.text16();
    if (answer.agent.is_zero() || !is_name(answer.name) || !is_trail(answer.trail) ||
        answer.text.size() > answer_text_max)
        return std::nullopt;
    return answer;
}

std::string encode_summary(const Summary& s) {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    out.text8(s.version);
    out.u64(s.uptime_millis);
    out.u32(s.links_up);
    out.u32(s.links_down);
    out.u64(s.waiting_messages);
    out.u64(s.waiting_bytes);
    out.u64(s.oldest_millis);
    out.u64(s.journal_live_bytes);
    out.u64(s.journal_file_bytes);
    out.u8(s.journal_full ? 1 : 0);
    out.u64(s.unrouted);
    out.u64(s.dead_letters);
    out.text16(std::string_view{s.last_error}.substr(0, summary_error_max));
    out.u64(s.last_error_millis);
    return std::string{as_text(bytes)};
}

std::optional<Summary> decode_summary(std::string_view text) {
    Reader in{as_bytes(text)};
    Summary s;
    s.version = in.text8();
    s.uptime_millis = in.u64();
    s.links_up = in.u32();
    s.links_down = in.u32();
    s.waiting_messages = in.u64();
    s.waiting_bytes = in.u64();
    s.oldest_millis = in.u64();
    s.journal_live_bytes = in.u64();
    s.journal_file_bytes = in.u64();
    s.journal_full = (in.u8() & 1) != 0;
    s.unrouted = in.u64();
    s.dead_letters = in.u64();
    s.last_error = in.text16();
    s.last_error_millis = in.u64();
    if (!in.ok()) return std::nullopt;
    return s;
}

}  // namespace bus::wire
