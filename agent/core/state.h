// The exchange from inside: its nouns and what it does with them, by file.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/dead_letters.h"
#include "core/delay_line.h"
#include "core/denials.h"
#include "core/exchange.h"
#include "core/filter_index.h"
#include "core/forwarding.h"
#include "core/group.h"
#include "core/holds.h"
#include "core/homed.h"
#include "core/interest.h"
#include "core/keeper.h"
#include "core/outbound.h"
#include "core/paths.h"
#include "core/publisher_bounds.h"
#include "core/questions.h"
#include "core/rate.h"
#include "core/remote.h"
#include "core/route_cache.h"
#include "core/rules.h"
#include "core/tickets.h"
#include "core/traffic.h"
#include "core/window.h"

namespace bus::core {

struct Exchange::State {
    // Of a recovered producer mark, until its app is back.
    static constexpr std::uint32_t producer_uid_unknown = 0xffffffff;

    struct Session {
        SessionId id;
        std::uint32_t uid = 0;
        bool open = false;  // hello was answered
        std::string app;
        std::optional<ProducerId> producer;
        std::map<std::uint64_t, DestinationId> subscriptions;  // by the app's own id
    };

    struct Producer {
        ProducerId id;
        std::uint32_t uid = 0;
        std::shared_ptr<Intake> intake;
        std::optional<SessionId> session;
        std::uint64_t window = 0;
        bool bulk = false;  // its window is the large one
        std::optional<Time> window_changed;
        std::optional<Time>
            bulk_at;  // when something of it last went to where it cannot settle soon
        std::vector<wire::Receipt> receipts;  // to be told
        bool tell = false;
        Time gone_since{};
        // Large messages of which not all parts have come, by their first sequences.
        std::set<std::uint64_t> unfinished;
        bool tells_unfinished = false;  // its hello names those that an earlier agent knew of
        // Large messages whose beginning a bound refused, and whose rest may be on its way.
        std::set<std::uint64_t> refused;
        // With a name: it hears that something is safe when its mark is on disk as well, for its
        // program's next life asks for it. The mark that is on its way there, and with what.
        bool keeps = false;
        std::uint64_t kept = 0;
        Submission kept_by;
        // Those that may have been ended for it while it was away, and what makes that durable:
        // their later parts are refused.
        std::map<std::uint64_t, Submission> given_up;
    };

    // Who may ask may be answered, and what a homed queue's consumers may have is judged by the
    // queue's name.
    static bool is_between_agents(wire::Kind kind, std::string_view channel) {
        return wire::is_reply_address(kind, channel) || wire::is_homed_channel(kind, channel);
    }

    struct Link;
    struct Peer {
        PeerSettings settings;
        std::string key;  // that its last session proved
        bool configured = true;
        // Nothing is owed to it and nothing of it is durable: what is left counts its numbers and
        // marks, in case that it is added again.
        bool removed = false;
        AgentId id;                // zero until it was first heard
        Remote* remote = nullptr;  // the agent itself; none until it was first heard
        std::uint64_t incarnation = 0, nonce = 0;
        std::shared_ptr<Intake> intake;
        std::unique_ptr<Outbound> outbound;
        Link* active = nullptr;        // the link whose session is open
        bool relays = false;           // it said so in its session
        bool takes_questions = false;  // as well
        // What it was told in its session of the paths from here, by where they lead.
        std::unordered_map<AgentId, std::uint64_t> told;
        std::uint64_t told_digest = 0;
        std::vector<wire::LinkPaths::Path> paths_to_tell;  // if any, it is among paths_due
        std::set<AgentId> asked;                           // for whose interest
        // What became of batches of its, passed on from here: told again until it has come.
        std::deque<wire::LinkArrived::One> arrived;
        std::size_t arrived_told = 0;  // of these, in this session
        bool tell_arrived = false;     // it is among arrived_due
        struct ArrivedFrame {
            std::uint64_t count;  // of the session
            std::size_t batches;
        };
        std::deque<ArrivedFrame> arrived_frames;
        Tickets tickets;
        // Where its session is with them. Each step waits for the disk.
        struct Ticketing {
            enum class Step : std::uint8_t { none, storing, offered, confirming, done };
            Step step = Step::none;  // of the peer's new ticket
            Submission stored_by;
            Time issued_at{};
            std::uint64_t issued_after = 0;  // Outbound::given
            std::optional<Time> confirmed_at;
            // This agent's new one, on its way to the disk, and the session that it came in.
            std::optional<wire::Ticket> taking;
            std::uint64_t taking_session = 0;
            Submission taken_by;
            bool took = false;  // in this session
            bool due = false;   // it is among tickets_due
        } ticketing;
        WindowControl window;
        bool ack_due = false;  // it is among acks_due
        Time up_since{};       // while a session is open
        Time down_since{};     // while none is
        Traffic sent, received;
        // Questions to it or by way of it; of its, and answers, that this agent takes up.
        Rate questions_asked{limits::questions_asked_per_second};
        Rate questions_heard{limits::questions_heard_per_second};
        Rate answers_heard{limits::questions_heard_per_second};
        std::uint64_t rtt_micros = 0;
        // When it was last told of this agent's interest, by which frame, and since when it is
        // known to have heard all of it.
        Time interest_told{};
        std::uint64_t interest_frame = 0;
        std::optional<Time> interest_heard;
        std::string last_error;  // since it was up
        Time last_error_at{};
        std::string state_word() const;
        void note_error(std::string why, Time at) {
            last_error = std::move(why);
            last_error_at = at;
        }
        // "cannot reach ..., 5 s ago"; empty: nothing is known.
        std::string error_words(Time now) const;
        // The rules: may it, or what lies behind it, give that, and have that?
        bool may_give(wire::Kind kind, std::string_view channel) const {
            return !settings.may || is_between_agents(kind, channel) ||
                   may_publish(*settings.may, kind, channel);
        }
        bool may_have(wire::Kind kind, std::string_view channel) const {
            return !settings.may || is_between_agents(kind, channel) ||
                   may_consume(*settings.may, kind, channel);
        }
    };

