// Every bound of the agent, each with its name, and what must hold among them.
// The bounds that both ends of a wire share are in wire/bounds.h.
//
// The system has a header of that name too. gcc's own asks for the C library's with include_next,
// which begins at the -iquote folders and so comes by here: it is let through.
#ifdef _GCC_NEXT_LIMITS_H
#include_next <limits.h>
#elif !defined(BUS_AGENT_LIMITS_H)
#define BUS_AGENT_LIMITS_H

#include <chrono>
#include <cstdint>

#include "wire/bounds.h"

namespace bus::limits {

using namespace std::chrono_literals;
using wire::frame_bytes_max;

inline constexpr std::uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

// ---- Looking on (bus-tap) -------------------------------------------------------
inline constexpr std::size_t taps_max = 8;
// What one of them has not read yet; beyond it steps are lost to it, and counted. The bytes are
// those of batches, which stay in memory for it.
inline constexpr std::size_t tap_ring_events = 4'096;
inline constexpr std::uint64_t tap_ring_bytes = 16 * MiB;
inline constexpr std::size_t tap_snaplen_max = 6 * 1024;
inline constexpr auto tap_unread_max = 30s;

// ---- Memory -------------------------------------------------------------------
// One producer's frames that are not yet safe. While they settle by themselves: at 150 MB/s 1 MiB
// is 7 ms of work on its way, well within the longest grace, so that a saturated healthy path does
// not touch the disk. While they have to be committed: so much that commits are large.
inline constexpr std::uint64_t producer_window_quick = 1 * MiB;
inline constexpr std::uint64_t producer_window = 4 * MiB;
// All producers together: a new session is granted only what is free of it.
inline constexpr std::uint64_t producer_windows_sum = 48 * MiB;
inline constexpr std::uint64_t producer_window_min = 2 * frame_bytes_max;
// One link's unacknowledged bytes, one direction; adapted to the measured rate in between.
inline constexpr std::uint64_t link_window_min = 2 * frame_bytes_max;
inline constexpr std::uint64_t link_window_max = 4 * MiB;
inline constexpr std::uint64_t link_windows_sum = 48 * MiB;
// Of large messages, on the line to a neighbour: one part always; and what may stand in line there,
// so that what is small does not wait long behind it.
inline constexpr std::uint64_t bulk_message_min = 256 * KiB;  // smaller ones are like any other
inline constexpr std::uint64_t bulk_on_line_min = 32 * KiB;
inline constexpr std::uint64_t bulk_in_line_min = 32 * KiB;
inline constexpr std::uint64_t bulk_in_line_max = 96 * KiB;
// A part of the window, one in so many, is not for them.
inline constexpr std::uint64_t bulk_window_spared = 4;
// How long a line may have been quicker until it is taken to be slower for good.
inline constexpr auto bulk_base_life = 10s;
// Of one stream, kept in memory when the rest is on disk only.
inline constexpr std::uint64_t stream_memory = 4 * MiB;
inline constexpr std::uint64_t stream_memory_entries = 16'384;
inline constexpr std::uint64_t stream_read_back = 1 * MiB;
inline constexpr std::uint64_t stream_read_back_entries = 4'096;
// Beyond this, what is taken goes to the journal at once and leaves memory when it is there.
inline constexpr std::uint64_t memory_pressure = 96 * MiB;

// ---- Sessions and links ----------------------------------------------------------
inline constexpr std::size_t sessions_max = 10'000;
inline constexpr std::size_t subscriptions_per_session_max = 10'000;
inline constexpr std::size_t subscriptions_max = 200'000;
inline constexpr std::size_t peers_max = 4'000;
// Other agents that are known, and paths that one neighbour may tell.
inline constexpr std::size_t agents_max = 100'000;
inline constexpr std::size_t interest_per_peer_max = 100'000;
// Batches whose producer still waits for its receipt `arrived`.
inline constexpr std::size_t arrivals_max = 1'000'000;
// Channels whose destinations are remembered.
inline constexpr std::size_t routes_max = 100'000;
// Causes of denials that are remembered.
inline constexpr std::size_t denials_max = 256;
// A message, where nothing is said of its channel; what fits into one batch is never too large.
inline constexpr std::uint64_t message_bytes_default = 16 * MiB;
inline constexpr std::uint64_t message_bytes_floor = 64 * KiB;
// Large messages that one producer has begun.
inline constexpr std::size_t unfinished_max = 1'000;
// Receipts kept for a producer whose session is interrupted.
inline constexpr std::size_t receipts_kept_max = 100'000;
inline constexpr std::size_t tombstones_max = 10'000;
inline constexpr std::size_t seen_keys_max = 65'536;
inline constexpr std::size_t seen_ranges_max = 16;
inline constexpr std::size_t producer_marks_max = 1'000'000;
inline constexpr std::uint32_t prefetch_messages_max = 1'000'000;
inline constexpr std::uint64_t prefetch_bytes_max = 16 * MiB;

// ---- Times --------------------------------------------------------------------------
// A busy host lets a process wait for several milliseconds; one late batch takes all that its
// source has under way to the disk.
inline constexpr auto grace_min = 10ms;
inline constexpr auto grace_max = 20ms;
// Of what was delayed and is due: taken again, and not safe yet.
inline constexpr std::uint64_t released_bytes_max = 1 * MiB;
inline constexpr std::size_t released_max = 1'024;  // batches
inline constexpr auto session_linger = 30s;         // anonymous interest after its session
inline constexpr auto attendance_patience = 60s;    // then a queue without consumers is told of
inline constexpr auto behind_after = 5s;  // what has waited so long in a queue says that its
inline constexpr auto behind_until = 1s;  // consumers are behind, until it is this again
inline constexpr std::size_t similar_queues_max = 10'000;  // compared with a mistyped name
// Between two questions for the rest of a large message.
inline constexpr auto ask_again = 5s;
inline constexpr auto keepalive_interval = 2s;    // on an idle link
inline constexpr auto round_trip_interval = 10s;  // between measurements on a busy link
inline constexpr auto bulk_calm =
    1s;  // without a backlog, until a producer's window is the quick one
// A link that is back within this has not been down: nothing that was on its way goes another way.
inline constexpr auto link_flap = 3s;
// What an unused link may send at once, beyond its rate.
inline constexpr auto rate_burst = 250ms;
inline constexpr auto link_silence_max = 30s;  // then the session is over
// A backup older than this, and than an acknowledgement since, is recognised.
inline constexpr auto ticket_life = 10min;
inline constexpr auto hello_retry = 5s;
inline constexpr auto hello_retry_max = 60s;
inline constexpr auto producer_mark_life = 24h;
inline constexpr auto journal_idle_flush = 100ms;  // until deletions are committed on their own
inline constexpr auto journal_retry = 1s;          // after a full disk or an I/O error
// What a queue took from a peer and cannot hand out may go to a peer that has consumers.
inline constexpr auto queue_return_after_default = 5min;
inline constexpr std::uint32_t queue_idle_ticks_max = 600;  // seconds without messages or consumers
// So often a consumer may have a message and not acknowledge it, before it is a dead letter.
inline constexpr std::uint32_t max_deliveries_default = 10;
inline constexpr std::uint32_t max_deliveries_max = 10'000;
// Between two steps of the caution with which a broken session's messages are handed out again.
inline constexpr auto caution_step = 1s;
// Ranges that one queue or subscription has to hand out again later; beyond it nothing new goes to
// its consumers.
inline constexpr std::size_t put_off_max = 16'384;
// Of these, messages of a homed queue that wait for others of their key, with their bytes.
inline constexpr std::size_t keys_waiting_in_memory = 256;
// Consumers of a homed queue elsewhere: how often their agent says that they are there, asks for an
// answer, and after what silence the home takes back what they have.
inline constexpr auto attachment_refresh = 60s;
inline constexpr auto attachment_retry = 1s;
inline constexpr auto attachment_silence_max = 150s;
inline constexpr auto attachment_retry_max = 30s;
// Of a delivery on its way, after which its attachment is over as well.
inline constexpr auto delivery_life = 10min;
// Of deliveries that wait for the line to an agent: then its consumers have no room.
inline constexpr std::uint64_t deliveries_in_line_max = 1 * MiB;
inline constexpr auto ack_deadline_max = 24h;
inline constexpr std::uint64_t attachment_bytes_max = 1 * MiB;  // handed out to one, undecided
inline constexpr std::size_t attachments_max = 10'000;          // at one home
// What rests longer than this does so on disk.
inline constexpr auto rest_in_memory = 1s;
// Of one service, requests that wait for a responder with room, beyond which the answer is an
// error; for one agent, requests to all and replies, beyond which they are dropped.
inline constexpr std::uint64_t service_backlog_max = 4 * MiB;
// A request without a time to live has this; what an agent says of one lives so long.
inline constexpr auto request_life = 60s;
inline constexpr auto stop_patience = 10s;  // for what is in flight when told to stop

// ---- Journal --------------------------------------------------------------------------
inline constexpr std::uint64_t journal_bytes_min = 64 * MiB;
inline constexpr std::uint64_t journal_bytes_default = 20 * GiB;
inline constexpr std::uint64_t journal_min_free_default = 512 * MiB;
inline constexpr std::uint64_t transaction_bytes_max = 8 * MiB;
inline constexpr std::uint64_t transaction_changes_max = 65'536;
inline constexpr std::uint64_t ballast_bytes = 8 * MiB;
// One destination's share of the journal, in percent.
inline constexpr std::uint64_t stream_share_percent = 90;
inline constexpr std::uint64_t dead_letter_share_percent = 10;
// Dead letters that one request retries or purges, or that go on to a queue: their bytes, together
// with their count.
inline constexpr std::size_t dead_letters_page = 1'000;
inline constexpr std::uint64_t dead_letters_page_bytes = 1 * MiB;
// What a durable subscription may collect where nothing else is said: beyond it the oldest lapse.
inline constexpr std::uint64_t subscription_share_percent = 10;
inline constexpr auto subscription_age = 7 * 24h;
// Filters of channels whose backlog has a bound: each commit looks through them.
inline constexpr std::size_t channel_bounds_max = 100;
inline constexpr std::size_t app_bounds_max = 100;  // users whose apps have limits
inline constexpr std::uint64_t waiting_messages_max = 1'000'000'000'000;
inline constexpr std::uint64_t publish_rate_max = 1'000'000'000;  // messages a second
// Filters of channels of which something is said.
inline constexpr std::size_t channel_settings_max = 1'000;
// Channels whose last message is kept for late joiners, and its bytes: all in memory as well.
// Beyond it those go that were published longest ago, which is told no more often than this.
inline constexpr std::size_t last_values_max = 65'536;
inline constexpr std::uint64_t last_values_bytes_max = 32 * MiB;
inline constexpr auto last_values_told_every = 60s;
// The name that such a subscription asks by and its filter together are an address.
inline constexpr std::size_t late_joiner_filter_bytes_max = 210;
// Channels of which is remembered what a subscription that asked for last values was given: beyond
// that no last value comes to it of others.
inline constexpr std::size_t last_given_max = 65'536;
// Durable subscriptions that a configuration declares.
inline constexpr std::size_t subscriptions_configured_max = 1'000;

// ---- Paths --------------------------------------------------------------------------
// What a link that is down adds to the cost of its paths: more than all links of any path cost.
inline constexpr std::uint32_t link_cost_max = 1'000;
inline constexpr std::uint32_t down_link_cost = 1 << 20;
// Links that a batch may cross: paths change while it is on its way.
inline constexpr std::uint8_t batch_hops_max = 64;

// Questions of people to other agents that are kept, and for how long one may be under way before
// it makes room for another.
inline constexpr std::size_t questions_max = 256;
inline constexpr auto question_patience = 10s;
// To one neighbour, or by way of it; and of one neighbour that are answered or passed on: whoever
// asks more gets no answer, so that nobody has others flooded. Besides, a quarter of it at once.
inline constexpr std::uint64_t questions_asked_per_second = 50;
inline constexpr std::uint64_t questions_heard_per_second = 100;
// What an agent tells of itself is looked up no more often than this.
inline constexpr auto summary_age_max = 1s;

// Agents whose interest is asked for in one frame.
inline constexpr std::size_t ask_agents_max = 1'000;

// ---- One turn of the loop ----------------------------------------------------------------
inline constexpr std::size_t turn_frames_per_socket = 256;

static_assert(producer_window_min >= 2 * frame_bytes_max, "one frame on its way, one being filled");
static_assert(link_window_min >= 2 * frame_bytes_max, "two of the largest frames in flight");
static_assert(producer_window_min <= producer_window_quick &&
              producer_window_quick <= producer_window);
static_assert(producer_window <= producer_windows_sum && link_window_max <= link_windows_sum);
static_assert(stream_read_back <= stream_memory, "what is read back must fit");
static_assert(stream_read_back_entries <= stream_memory_entries);
static_assert(transaction_bytes_max >= producer_window, "one producer's window fits a transaction");
static_assert(memory_pressure >= producer_windows_sum + link_windows_sum,
              "what the windows allow is not pressure yet");
static_assert(keepalive_interval * 5 < link_silence_max, "several keepalives may be lost");
static_assert(journal_bytes_min >= 4 * (ballast_bytes + transaction_bytes_max));
static_assert(2 * questions_asked_per_second <= questions_heard_per_second,
              "who keeps to the one is answered, though frames come in bursts");
static_assert(link_cost_max * wire::path_agents_max < down_link_cost);
static_assert(std::uint64_t{wire::path_agents_max + 1} * (down_link_cost + link_cost_max) <
              0xffffffff);
static_assert(last_values_bytes_max <= memory_pressure / 2 &&
              last_values_bytes_max <= journal_bytes_min / 2);
// "_last.", two numbers with a dot between them, and a space.
static_assert(late_joiner_filter_bytes_max + 6 + 20 + 1 + 10 + 1 <= wire::channel_bytes_max);
static_assert(last_given_max >= last_values_max, "all that one agent keeps may come");
static_assert(stream_share_percent + dead_letter_share_percent <= 100);
static_assert(subscription_share_percent <= stream_share_percent,
              "a subscription lapses before anybody would be held back for it");

}  // namespace bus::limits

#endif
