#include "wire/local.h"

#include <array>
#include <utility>

#include "base/assert.h"
#include "wire/local_json.h"

namespace bus::wire {
namespace {

// ---- Names in JSON ----------------------------------------------------------

std::optional<Kind> kind_from_text(std::string_view text) {
    for (const Kind kind : {Kind::topic, Kind::queue, Kind::service})
        if (text == to_text(kind)) return kind;
    return std::nullopt;
}

// A code that this version does not know is a refusal all the same.
Reject reject_from_text(std::string_view text) {
    for (int code = 1; code <= static_cast<int>(Reject::unavailable); ++code)
        if (text == to_text(static_cast<Reject>(code))) return static_cast<Reject>(code);
    return Reject::malformed;
}

std::optional<Gap::Reason> reason_from_text(std::string_view text) {
    for (std::size_t number = 0; number < Gap::reasons; ++number)
        if (text == to_text(static_cast<Gap::Reason>(number)))
            return static_cast<Gap::Reason>(number);
    return std::nullopt;
}

std::string dump(const Json& object) {
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// ---- App to agent -------------------------------------------------------------

// A list of pairs of numbers, at most so many; what comes after a bad one is not read.
using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
Pairs read_pairs(Fields& in, const char* key, const Json& list, std::size_t count_max) {
    Pairs found;
    if (list.size() > count_max) in.wrong(key, "has too many entries", Reject::limit);
    for (const Json& pair : list) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() ||
            !pair[1].is_number_unsigned()) {
            in.wrong(key, "must hold pairs of numbers");
            break;
        }
        found.emplace_back(pair[0].get<std::uint64_t>(), pair[1].get<std::uint64_t>());
    }
    return found;
}

std::vector<NumberRange> read_awaiting(Fields& in) {
    std::vector<NumberRange> found;
    const Json* list = in.array("awaiting", true);
    if (!list) return found;
    for (const auto& [first, last] : read_pairs(in, "awaiting", *list, hello_awaiting_max)) {
        if (first > last) in.wrong("awaiting", "must hold ascending ranges");
        found.push_back({first, last});
    }
    return found;
}

std::optional<std::vector<UnfinishedMessage>> read_unfinished(Fields& in) {
    const Json* list = in.array("unfinished", true);
    if (!list) return std::nullopt;
    std::vector<UnfinishedMessage> found;
    for (const auto& [first, last] : read_pairs(in, "unfinished", *list, hello_unfinished_max))
        found.push_back({first, last});
    return found;
}

Command read_hello(Fields& in) {
    Hello hello;
    if (const Json* versions = in.array("protocol")) {
        if (versions->size() != 2 || !(*versions)[0].is_number_unsigned() ||
            !(*versions)[1].is_number_unsigned()) {
            in.wrong("protocol", "must be [lowest, highest]");
        } else {
            hello.protocol_min = static_cast<std::uint16_t>(
                std::min<std::uint64_t>((*versions)[0].get<std::uint64_t>(), UINT16_MAX));
            hello.protocol_max = static_cast<std::uint16_t>(
                std::min<std::uint64_t>((*versions)[1].get<std::uint64_t>(), UINT16_MAX));
        }
    }
    hello.app = in.text("app");
    if (!is_name(hello.app)) in.wrong("app", "is no valid name", Reject::bad_name);
    hello.producer = in.id128<ProducerId>("producer", true);
    if (hello.producer && hello.producer->is_zero()) in.wrong("producer", "must not be zero");
    hello.awaiting = read_awaiting(in);
    hello.unfinished = read_unfinished(in);
    hello.keep = in.flag("keep");
    return hello;
}

Command read_subscribe(Fields& in) {
    Subscribe wish;
    wish.id = in.number<std::uint64_t>("id");
    const auto kind = kind_from_text(in.text("kind"));
    if (!kind) in.wrong("kind", "must be \"topic\", \"queue\" or \"service\"");
    wish.kind = kind.value_or(Kind::topic);
    wish.filter = in.text("filter");
    wish.durable = in.text("durable", true);
    wish.group = in.text("group", true);
    wish.prefetch_messages =
        in.number<std::uint32_t>("prefetch_messages", Subscribe::prefetch_messages_default);
    wish.prefetch_bytes =
        in.number<std::uint64_t>("prefetch_bytes", Subscribe::prefetch_bytes_default);
    wish.ack_deadline_millis = in.number<std::uint32_t>("ack_deadline_millis", 0);
    wish.rate = in.number<std::uint32_t>("rate", 0);
    wish.declare = in.flag("declare");
    wish.parts = in.flag("parts");
    wish.last = in.flag("last");
    const bool is_valid =
        wish.kind == Kind::topic ? is_filter(wish.filter) : is_channel(wish.filter);
    if (!is_valid) in.wrong("filter", "is no valid name", Reject::bad_name);
    for (const auto& [key, name] : {std::pair{"durable", &wish.durable}, {"group", &wish.group}})
        if (!name->empty() && !is_name(*name)) in.wrong(key, "is no valid name", Reject::bad_name);
    if (wish.prefetch_messages == 0) in.wrong("prefetch_messages", "must not be 0");
    const auto deadline = wish.ack_deadline_millis;
    if (deadline != 0 && (deadline < Subscribe::ack_deadline_millis_min ||
                          deadline > Subscribe::ack_deadline_millis_max))
        in.wrong("ack_deadline_millis", "must be 0, or from 100 to 86400000");
    return wish;
}

Command read_unsubscribe(Fields& in) {
    Unsubscribe command;
    command.id = in.number<std::uint64_t>("id");
    command.forget = in.flag("forget");
    return command;
}

AdminRequest read_admin(Fields& in, std::string_view text) {
    AdminRequest command;
    command.id = in.number<std::uint64_t>("id", 0);
    command.request = in.text("request");
    command.text = text;
    return command;
}

using ReadCommand = Command (*)(Fields&, std::string_view);
constexpr std::array<std::pair<std::string_view, ReadCommand>, 5> commands{{
    {"hello", [](Fields& in, std::string_view) { return read_hello(in); }},
    {"subscribe", [](Fields& in, std::string_view) { return read_subscribe(in); }},
    {"unsubscribe", [](Fields& in, std::string_view) { return read_unsubscribe(in); }},
    {"bye", [](Fields&, std::string_view) -> Command { return Bye{}; }},
    {"admin", [](Fields& in, std::string_view text) -> Command { return read_admin(in, text); }},
}};

// ---- Agent to app -------------------------------------------------------------

std::vector<HeldChannel> held_channels(Fields& in, const char* key) {
    std::vector<HeldChannel> found;
    const Json* list = in.array(key);
    if (!list) return found;
    for (const Json& item : *list) {
        if (!item.is_object()) {
            in.wrong(key, "must hold objects");
            break;
        }
        Fields entry{item};
        HeldChannel held;
        if (item.contains("kind") && !item["kind"].is_null()) {
            held.kind = kind_from_text(entry.text("kind"));
            if (!held.kind) entry.wrong("kind", "is unknown");
        }
        held.filter = entry.text("channel");
        held.reason = entry.text("reason", true);
        if (!is_filter(held.filter)) entry.wrong("channel", "is no valid name", Reject::bad_name);
        if (entry.failure()) in.wrong(key, entry.failure()->reason, entry.failure()->code);
        found.push_back(std::move(held));
    }
    return found;
}

Reply read_welcome(Fields& in) {
    Welcome m;
    m.protocol = in.number<std::uint16_t>("protocol");
    m.agent = in.id128<AgentId>("agent").value_or(AgentId{});
    m.name = in.text("name");
    m.incarnation = in.number<std::uint64_t>("incarnation");
    m.taken = in.number<std::uint64_t>("taken");
    m.safe = in.number<std::uint64_t>("safe");
    m.window = in.number<std::uint64_t>("window");
    m.held = held_channels(in, "held");
    if (m.safe > m.taken) in.wrong("safe", "is beyond \"taken\"");
    return m;
}

Reply read_failed(Fields& in) {
    const auto id = in.number<std::uint64_t>("id", 0);
    const auto code = reject_from_text(in.text("code"));
    return Failed{.id = id, .code = code, .reason = in.text("reason", true)};
}

Reply read_refused(Fields& in) {
    const auto number = in.number<std::uint64_t>("number");
    const auto code = reject_from_text(in.text("code"));
    return Refused{.number = number, .code = code, .reason = in.text("reason", true)};
}

Reply read_gap(Fields& in) {
    Gap gap{.id = in.number<std::uint64_t>("id")};
    const auto reason = reason_from_text(in.text("reason"));
    if (!reason) in.wrong("reason", "is unknown");
    gap.reason = reason.value_or(Gap::Reason::lapsed);
    gap.channel = in.text("channel", true);
    gap.messages = in.number<std::uint64_t>("messages");
    gap.from_micros = in.number<std::uint64_t>("from_micros", 0);
    gap.to_micros = in.number<std::uint64_t>("to_micros", 0);
    gap.untold = in.number<std::uint64_t>("untold");
    gap.total = in.number<std::uint64_t>("total");
    return gap;
}

using ReadReply = Reply (*)(Fields&, std::string_view);
constexpr std::array<std::pair<std::string_view, ReadReply>, 11> replies{{
    {"welcome", [](Fields& in, std::string_view) { return read_welcome(in); }},
    {"subscribed",
     [](Fields& in, std::string_view) -> Reply {
         return Subscribed{in.number<std::uint64_t>("id")};
     }},
    {"unsubscribed",
     [](Fields& in, std::string_view) -> Reply {
         return Unsubscribed{in.number<std::uint64_t>("id")};
     }},
    {"failed", [](Fields& in, std::string_view) { return read_failed(in); }},
    {"refused", [](Fields& in, std::string_view) { return read_refused(in); }},
    {"hold",
     [](Fields& in, std::string_view) -> Reply { return Hold{held_channels(in, "channels")}; }},
    {"resume",
     [](Fields& in, std::string_view) -> Reply { return Resume{held_channels(in, "channels")}; }},
    {"window",
     [](Fields& in, std::string_view) -> Reply {
         return Window{in.number<std::uint64_t>("bytes")};
     }},
    {"reset", [](Fields& in, std::string_view) -> Reply { return Reset{in.text("reason", true)}; }},
    {"gap", [](Fields& in, std::string_view) { return read_gap(in); }},
    {"admin",
     [](Fields&, std::string_view text) -> Reply { return AdminReply{std::string{text}}; }},
}};

// ---- Both -----------------------------------------------------------------------

std::uint64_t id_of(const Json& object) {
    const auto id = object.find("id");
    return id != object.end() && id->is_number_unsigned() ? id->get<std::uint64_t>() : 0;
}

template <class Message, class Table>
Expected<Message, Malformed> decode(std::string_view text, const Table& table) {
    if (text.size() > control_bytes_max)
        return Unexpected{Malformed{Reject::too_large, 0, "a control frame of more than 64 KiB"}};
    const Json object = Json::parse(text, nullptr, false);
    if (!object.is_object())
        return Unexpected{Malformed{Reject::malformed, 0, "not a JSON object"}};
    Fields in{object};
    const auto type = in.text("type");
    if (in.failure())
        return Unexpected{Malformed{Reject::malformed, id_of(object), in.failure()->reason}};
    for (const auto& [name, read] : table) {
        if (name != type) continue;
        Message message = read(in, text);
        if (!in.failure()) return message;
        Malformed failure = *in.failure();
        failure.id = id_of(object);
        return Unexpected{std::move(failure)};
    }
    return Unexpected{
        Malformed{Reject::unknown_command, id_of(object), "unknown \"type\": \"" + type + "\""}};
}

Json to_json(const std::vector<HeldChannel>& channels) {
    Json list = Json::array();
    for (const auto& held : channels)
        list.push_back({{"kind", held.kind ? Json(to_text(*held.kind)) : Json()},
                        {"channel", held.filter},
                        {"reason", held.reason}});
    return list;
}

struct EncodeCommand {
    Json operator()(const Hello& m) const {
        Json out{{"type", "hello"}, {"protocol", {m.protocol_min, m.protocol_max}}, {"app", m.app}};
        if (m.producer) out["producer"] = to_text(*m.producer);
        for (const auto& range : m.awaiting) out["awaiting"].push_back({range.first, range.last});
        if (m.keep) out["keep"] = true;
        if (!m.unfinished) return out;
        out["unfinished"] = Json::array();
        for (const auto& message : *m.unfinished)
            out["unfinished"].push_back({message.first_sequence, message.last_number});
        return out;
    }
    Json operator()(const Subscribe& m) const {
        Json out{{"type", "subscribe"},
                 {"id", m.id},
                 {"kind", to_text(m.kind)},
                 {"filter", m.filter},
                 {"prefetch_messages", m.prefetch_messages},
                 {"prefetch_bytes", m.prefetch_bytes}};
        if (!m.durable.empty()) out["durable"] = m.durable;
        if (!m.group.empty()) out["group"] = m.group;
        if (m.ack_deadline_millis > 0) out["ack_deadline_millis"] = m.ack_deadline_millis;
        if (m.rate > 0) out["rate"] = m.rate;
        if (m.declare) out["declare"] = true;
        if (m.parts) out["parts"] = true;
        if (m.last) out["last"] = true;
        return out;
    }
    Json operator()(const Unsubscribe& m) const {
        return {{"type", "unsubscribe"}, {"id", m.id}, {"forget", m.forget}};
    }
    Json operator()(const Bye&) const { return {{"type", "bye"}}; }
    Json operator()(const AdminRequest& m) const {
        Json out = Json::parse(m.text, nullptr, false);
        if (!out.is_object()) out = Json::object();
        out["type"] = "admin";
        out["id"] = m.id;
        out["request"] = m.request;
        return out;
    }
};

struct EncodeReply {
    Json operator()(const Welcome& m) const {
        return {{"type", "welcome"}, {"protocol", m.protocol},       {"agent", to_text(m.agent)},
                {"name", m.name},    {"incarnation", m.incarnation}, {"taken", m.taken},
                {"safe", m.safe},    {"window", m.window},           {"held", to_json(m.held)}};
    }
    Json operator()(const Subscribed& m) const { return {{"type", "subscribed"}, {"id", m.id}}; }
    Json operator()(const Unsubscribed& m) const {
        return {{"type", "unsubscribed"}, {"id", m.id}};
    }
    Json operator()(const Failed& m) const {
        return {{"type", "failed"}, {"id", m.id}, {"code", to_text(m.code)}, {"reason", m.reason}};
    }
    Json operator()(const Refused& m) const {
        return {{"type", "refused"},
                {"number", m.number},
                {"code", to_text(m.code)},
                {"reason", m.reason}};
    }
    Json operator()(const Hold& m) const {
        return {{"type", "hold"}, {"channels", to_json(m.channels)}};
    }
    Json operator()(const Resume& m) const {
        return {{"type", "resume"}, {"channels", to_json(m.channels)}};
    }
    Json operator()(const Window& m) const { return {{"type", "window"}, {"bytes", m.bytes}}; }
    Json operator()(const Reset& m) const { return {{"type", "reset"}, {"reason", m.reason}}; }
    Json operator()(const Gap& m) const {
        return {{"type", "gap"},
                {"id", m.id},
                {"reason", to_text(m.reason)},
                {"channel", m.channel},
                {"messages", m.messages},
                {"from_micros", m.from_micros},
                {"to_micros", m.to_micros},
                {"untold", m.untold},
                {"total", m.total}};
    }
    Json operator()(const AdminReply& m) const {
        Json out = Json::parse(m.text, nullptr, false);
        BUS_ASSERT(out.is_object());
        out["type"] = "admin";
        return out;
    }
};

}  // namespace

Expected<Command, Malformed> decode_command(std::string_view json) {
    return decode<Command>(json, commands);
}

std::string encode_command(const Command& command) {
    return dump(std::visit(EncodeCommand{}, command));
}

Expected<AdminRequest, Malformed> read_admin_request(std::string_view text) {
    const Json object = Json::parse(text, nullptr, false);
    if (!object.is_object())
        return Unexpected{Malformed{Reject::malformed, 0, "not a JSON object"}};
    Fields in{object};
    auto request = read_admin(in, text);
    if (in.failure()) return Unexpected{*in.failure()};
    return request;
}

Expected<Reply, Malformed> decode_reply(std::string_view json) {
    return decode<Reply>(json, replies);
}

std::string encode_reply(const Reply& reply) { return dump(std::visit(EncodeReply{}, reply)); }

}  // namespace bus::wire