    struct Link {
        enum class Phase : std::uint8_t { silent, greeting, open };
        LinkId id;
        Peer* peer = nullptr;
        std::string key;  // that its handshake proved
        bool dialled = false;
        Phase phase = Phase::silent;
        std::uint64_t session = 0;
        std::uint64_t sent = 0, received = 0;  // counts of this session
        Time last_sent{}, last_heard{}, last_asked{}, greeted{};
        Duration retry{};
        std::vector<wire::ChannelKey> held_told;  // in this session's HELLO
    };

    // A batch on its way in: who gave it, under which number.
    struct Arrival {
        std::shared_ptr<Intake> intake;
        SourceId source;
        bool from_peer = false;
        Owner owner = 0;
        std::uint64_t number = 0;
        std::uint16_t flags = 0;  // envelope_flag
        std::uint64_t lifetime_millis = 0;
        DestinationId came_from;  // where it entered the bus; 0: here
        std::uint8_t hops = 0;
        std::vector<Remote*> pass_on;  // those behind this agent that it is for
        bool for_this_host = true;
        bool relayed = false;  // the sender is not where it entered the bus
    };

    State(Settings settings, std::uint64_t incarnation, Recovered recovered, Time now,
          std::uint64_t wall_micros);

    using Refusal = std::optional<std::pair<wire::Reject, std::string>>;

    // ---- apps.cpp
    void on_hello(Session& session, const wire::Hello& hello);
    void on_subscribe(Session& session, const wire::Subscribe& command);
    static ConsumerTerms terms_of(const wire::Subscribe& command);
    void on_unsubscribe(Session& session, const wire::Unsubscribe& command);
    void close_session(Session& session, Group::Parting how = Group::Parting::lost);
    std::optional<std::string> why_not(const Session& session, const wire::Subscribe& command,
                                       wire::Reject& code) const;
    Group* group_for(const Session& session, const wire::Subscribe& command, wire::Reject& code);
    void leave_group(Group& group, ConsumerId consumer, bool forget);
    void answer_awaiting(Producer& own, const std::vector<wire::NumberRange>& awaiting);
    Producer& producer(const ProducerId& id, std::uint32_t uid);
    std::uint64_t grant_window(bool bulk) const;
    void adapt_window(Producer& own);
    void keep_mark(Producer& own);
    bool awaits_mark(const Producer& own) const;
    std::uint64_t window_held_to(const Producer& own) const;
    bool settles_soon(const std::vector<Group*>& groups, const std::vector<Remote*>& remotes) const;
    void reply(SessionId session, wire::Reply reply);
    void fail(SessionId session, std::uint64_t id, wire::Reject code, std::string reason);
    void flush_receipts();
    void send_hold(const SourceId& source, const wire::ChannelKey& channel,
                   const std::string& reason);
    void send_resume(const SourceId& source, const wire::ChannelKey& channel);
    // The same, and an event.
    void tell_hold(const SourceId& source, const wire::ChannelKey& channel,
                   const std::string& reason);
    void tell_resume(const SourceId& source, const wire::ChannelKey& channel);
    std::vector<wire::HeldChannel> held_for(const ProducerId& producer) const;

