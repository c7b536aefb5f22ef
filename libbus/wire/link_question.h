// Questions that one agent asks another over the links between them, and their
// answers. A question notes every agent it comes through, and its answer goes
// back the same way: so it finds home although nobody knows a path there.
// PROTOCOL.md, QUERY and ANSWER.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"

namespace bus::wire {

// What is asked. Others are of a later version; who passes them on need not know them.
enum class Asked : std::uint8_t {
    presence = 1,  // answer, so that the round trip can be measured
    status = 2,    // the answer's text is a Summary
};

struct LinkQuery {
    std::uint64_t id = 0;  // the asker's
    Asked what = Asked::presence;
    std::uint8_t hops = 0;  // agents that may pass it on yet; with none left it is answered
    AgentId target;
    std::vector<AgentId> trail;  // whom it came through: the asker first, the sender last
};

struct LinkAnswer {
    enum class Outcome : std::uint8_t {
        target = 0,      // from whom was asked
        on_the_way = 1,  // it may be passed on no further
        no_way = 2,      // from here
        denied = 3,
        unknown = 4,  // what is asked is of a later version
    };
    std::uint64_t id = 0;
    Asked what = Asked::presence;
    Outcome outcome = Outcome::target;
    AgentId agent;               // who answers
    std::string name;            // its, for people
    std::vector<AgentId> trail;  // the way home: the asker first, the receiver last
    // Of status: a Summary; where there is none, why. Passed on as it is.
    std::string text;
};

// How an agent is, in a few figures. What waits is what has not left for anybody.
struct Summary {
    std::string version;  // of the program
    std::uint64_t uptime_millis = 0;
    std::uint32_t links_up = 0, links_down = 0;
    std::uint64_t waiting_messages = 0, waiting_bytes = 0, oldest_millis = 0;
    std::uint64_t journal_live_bytes = 0, journal_file_bytes = 0;
    bool journal_full = false;
    std::uint64_t unrouted = 0, dead_letters = 0;
    std::string last_error;  // of a link that is down; empty: there is none
    std::uint64_t last_error_millis = 0;
    friend bool operator==(const Summary&, const Summary&) = default;
};

void encode(Writer& out, const LinkQuery& query);
void encode(Writer& out, const LinkAnswer& answer);
// nullopt: the fields contradict themselves.
std::optional<LinkQuery> decode_query(Reader& in);
std::optional<LinkAnswer> decode_answer(Reader& in);

// At most answer_text_max: what is too long of its last error is cut off.
std::string encode_summary(const Summary& summary);
std::optional<Summary> decode_summary(std::string_view text);

}  // namespace bus::wire
