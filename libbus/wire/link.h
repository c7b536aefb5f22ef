// The link protocol: what two agents say to each other besides batches.
// Every frame of a link session, data included, carries the session and a
// count, so that whatever libzmq loses when it reconnects is noticed.
// PROTOCOL.md, "The link protocol", has the field tables and state machines.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "wire/batch.h"
#include "wire/bounds.h"
#include "wire/envelope.h"
#include "wire/fate.h"
#include "wire/link_question.h"
#include "wire/names.h"
#include "wire/reject.h"

namespace bus::wire {

// The head of every link control frame: type u8, version u8, length u16 (of this head; the body
// begins there), reserved u32, session u64, count u64. The envelope keeps session and count at
// the same offsets.
inline constexpr std::size_t link_head_length = 24;
struct LinkHead {
    FrameType type = FrameType::link_keepalive;
    std::uint64_t session = 0;
    std::uint64_t count = 0;
};

// Shows that the journal is the one that was there when the agents last met. words[0] counts what
// one agent hands to the other, words[1] is random; zero: none.
using Ticket = Id128<struct TicketTag>;

// Opens a session. The dialling agent invents the session number, the other answers with a HELLO
// that carries the same. Each side's count starts at 1 with its HELLO.
struct LinkHello {
    std::uint16_t protocol_min = wire::protocol_min, protocol_max = wire::protocol_max;
    AgentId agent;
    std::string name;  // for people
    std::uint64_t incarnation = 0;
    std::uint64_t your_incarnation = 0;  // the last I know of you; 0: never met
    std::uint64_t your_taken = 0;        // of that incarnation, numbers up to here were taken
    std::uint64_t window = 0;            // bytes you may have on the way to me, unacknowledged
    std::uint64_t interest_version = 0;  // of mine; a snapshot follows
    bool answer = false;                 // from the listening side
    bool relay = false;                  // passes on what is for others, and tells paths to them
    std::vector<ChannelKey> held;        // what I cannot take now; "**" as name: everything
    // Random bits of both incarnations: a host restored from a backup, on which the clock does not
    // work, may come up with a number that was used before.
    std::uint64_t nonce = 0, your_nonce = 0;
    bool tickets = false;     // hands them out, and asks for them
    bool questions = false;   // it answers them, and passes them on: LinkQuery
    bool rejoins = false;     // by order: I may have lost something, or am a copy
    Ticket ticket;            // the last of yours that I have on disk
    std::uint64_t given = 0;  // of my incarnation, you have acknowledged the numbers up to here
};

// Cumulative, and up to ack_ranges_max ranges beyond `through`. Only this settles.
struct LinkAck {
    struct Range {
        std::uint64_t first = 0, last = 0;
        friend bool operator==(const Range&, const Range&) = default;
    };
    std::uint64_t through = 0;
    std::uint64_t window = 0;  // as in LinkHello, from now on
    std::uint64_t received =
        0;  // the count of the last frame of this session that came: best effort's credit
    std::vector<Range> ranges;
};

// One subscription as a peer sees it. Of a group there are two items: that it exists (durable, its
// name is the group's), and that it has consumers there (not durable, without a name).
struct InterestItem {
    enum class Op : std::uint8_t { add = 1, remove = 2 };
    Op op = Op::add;
    Kind kind = Kind::topic;
    bool durable = false;
    std::string name;    // of the durable subscription; empty: anonymous
    std::string group;   // empty: none
    std::string filter;  // for a queue: its name
    friend bool operator==(const InterestItem&, const InterestItem&) = default;
};

// snapshot_*: everything the agent wants, over as many frames as needed. change: add and remove.
// give_back: durable interest of yours that I hold and your snapshot lacks. `version` is the
// agent's own after this frame (give_back: the version of the snapshot that lacked them).
struct LinkInterest {
    enum class Part : std::uint8_t {
        snapshot_more = 1,
        snapshot_last = 2,
        change = 3,
        give_back = 4
    };
    Part part = Part::change;
    std::uint64_t version = 0;
    std::vector<InterestItem> items;
    AgentId agent;           // whose interest; zero: the sender's
    std::uint64_t from = 0;  // of another agent's change: the version it leads on from
};

// Where the sender can pass on to: for each agent its shortest path. Snapshots and changes as with
// interest.
struct LinkPaths {
    struct Path {
        std::vector<AgentId> agents;  // behind the sender; the last is the one it leads to
        std::uint32_t cost = 0;       // of all links; no_path: there is none any more
        std::string name;             // for people
        std::uint64_t interest_version = 0, interest_digest = 0;
        friend bool operator==(const Path&, const Path&) = default;
        const AgentId& to() const { return agents.back(); }
    };
    enum class Part : std::uint8_t { snapshot_more = 1, snapshot_last = 2, change = 3 };
    Part part = Part::change;
    std::vector<Path> paths;
};
inline constexpr std::uint32_t no_path = 0xffffffff;

// Send me snapshots of the interest of these agents.
struct LinkAsk {
    std::vector<AgentId> agents;
};

// Adds to and takes from the list that LinkHello opened with.
struct LinkHold {
    std::vector<ChannelKey> hold;
    std::vector<ChannelKey> resume;
};

// Sent when nothing else was for a while; carries the digest that repairs interest.
struct LinkKeepalive {
    std::uint64_t interest_version = 0;
    std::uint64_t interest_digest = 0;
    std::uint64_t echo = 0;          // an opaque stamp of the sender
    std::uint64_t reply_to = 0;      // the last stamp received, 0: none since the last keepalive
    std::uint64_t paths_digest = 0;  // of all paths that the sender has told in this session
};

// Ends the session and says why. The dialling side starts again unless `final`.
struct LinkReset {
    Reject code = Reject::none;
    bool final = false;
    std::string reason;
};

// This batch never will be taken.
struct LinkRefuse {
    std::uint64_t number = 0;
    Reject code = Reject::none;
    std::string reason;
};

// `asker` has handed out the beginning of this large message, which entered the bus at `origin`,
// and its next part (part.index) has not come for long. If no more will come the origin owes it an
// abort.
struct LinkUnfinished {
    Kind kind = Kind::topic;
    Lane lane = Lane::normal;
    std::string channel;
    ProducerId producer;
    std::uint64_t sequence = 0, channel_sequence = 0;  // of the last part that came
    Part part;
    AgentId origin, asker;  // zero: the receiver, the sender
    std::uint8_t hops = 1;
    std::string group;  // that this copy is for, as its address; empty: none
};

// Batches of yours with the flag want_arrived that I passed on: they have arrived at all agents
// behind me that they were for, or will not.
struct LinkArrived {
    struct One {
        std::uint64_t number = 0;  // yours
        Fate fate = Fate::reached;
        friend bool operator==(const One&, const One&) = default;
    };
    std::vector<One> batches;
};

// The one to present next. Data follows once it is confirmed.
struct LinkTicket {
    Ticket ticket;
};
struct LinkTicketTaken {
    Ticket ticket;  // it is on disk
};

// Of a later version: counted, not understood.
struct LinkUnknown {};

using LinkBody = std::variant<LinkHello, LinkAck, LinkInterest, LinkHold, LinkKeepalive, LinkReset,
                              LinkRefuse, LinkUnfinished, LinkPaths, LinkAsk, LinkArrived,
                              LinkTicket, LinkTicketTaken, LinkQuery, LinkAnswer, LinkUnknown>;

struct LinkFrame {
    LinkHead head;
    LinkBody body;
};

// The head's type is set from the body.
std::vector<std::byte> encode_link(const LinkFrame& frame);
Expected<LinkFrame, Reject> decode_link(Bytes frame);

// Split so that each frame stays within control_bytes_max.
std::vector<LinkInterest> split_interest(LinkInterest::Part last_part, std::uint64_t version,
                                         const std::vector<InterestItem>& items);
std::vector<LinkPaths> split_paths(LinkPaths::Part last_part,
                                   const std::vector<LinkPaths::Path>& paths);
// Order does not matter: equal sets have equal digests.
std::uint64_t digest(const InterestItem& item);
std::uint64_t digest(const LinkPaths::Path& path);

}  // namespace bus::wire