    // ---- groups (groups.cpp)
    Group& queue(const std::string& name);
    Group& service(const std::string& name);
    void find_takers(Group& group);
    Group& add_group(Destination destination);
    void drop_group(DestinationId id);
    Group* find_group(Destination::Type type, const std::string& name);
    void show_interest(Group& group);
    // Of what others share, that there are consumers here.
    void note_consumers(Group& group) {
        if (group.consumers() > 0 && !group.is_paused()) show_interest(group);
    }
    void hide_interest(Group& group);
    wire::InterestItem interest_of(const Group& group) const;
    // Which of this host's queues it works on, after its interest or the way to it changed.
    void refresh_queues(Remote& remote);
    std::vector<Group*> queues_wanted_by(const Remote& remote) const;
    // Of one that wants it: is it reached now, and may it have it?
    bool works_on(const Remote& wanting, wire::Kind kind, std::string_view name) const;

    // ---- homes.cpp: queues that one agent keeps
    struct QueueHome {
        enum class Where : std::uint8_t { nowhere, here, elsewhere, unknown };
        Where where = Where::nowhere;  // nowhere: it floats
        std::string name;              // as the configuration says it
        Remote* remote = nullptr;      // elsewhere
        std::string why;               // unknown
    };
    QueueHome home_of(std::string_view queue);
    Group::Keeping keeping_of(const Destination& destination);
    void apply_homes();
    void show_kept();
    void keep_name(Remote& home);
    bool is_leaving(const Group& group);
    void expel_from_moved_queues();
    Refusal why_no_home(const wire::BatchHeader& header);

    // ---- far_consumers.cpp: those of this host of queues that other agents keep
    bool consume_elsewhere(Session& session, const wire::Subscribe& command);
    void attach(FarConsumer& consumer);
    void attach_anew(FarConsumer& consumer);
    void detach(FarConsumer& consumer, bool lost);
    void end_far_consumer(ConsumerId id, bool lost);
    void end_far_consumers(const Session& session, bool lost);
    void refuse_far_consumer(const FarConsumer& consumer, wire::Reject code, std::string reason);
    void tend_far_consumers();
    void look_at_home(const AgentId& agent);
    void look_at_homes_by(const Outbound& outbound);
    void look_at(FarConsumer& consumer);
    FarConsumer* find_far_consumer(const AgentId& home, const wire::AttachmentId& id);
    void take_delivery(const Arrival& arrival, const Batch& batch);
    void on_attached(const Remote& home, const wire::Attached& frame);
    void on_attachment_ended(const Remote& home, const wire::AttachmentEnded& frame);
    bool ack_elsewhere(SessionId session, const wire::Ack& ack);
    void flush_far_acks();
    void tell_acks(FarConsumer& consumer);
    bool say(const AgentId& to, const wire::HomedFrame& frame);
    void on_homed(const Arrival& arrival, const Batch& batch);

    // ---- attachments.cpp: consumers elsewhere of queues that this agent keeps
    void on_attach(const Peer& by, Remote& from, const wire::Attach& frame);
    void on_far_acks(Remote& from, const wire::HomedAcks& frame);
    void hand_out_elsewhere(Group& group);
    void resume_attachments();
    void owe_delivery(Attachment& to, const SendBatch& given, Remote& remote);
    Refusal why_not_attach(const Peer& told_by, const Remote& from, const wire::Attach& frame);
    void end_attachment(SessionId session, Group::Parting how);
    void end_attachments_before(const AgentId& agent, std::uint64_t life);
    void end_attachments_of(const AgentId& agent);
    static bool is_from(const Peer& by, const Remote& from);
    void tell_ended(const AgentId& agent, const wire::AttachmentId& id, wire::Reject code,
                    std::string reason);
    void tend_attachments();
    Attachment* find_attachment(const AgentId& agent, const wire::AttachmentId& id);

    // ---- sharing.cpp: subscription groups
    Group& shared(const std::string& name, const std::string& filter);
    std::vector<Group*> groups_called(const std::string& name) const;  // one for each filter
    Group* declared_group(const std::string& name) const;              // by this host
    void declare_shared(Group& group, Owner owner);
    void recover_shared(Group& group);
    void end_shared(Group& group);
    void keep(Group& group);
    void learn_shared(Remote& of, const wire::InterestItem& item);
    void forget_shared(Remote& of, const wire::InterestItem& item);
    void forget_declarer(const Remote& remote);
    void drop_if_unwanted(Group& group);
    void drop_unwanted();
    void take_back_from_peers(Group& group);
    bool may_feed(const Group& group, wire::Kind kind, std::string_view channel) const;
    bool pass_to_taker(const Arrival& arrival, const Batch& batch, Group& group);

    // ---- attendance.cpp
    void note_attendance(Group& group);
    void note_load(Group& group);
    // `; did you mean "..."?`, or nothing.
    std::string similar_queue(const Group& group) const;
    std::string similar_queue(const std::string& name) const;

