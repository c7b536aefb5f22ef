// BUS-LOCAL/1: what an app and its agent say to each other over IPC, besides
// batches. Control frames are JSON (first byte '{') so that any language can
// join in a few lines; receipts and acks are binary, for they are many.
// PROTOCOL.md, "The local protocol", is the specification.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "wire/bounds.h"
#include "wire/fate.h"
#include "wire/gap.h"
#include "wire/names.h"
#include "wire/reject.h"

namespace bus::wire {

// ---- App to agent, JSON -----------------------------------------------------

// First and last number, both included.
struct NumberRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

// A large message that a producer has begun: the sequence of its first part, and the number under
// which its last part left; 0: it has not.
struct UnfinishedMessage {
    std::uint64_t first_sequence = 0;
    std::uint64_t last_number = 0;
    friend bool operator==(const UnfinishedMessage&, const UnfinishedMessage&) = default;
};

// {"type":"hello","protocol":[1,1],"app":"billing","producer":"<32 hex>","awaiting":[[7,9]],
//  "unfinished":[[12,0]]}; first
// on each connection. Without a producer the session can only consume. `awaiting` (may be absent):
// batches that have left and whose `arrived` this app has not heard; the agent answers each that it
// has taken, now or when it has arrived, and with Fate::unknown where it cannot tell. `unfinished`
// (may be absent): the large messages with a part that is not safe yet. Of others no more parts are
// expected; without the list, none after the session.
struct Hello {
    std::uint16_t protocol_min = protocol_min_default, protocol_max = protocol_max_default;
    std::string app;
    std::optional<ProducerId> producer;
    std::vector<NumberRange> awaiting;  // ascending, at most hello_awaiting_max
    std::optional<std::vector<UnfinishedMessage>> unfinished;  // at most hello_unfinished_max
    bool keep = false;  // what is told to be safe is known to be taken after a crash as well
    static constexpr std::uint16_t protocol_min_default = wire::protocol_min;
    static constexpr std::uint16_t protocol_max_default = wire::protocol_max;
};

// {"type":"subscribe","id":7,"kind":"topic","filter":"plant7.**","durable":"alarms",
//  "prefetch_messages":1000,"prefetch_bytes":1048576,"ack_deadline_millis":30000,"rate":100,
//  "declare":false,"parts":false,"last":false}. `id` is the app's own, unique in its session.
// kind "queue" receives from the queue named by `filter`.
struct Subscribe {
    std::uint64_t id = 0;
    Kind kind = Kind::topic;
    std::string filter;
    std::string durable;  // empty: anonymous
    std::string group;    // empty: none
    std::uint32_t prefetch_messages = prefetch_messages_default;
    std::uint64_t prefetch_bytes = prefetch_bytes_default;
    // What is not decided by then is handed out again; 0: never, as long as the session lives.
    std::uint32_t ack_deadline_millis = 0;
    std::uint32_t rate = 0;  // messages a second at most; 0: unlimited
    // Only that the durable subscription stands, from now on: nothing is handed out, and the id is
    // free again.
    bool declare = false;
    // Each part of a large message is acknowledged when the next is begun with, the last when the
    // message is done with: no more than prefetch_bytes of it are handed out ahead of that.
    bool parts = false;
    // A new subscription to topics gets the last message first of each channel that retains it.
    bool last = false;
    static constexpr std::uint32_t ack_deadline_millis_min = 100;
    static constexpr std::uint32_t ack_deadline_millis_max = 24 * 3600 * 1000;
    static constexpr std::uint32_t prefetch_messages_default = 65'536;
    static constexpr std::uint64_t prefetch_bytes_default = 1024 * 1024;
};

// {"type":"unsubscribe","id":7,"forget":true}. forget: a durable subscription ends for good and
// what it collected is purged; without it, it goes on collecting.
struct Unsubscribe {
    std::uint64_t id = 0;
    bool forget = false;
};

// {"type":"bye"}: the app leaves; what it has not acknowledged goes back at once.
struct Bye {};

// {"type":"admin","id":1,"request":"status"}: the admin socket's one request form; further keys are
// the request's arguments, given on as the whole text.
struct AdminRequest {
    std::uint64_t id = 0;
    std::string request;
    std::string text;
};

using Command = std::variant<Hello, Subscribe, Unsubscribe, Bye, AdminRequest>;

// ---- Agent to app, JSON -----------------------------------------------------

// {"type":"hold","channels":[{"kind":"topic","channel":"a.b","reason":"..."}]}: keep batches on
// these channels; the filter "**" with kind null holds all. {"type":"resume",...}: send them again.
struct HeldChannel {
    std::optional<Kind> kind;  // nullopt: every kind
    std::string filter;        // a channel, or "**"
    std::string reason;        // for people
    friend bool operator==(const HeldChannel&, const HeldChannel&) = default;
};

// {"type":"welcome","protocol":1,"agent":"<32 hex>","name":"paris","incarnation":1,
//  "taken":0,"safe":0,"window":4194304,"held":[...]}. taken, safe: numbers of the hello's producer:
// every batch up to `taken` need not be sent again, every one up to `safe` is safe.
struct Welcome {
    std::uint16_t protocol = wire::protocol_max;
    AgentId agent;
    std::string name;
    std::uint64_t incarnation = 0;
    std::uint64_t taken = 0;
    std::uint64_t safe = 0;
    std::uint64_t window = 0;  // frames that may be sent and not yet safe; see wire::frame_charge
    std::vector<HeldChannel> held;
};

struct Subscribed {  // {"type":"subscribed","id":7}
    std::uint64_t id = 0;
};
struct Unsubscribed {  // {"type":"unsubscribed","id":7}
    std::uint64_t id = 0;
};
// {"type":"failed","id":7,"code":"not_allowed","reason":"..."}: the answer to a command that was
// not carried out; id 0 where the command had none.
struct Failed {
    std::uint64_t id = 0;
    Reject code = Reject::none;
    std::string reason;
};
// {"type":"refused","number":12,"code":"not_allowed","reason":"..."}: this batch never will be
// taken.
struct Refused {
    std::uint64_t number = 0;
    Reject code = Reject::none;
    std::string reason;
};
struct Hold {
    std::vector<HeldChannel> channels;
};
struct Resume {
    std::vector<HeldChannel> channels;
};
// {"type":"reset","reason":"..."}: the agent does not know this session (it restarted): say hello
// again.
struct Reset {
    std::string reason;
};
// {"type":"window","bytes":1048576}: from now on, in place of welcome's window. Smaller than what
// is on its way: wait until enough of it is safe.
struct Window {
    std::uint64_t bytes = 0;
};
struct AdminReply {  // the text is a JSON object with "type":"admin","id":N
    std::string text;
};

using Reply = std::variant<Welcome, Subscribed, Unsubscribed, Failed, Refused, Hold, Resume, Window,
                           Reset, Gap, AdminReply>;

// What a decoder says of a bad frame: the code, and words for the app's developer.
struct Malformed {
    Reject code = Reject::malformed;
    std::uint64_t id = 0;  // of the command, if it could be read
    std::string reason;
};

Expected<Command, Malformed> decode_command(std::string_view json);
std::string encode_command(const Command& command);
// What a user writes as an admin request: an object with "request", without "type" and "id".
Expected<AdminRequest, Malformed> read_admin_request(std::string_view json);
Expected<Reply, Malformed> decode_reply(std::string_view json);
std::string encode_reply(const Reply& reply);

// ---- Binary -----------------------------------------------------------------

// Agent to app. One record a batch and stage; `safe_through` is cumulative and opens the window.
struct Receipt {
    std::uint64_t number = 0;
    Stage stage = Stage::safe;
    Fate fate = Fate::reached;
    std::uint16_t destinations = 0;  // at Stage::safe: where it was owed when it was taken
};
struct Receipts {
    std::uint64_t safe_through = 0;
    std::vector<Receipt> records;
};

// extend: not yet, but its consumer is at work on it; its deadline begins anew.
enum class Verdict : std::uint8_t { ack = 0, nack = 1, reject = 2, extend = 3 };
namespace ack_flag {
inline constexpr std::uint8_t through = 1;
}
inline constexpr std::uint32_t all_of_it = 0xffffffff;
// App to agent: what became of messages [first, first + count) (indices within their batch) of the
// delivery `tag`.
struct Ack {
    std::uint64_t tag = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    Verdict verdict = Verdict::ack;
    // ack only: all that this subscription was handed before, too.
    bool through = false;
    std::uint32_t delay_millis = 0;  // nack only; 0: by how often it was given back
    std::string reason;              // reject only; cut at reject_reason_bytes_max
};

std::vector<std::byte> encode_receipts(const Receipts& receipts);
Expected<Receipts, Reject> decode_receipts(Bytes frame);
std::vector<std::byte> encode_acks(std::span<const Ack> acks);
Expected<std::vector<Ack>, Reject> decode_acks(Bytes frame);
// Records that fit into one frame.
inline constexpr std::size_t receipts_per_frame_max = 4'000;
inline constexpr std::size_t acks_per_frame_max = 2'500;
// Bytes of one record in a frame of acks; frames stay within control_bytes_max.
inline constexpr std::size_t ack_bytes = 24;  // and the reason
inline constexpr std::size_t reject_reason_bytes_max = 200;
inline constexpr std::size_t hello_awaiting_max = 1'000;
inline constexpr std::size_t hello_unfinished_max = 1'000;

}  // namespace bus::wire