    // ---- services.cpp
    void take_service(const Arrival& arrival, Batch batch);
    void take_request(const Arrival& arrival, const Batch& batch, std::uint8_t entry_flags);
    void take_reply(const Arrival& arrival, const Batch& batch);
    void ask_all(const Arrival& arrival, const Batch& batch);
    bool was_seen(const Arrival& arrival, const wire::BatchHeader& header, std::uint8_t& flags);
    Batch make_fleeting(std::string_view channel, Bytes headers, Bytes payload);
    Entry owe_fleeting(const Arrival& arrival, const Batch& batch, DestinationId to,
                       std::uint8_t flags);
    bool pass_on_service(const Arrival& arrival, const Batch& batch, Remote& to);  // false: dropped
    void answer_unanswered(Group& group);
    void answer_with_error(const Batch& request, std::uint32_t first, std::uint32_t count,
                           std::string_view error);
    void give_reply(const ProducerId& to, const Batch& batch, std::uint64_t lifetime_millis);
    std::vector<Remote*> responders_elsewhere(std::string_view service) const;

    // ---- subscriptions.cpp
    // Its id is given here.
    Group& add_subscription(Destination destination);
    void end_durable(Group& group);  // for good; nobody consumes from it any more
    void bury_for_good(const wire::InterestItem& gone);
    Group* find_standing(const std::string& name);  // a durable one, or a group of this host's
    void apply_subscriptions();
    Group& set_up(const std::string& name, const std::string& filter, bool is_group);
    const SubscriptionSettings* settings_of(const Group& group) const;
    SubscriptionChange change(const SubscriptionOrder& order);
    SubscriptionChange declare(const SubscriptionOrder& order);
    SubscriptionChange plan(const SubscriptionOrder& order, const Group& group) const;
    void carry_out(const SubscriptionOrder& order, Group& group);
    void expel_consumers(Group& group, const std::string& reason,
                         wire::Reject code = wire::Reject::not_found);
    void renew(Group& group);
    Acquaintance acquaintance(const Remote& remote, const Group& group) const;
    SubscriptionStatus subscription_status(const Group& group) const;

    // ---- lapses.cpp
    Group::Quota share_of(const Group& group) const;
    void apply_shares();
    void watch_share(Group& group);
    void lapse_beyond_shares();
    void lapse(Group& group);
    std::uint64_t lapse(Group& group, const Entry& entry);
    void note_gap(Group& group, const Gaps::Last& lost);
    void note_not_kept(Group& group, const wire::BatchHeader& best_effort);
    void note_damaged(const Damaged& damaged);
    void note_restored();
    void keep_new_gaps();
    void flush_gaps();
    bool tell_gaps(Group& group);  // false: there is nobody to be told, or nothing
    void keep_gaps(const Group& group);

    // ---- arrivals.cpp
    void on_published(const Session& session, const wire::Envelope& envelope, Batch batch);
    std::optional<std::pair<wire::Reject, std::string>> why_not_publish(
        const Session& session, const wire::BatchHeader& header);
    void on_peer_batch(Peer& peer, const wire::Envelope& envelope, Batch batch);
    Refusal why_too_large(const wire::BatchHeader& header);
    Refusal why_not_from(const Peer& peer, const wire::BatchHeader& header);
    // Whom it is for.
    Refusal why_not_for(std::string_view group, wire::Kind kind);
    Refusal read_route(const wire::Envelope& envelope, Arrival& arrival);

    // ---- routing.cpp
    const Route& route(wire::Kind kind, std::string_view channel);
    void decide(Route& route);
    // Those with a subscription of this host, or agents with interest, that match; in the order of
    // their ids.
    void find_subscribed(wire::Kind kind, std::string_view channel,
                         std::vector<Group*>& found) const;
    void find_wanting(wire::Kind kind, std::string_view channel, std::vector<Remote*>& found) const;
    void take(const Arrival& arrival, Batch batch);
    void take_best_effort(const Arrival& arrival, const Batch& batch,
                          const std::vector<Group*>& groups, const std::vector<Remote*>& remotes);
    bool pass_on_now(const Arrival& arrival, const Batch& batch,
                     const std::vector<Remote*>& remotes);
    void note(Event::Kind what, const Arrival& arrival, const Batch& batch);
    static std::uint8_t flags_on_the_way(const Arrival& arrival);
    bool drop_if_taken(const Arrival& arrival, const Batch& batch, std::uint8_t& entry_flags);
    std::vector<Group*> groups_of_copy(const wire::BatchHeader& header);
    void owe(const Arrival& arrival, const Batch& batch, const std::vector<Group*>& groups,
             const std::vector<Remote*>& remotes, std::uint8_t entry_flags, bool retains);
    void want_arrived(const Arrival& arrival, const Custody& custody);
    void tell_unknown(const Arrival& arrival);
    Time due_of(const std::vector<Group*>& groups, const std::vector<Remote*>& remotes) const;
    void hold_if_full(const Arrival& arrival, const Batch& batch, DestinationId to,
                      std::uint64_t bytes);
    std::uint64_t quota() const;  // of a destination without a bound of its own
    Time expiry(const Arrival& arrival, const wire::BatchHeader& header) const;
    void watch_room();
    void let_go_on(Cause cause);
    void watch_journal();
    std::uint64_t queued_bytes(DestinationId id) const;
    const Remote* peer_working_on(const Group& group) const;

    // ---- late_joiners.cpp
    void retain_alone(const Arrival& arrival, const Batch& batch);
    void recover_last_values(const Recovered& recovered);
    void apply_retention();
    void tell_evicted();
    static wire::InterestItem wish_of(const Group& late_joiner);
    void hand_last_values(Group& late_joiner);
    void answer_late_joiner(Remote& of, const wire::InterestItem& wish);
    void keep_answered();
    std::vector<Group*> late_joiners_of(const wire::BatchHeader& header) const;

    // ---- links.cpp
    Peer* peer_by_key(const std::string& key);
    Peer* peer_by_id(const AgentId& id) const;
    // By the name of its entry; nullptr: there is none.
    Peer* configured_peer(const std::string& name) const;
    void send(Link& link, wire::LinkBody body);
    std::uint64_t send_parcel(Link& link, const Outbound::Parcel& parcel);
    void greet(Link& link);
    void say_hello(Link& link, bool answer);
    void tell_holds_since(Link& link);
    void on_link_hello(Link& link, const wire::LinkFrame& frame);
    void refuse_link(Link& link, wire::Reject code, bool final, const std::string& reason);
    wire::LinkHello hello_to(const Peer& peer, bool answer) const;
    std::vector<wire::InterestItem> snapshot_with_removals() const;
    void open_session(Link& link, const wire::LinkHello& hello, Standing standing);
    void end_session(Link& link, const std::string& why, bool tell);
    bool count_in(Link& link, std::uint64_t session, std::uint64_t count);
    void on_ack(Link& link, const wire::LinkAck& ack);
    void on_interest(Link& link, const wire::LinkInterest& frame);
    void on_given_back(Link& link, const std::vector<wire::InterestItem>& items);
    void on_keepalive(Link& link, const wire::LinkKeepalive& keepalive);
    wire::LinkKeepalive keepalive_to(const Peer& peer, std::uint64_t echo,
                                     std::uint64_t reply_to) const;
    void on_hold(Link& link, const wire::LinkHold& hold);
    void on_reset(Link& link, const wire::LinkReset& reset);
    void on_refuse(Link& link, const wire::LinkRefuse& refuse);
    void keep_interest(Remote& remote, const PeerInterest::Change& change);
    void announce_interest();
    void note_interest_heard(Peer& peer) const;
    void want_ack(Peer& peer);
    void flush_acks();
    void pump(Peer& peer);
    std::uint64_t window_share() const;
    void tick_link(Link& link);

    // ---- meeting.cpp
    std::uint64_t random();
    static bool is_same_start(const Peer& peer, const wire::LinkHello& hello);
    std::optional<std::string> why_refuse(const Peer& peer, const wire::LinkHello& hello,
                                          Standing standing) const;
    std::optional<std::string> why_stale(const std::string& name, Standing standing) const;
    bool was_just_heard(const Link& link) const;
    bool is_linked_elsewhere(const Link& link, const wire::LinkHello& hello) const;
    Standing standing_of(const Peer& peer, const wire::LinkHello& hello) const;
    bool choose_between(Link& link, const AgentId& peer_id);
    void meet(Link& link, const wire::LinkHello& hello);
    void put_peer(const Peer& peer);
    void begin_tickets(Peer& peer, const wire::LinkHello& hello, bool same_start);
    void issue(Peer& peer);
    void issue_anew(Peer& peer);
    void await_disk(Peer& peer, Peer::Ticketing::Step step);
    void want_tickets(Peer& peer);
    void on_ticket(Link& link, const wire::LinkTicket& frame);
    void on_ticket_taken(Link& link, const wire::LinkTicketTaken& frame);
    void flush_tickets();
    void take_stored_ticket(Peer& peer);
    void offer_stored_ticket(Peer& peer);
    void end_rejoining(Peer& peer);
    void tell_lost(const Peer& peer, const wire::LinkHello& hello, Standing standing);

    // ---- relays.cpp
    Remote& remote(const AgentId& agent);
    // Known from now on; nullptr: so many are already (limits::agents_max).
    Remote* learn(const AgentId& agent);
    Remote* find_remote(const AgentId& agent);
    Remote* find_remote(DestinationId id);
    bool may_reach(const Remote& remote, wire::Kind kind, std::string_view channel) const;
    void put_neighbour(Peer& peer);
    void settle_links();
    void apply_paths();
    void apply_deferred_paths();
    void change_way(Remote& to, Outbound* via);
    bool leads_to(const Outbound& outbound, const AgentId& agent) const;
    bool has_failed(const Outbound& outbound) const;
    void begin_large_messages_anew(Remote& to);
    void apply_path(const AgentId& agent);
    void tell_all_paths(Peer& peer);
    void tell_path(Peer& peer, const AgentId& agent);
    std::optional<wire::LinkPaths::Path> path_told(const Peer& peer, const AgentId& agent);
    void flush_paths();
    void on_paths(Link& link, const wire::LinkPaths& frame);
    void ask_for_interest(Link& link, const std::vector<wire::LinkPaths::Path>& paths);
    void on_ask(Link& link, const wire::LinkAsk& ask);
    void on_interest_of(Link& link, const wire::LinkInterest& frame);
    void end_recovered_interest();
    void tell_interest(const Remote& of, std::uint64_t from, const PeerInterest::Change& change);
    void want_arrived_told(Peer& peer);
    void note_arrival(const Keeper::Arrival& arrival);
    void flush_arrived();
    void confirm_arrived(Peer& peer, std::uint64_t received);
    void send_towards(const AgentId& agent, const wire::LinkUnfinished& message);

    // ---- questions.cpp
    Expected<AgentId, std::string> find_agent(const std::string& name) const;
    std::string similar_agent(
        const std::string& name) const;  // `; did you mean "..."?`, or nothing
    Expected<QuestionId, std::string> ask(const AgentId& target, wire::Asked what,
                                          std::uint8_t hops);
    std::optional<std::string> why_not_ask(const Peer& by, bool by_echo) const;
    QuestionId next_question();              // links.cpp
    std::uint64_t ask_for_echo(Peer& peer);  // links.cpp; the stamp that will come back
    void note_echo(const Peer& from, std::uint64_t stamp);
    void on_query(Link& link, const wire::LinkQuery& query);
    void pass_on(Link& link, wire::LinkQuery query);
    void answer(Link& link, const wire::LinkQuery& query, wire::LinkAnswer::Outcome outcome,
                std::string text);
    void on_answer(Link& link, wire::LinkAnswer answer);
    void take_answer(const Peer& from, wire::LinkAnswer answer);
    const std::string& summary_text();
    wire::Summary summarise() const;
    void summarise_links(wire::Summary& told) const;

    // ---- unfinished.cpp
    void note_part(Producer& own, const wire::BatchHeader& header);
    void note_unfinished(Producer& own, const wire::Hello& hello);
    void ask_for_parts();
    void ask_for_rest(Group& group, LargeMessage& message);
    void reclaim_from_absent();
    void on_unfinished(Link& link, const wire::LinkUnfinished& message);
    bool may_go_on(const ProducerId& id, std::uint64_t first_sequence) const;
    bool give_up(const wire::LinkUnfinished& message);
    void owe_abort(const wire::LinkUnfinished& message, const std::vector<Group*>& groups,
                   const std::vector<Remote*>& remotes);

    // ---- recovery.cpp
    void recover(Recovered& recovered);
    void recover_remotes(Recovered& recovered);
    void recover_peers(Recovered& recovered);
    Peer& add_peer();
    void recover_groups(Recovered& recovered);
    void apply_peers();
    Peer& peer_for(const PeerSettings& wanted);

    // ---- bounds.cpp
    const Bound* bound_of(const Remote& remote) const;  // nullptr: it has none of its own
    std::uint64_t bytes_max(DestinationId to) const;
    std::string bound_words(Cause cause) const;  // of a destination, or of channels
    void bury_overdue();
    void bury_overdue(Remote& remote);
    struct Waited {
        std::string subject;      // of the event
        std::string where;        // "for paris", "on sensors.**"
        std::string destination;  // of the dead letters, where the journal does not know its name
        Duration age{};
    };
    void bury_overdue(const std::vector<Entry>& entries, const Waited& waited);
    void tell_dead(const Entry& entry, std::uint32_t messages, std::string reason);
    bool may_become_overdue() const;

    // ---- publishers.cpp
    void on_watched(const Watched& watched);
    void release_rates();
    Refusal why_over_bound(Producer& own, const wire::BatchHeader& header);
    bool is_too_fast(Owner owner, const wire::BatchHeader& header) const;
    void spend(const Producer& own, const wire::BatchHeader& header);
    void hold_back(const Producer& own, const wire::ChannelKey& channel,
                   PublisherBounds::One& bound);
    void hold_if_reached(const Producer& own);
    std::optional<std::string> why_no_more(const Session& session, const wire::Subscribe& command);

    // ---- channels.cpp
    void apply_channels();
    Run::Search search_for(const PublisherBounds::One& bound) const;
    void bury_old();
    void bury_found(const Loaded& answer);
    template <class To>
    void bury_old(To& to);
    template <class To>
    void bury_old(To& to, std::vector<Entry> entries, const PublisherBounds::One& bound);
    void go_on_searching();
    void wake(Group& group) { touch(group); }
    void wake(Remote& remote) const {
        if (remote.via != nullptr) remote.via->wake(remote);
    }
    // Whichever it is; nothing if it has ended.
    template <class Visit>
    void visit_destination(DestinationId id, Visit visit) {
        if (const auto group = groups.find(id); group != groups.end())
            visit(*group->second);
        else if (Remote* const remote = find_remote(id))
            visit(*remote);
    }

    // ---- dead_letters.cpp
    void on_found(const DeadLettersFound& found);
    void follow_dead_letters();
    void retry_found(DeadLetterAnswer& answer);
    void purge_found(DeadLetterAnswer& answer);
    // Where it died, if that is still there.
    struct Home {
        Group* group = nullptr;
        Remote* remote = nullptr;
    };
    Home find_home(const DeadLetter& letter);
    std::optional<std::string> why_not_retry(const DeadLetter& letter, const Home& home) const;
    void take_again(const DeadLetter& letter, const Home& home);

    // ---- delays.cpp
    Refusal why_not_delay(const wire::Envelope& envelope, const wire::BatchHeader& header);
    void delay(const Arrival& arrival, const wire::Envelope& envelope, Batch batch);
    bool may_release() const;
    Time next_release() const;
    void release_due();
    void settle_released();
    void release(Entry entry);
    static std::vector<Keeper::Where> where_of(const Route& here, std::uint8_t flags,
                                               wire::Lane lane);
    void offer_all(const std::shared_ptr<Custody>& custody, const Route& here);

    // ---- forwarding.cpp
    void apply_forwarding();
    void look_for_new_dead_letters();
    void look_for_what_goes_on();
    void retry_forwarding();
    void forward_found(const DeadLettersFound& found);
    void forward(const DeadLetter& letter, const std::string& queue_name);

    // ---- drain.cpp
    void begin_drain();
    void end_drain();
    void hold_for_drain(const SourceId& source);
    void tell_paths_again(Peer& peer);

    // ---- removal.cpp
    Peer* find_peer(const std::string& name) const;
    std::vector<std::string> ways_but(const AgentId& agent, const Peer* without) const;
    Removal::Owed owed_to(const Remote& remote) const;
    void plan_behind(const Peer& peer, Removal& plan) const;
    void forget_peer(Peer& peer);
    void forget_remote(Remote& remote, const std::string& name, const std::string& reason);
    void reclaim_large_messages(Remote& remote);
    void reclaim_large_messages(Remote& remote, Group& group);
    void give_up(Remote::Owed owed, const std::string& name, const std::string& reason);
    void adopt_numbers(Peer& peer);

    // ---- turn.cpp
    void tick();
    void move_streams();
    void hand_out_touched();
    void touch(Group& group);  // hand_out may have something to do
    void answer_subscribed();
    void tell_steps();
    void collect_safe();
    void forget_old_producers();
    void on_committed(const Committed& answer);
    void on_loaded(const Loaded& answer);
    bool needs_ticks() const;
    void end_lingering();
    bool is_forsaken(Group& queue) const;
    std::uint64_t memory_share() const;
    void event(Event::Kind kind, std::string subject, std::string words,
               std::uint64_t messages = 0);

    // ---- denials.cpp
    void deny(const Denial& denial);
    Refusal refuse_by_rule(const Denial& denial, std::uint64_t messages);
    Denial denial_of_uid(std::uint32_t uid, Act act, wire::Kind kind, std::string_view what) const;
    static Denial denial_of_peer(const Peer& peer, Act act, wire::Kind kind, std::string_view what);
    std::vector<Denial> denials_of(const Remote& remote, wire::Kind kind,
                                   std::string_view channel) const;

    // ---- status.cpp
    LinkStatus link_status(const Peer& peer) const;
    AgentStatus agent_status(const Remote& remote) const;
    GroupStatus group_status(const Group& group) const;
    std::uint64_t consumers_elsewhere(const Group& group) const;
    std::vector<GroupStatus> status_elsewhere() const;
    DenialStatus denial_status(const Denials::Count& count) const;
    std::string name_of(const AgentId& agent) const;

    Settings settings;
    const std::uint64_t incarnation, nonce;
    std::uint64_t random_salt = 0;
    Time now{};
    const Time started;
    Rules rules{settings};
    Keeper keeper;
    Leases leases;
    Holds holds;
    PublisherBounds bounds;
    // Of which something was taken out by age: they go on when the journal knows.
    std::vector<std::pair<Submission, DestinationId>> paused;
    Denials denials;
    OwnInterest own_interest;
    Effects effects;

    std::map<SessionId, Session> sessions;
    std::unordered_map<ProducerId, Producer> producers;
    Paths paths{settings.agent};
    std::vector<Outbound*> dirty_outbounds;
    FiltersOf<Remote> remotes_by_interest;
    std::map<AgentId, std::unique_ptr<Remote>> remotes;
    std::unordered_map<DestinationId, Remote*> remotes_by_destination;
    std::vector<std::unique_ptr<Peer>> peers;
    std::unordered_map<AgentId, Peer*> peers_by_id;
    std::unordered_map<const Outbound*, Peer*> peers_by_outbound;
    std::vector<Peer*> rated;  // those with a rate limit
    std::vector<Peer*> acks_due;
    std::vector<Peer*> tickets_due;
    std::vector<Peer*> paths_due;
    std::vector<Peer*> arrived_due;
    std::set<AgentId> paths_deferred;                     // until a large message has left whole
    bool links_settling = false;                          // one has gone down and may be back soon
    std::unordered_map<std::string, Peer*> peers_by_key;  // the configured ones, by each of theirs
    std::map<LinkId, Link> links;
    FiltersOf<Group> groups_by_filter;  // the subscriptions
    std::map<DestinationId, std::unique_ptr<Group>> groups;
    std::map<std::pair<Destination::Type, std::string>, Group*> groups_by_name;
    RouteCache routes{limits::routes_max};
    std::map<InterestKey, std::uint64_t> tombstones;  // with the version of the removal
    DestinationId last_destination, last_service = first_service;
    bool has_homes = false;              // the configuration names homes of queues
    std::set<std::string> kept_filters;  // filters of the queues that this agent keeps, as told
    std::map<ConsumerId, FarConsumer> far_consumers;
    std::unordered_map<std::uint64_t, FarConsumer*> far_consumers_by_number;
    std::uint64_t last_far_consumer = 0;
    std::vector<ConsumerId> far_acks_due;
    std::map<SessionId, Attachment> attachments;
    std::set<SessionId> stopped_attachments;  // the line to their agents is full
    std::map<std::pair<AgentId, wire::AttachmentId>, SessionId> attachments_by_id;  // home: 0
    std::map<AgentId, wire::AttachmentId> last_attached;  // the newest of each agent
    std::uint64_t last_attachment = 0;
    std::uint64_t fleeting_made = 0;  // batches of this agent's own: errors, frames of homed queues
    std::uint64_t replies_dropped = 0;  // to who is gone
    DelayLine delays{keeper};
    // Out of the line, and in it still until the copy is safe.
    struct Released {
        Entry entry;
        std::shared_ptr<Custody> copy;
    };
    std::vector<Released> released;
    std::uint64_t released_bytes = 0;
    std::unordered_map<std::string, Group*> late_joiners;  // of this host, by the names they ask by
    // Late joiners elsewhere that were given last values: who asked, and what, is kept when those
    // are safe, for who is known to have asked is not answered again.
    struct Answered {
        AgentId agent;
        wire::InterestItem wish;
        std::vector<std::shared_ptr<Custody>> values;
    };
    std::vector<Answered> answered;
    std::uint64_t last_values_dropped = 0;  // to make room, and not told yet
    std::optional<Time> last_values_told;
    DeadLetters dead_letters;
    Forwarding forwarding{ProducerId{{random(), random()}}};

    std::vector<DestinationId> touched;
    std::set<DestinationId> delaying;  // groups with a delayed redelivery
    // Groups that the tick has to look at: queues, those that linger, those with large messages.
    std::set<DestinationId> restless;
    std::set<DestinationId> collecting;  // durable subscriptions with something that waits
    // Subscriptions that have lost something: to be told, and to be kept.
    std::set<DestinationId> gaps_due, gaps_unkept;
    std::vector<Producer*> producers_to_tell;
    struct PendingReply {
        Submission after;
        SessionId session;
        wire::Reply reply;
    };
    std::vector<PendingReply> pending_replies;
    bool everything_held = false;  // the journal has no room
    bool recovered_interest_ended = false;
    bool draining = false;  // by order: nothing new is taken
    bool stopping = false;
    Time next_tick{};
    Questions questions;
    std::string summary;  // as it was told last
    std::optional<Time> summary_made;
    std::uint64_t questions_dropped = 0;
    std::uint64_t denied = 0, malformed = 0, late_acks = 0, duplicates_dropped = 0,
                  best_effort_dropped = 0;
};

}  // namespace bus::core
