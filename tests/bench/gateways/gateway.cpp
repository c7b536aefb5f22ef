#include "gateways/gateway.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "support/sample_batch.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration keepalive_interval = 2s;
constexpr Duration silence_max = 30s;
constexpr std::uint64_t frame_cost_min = 2'048;

std::uint64_t wall_millis() { return wall_micros() / 1'000; }

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Gateway::Gateway(std::size_t number, io::Context& context, const HubAddress& hub, io::LinkKeys own,
                 Readiness& readiness, const Job& job, Tally& tally)
    : name_("g" + std::to_string(number)),
      channel_("field." + name_ + ".reading"),
      job_(job),
      tally_(tally),
      connection_(context, hub, std::move(own), readiness, this, tally),
      agent_(random_id<AgentId>()),
      producer_(random_id<ProducerId>()),
      incarnation_(wall_millis()),
      nonce_(random_u64() | 1),
      payload_(job.payload, 'x') {
    for (std::size_t i = 0; i < job.filters; ++i) items_.push_back(item(i));
    for (const auto& one : items_) digest_ ^= wire::digest(one);
}

wire::InterestItem Gateway::item(std::size_t at) const {
    const std::string unit = "unit" + std::to_string(at);
    return {.kind = wire::Kind::topic,
            .durable = job_.durable,
            .name = job_.durable ? unit : "",
            .group = "",
            .filter = "orders." + name_ + "." + unit + ".*"};
}

void Gateway::pace(Time now) {
    next_publish_ = never;
    if (job_.rate <= 0) return;
    const auto interval = std::chrono::duration_cast<Duration>(1s / job_.rate);
    next_publish_ = now + Duration{static_cast<Duration::rep>(
                              random_u64() % static_cast<std::uint64_t>(interval.count()))};
}

void Gateway::differ(Time now) {
    items_.push_back(item(items_.size()));
    digest_ ^= wire::digest(items_.back());
    if (open_) keep_alive(0, 0, now);
    read(now);
}

// ---- Time

Time Gateway::due() const {
    if (!open_) return connection_.due();
    const Time publish = has_room() ? next_publish_ : never;
    return std::min({publish, last_sent_ + keepalive_interval, last_heard_ + silence_max});
}

void Gateway::advance(Time now) {
    connection_.advance(now);
    if (open_) {
        if (now >= last_heard_ + silence_max) greet(now);
        while (open_ && has_room() && next_publish_ <= now) publish(now);
        if (open_ && now >= last_sent_ + keepalive_interval)
            keep_alive(static_cast<std::uint64_t>(now.time_since_epoch().count()), 0, now);
    }
    read(now);
}

void Gateway::read(Time now) {
    switch (connection_.news(now)) {
        case Connection::News::up:
            greet(now);
            break;
        case Connection::News::lost:
            end_session();
            break;
        case Connection::News::none:
            break;
    }
    io::Frame frame;
    while (connection_.receive(frame)) take(frame, now);
}

// ---- The session

void Gateway::greet(Time now) {
    end_session();
    session_ = random_u64() | 1;
    counted_ = received_ = 0;
    send(wire::LinkHello{.agent = agent_,
                         .name = name_,
                         .incarnation = incarnation_,
                         .your_incarnation = hub_incarnation_,
                         .your_taken = taken_,
                         .window = 2 * wire::frame_bytes_max,
                         .interest_version = interest_version_,
                         .held = {},
                         .nonce = nonce_,
                         .your_nonce = hub_nonce_,
                         .tickets = true,
                         .ticket = ticket_},
         now);
}

void Gateway::end_session() {
    flows_ = false;
    if (std::exchange(open_, false)) --tally_.open;
    if (std::exchange(synchronised_, false)) --tally_.synchronised;
}

void Gateway::take(const io::Frame& frame, Time now) {
    if (!frame.empty() && frame.bytes().front() == std::byte{1}) return take_data(frame, now);
    const auto control = wire::decode_link(frame.bytes());
    if (!control) {
        ++tally_.malformed;
        return;
    }
    if (const auto* hello = std::get_if<wire::LinkHello>(&control->body)) {
        if (control->head.session != session_ || !hello->answer || open_) return;
        received_ = control->head.count;
        return open(*hello, now);
    }
    // What refuses HELLO is not counted in a session that never began.
    if (const auto* reset = std::get_if<wire::LinkReset>(&control->body))
        return on_reset(*reset, now);
    if (count_in(control->head.session, control->head.count, now)) take_control(*control, now);
}

bool Gateway::count_in(std::uint64_t session, std::uint64_t count, Time now) {
    if (!open_ || session != session_ || count <= received_) return false;
    last_heard_ = now;
    if (count == ++received_) return true;
    ++tally_.gaps;
    greet(now);
    return false;
}

void Gateway::take_data(const io::Frame& frame, Time now) {
    const auto data = wire::decode_envelope(frame.bytes());
    if (!data) {
        ++tally_.malformed;
        return;
    }
    if (!count_in(data->envelope.session, data->envelope.count, now)) return;
    taken_ = std::max(taken_, data->envelope.number);
    send(wire::LinkAck{.through = taken_,
                       .window = 2 * wire::frame_bytes_max,
                       .received = received_,
                       .ranges = {}},
         now);
}

void Gateway::take_control(const wire::LinkFrame& frame, Time now) {
    std::visit(Overloaded{
                   [&](const wire::LinkAck& ack) { acknowledge(ack); },
                   [&](const wire::LinkKeepalive& keepalive) { answer(keepalive, now); },
                   [&](const wire::LinkHold& change) { hold(change); },
                   [&](const wire::LinkRefuse&) { ++tally_.refusals; },
                   [&](const wire::LinkTicket& next) { take_ticket(next, now); },
                   [&](const wire::LinkTicketTaken&) { begin_to_send(now); },
                   [](const auto&) {},  // it does not matter to a gateway what the hub wants
               },
               frame.body);
}

void Gateway::open(const wire::LinkHello& hello, Time now) {
    open_ = true;
    ++tally_.open;
    last_heard_ = now;
    window_ = hello.window;
    held_ = hello.held.size();
    if (hello.incarnation != hub_incarnation_) {
        taken_ = 0;
        for (Sent& sent : sent_) sent.left_for_another = true;
    }
    hub_incarnation_ = hello.incarnation;
    hub_nonce_ = hello.nonce;
    hub_has_ = hello.your_incarnation == incarnation_ ? hello.your_taken : 0;
    tell_interest(now);
    issued_ = {{issued_.words[0] + 1, random_u64()}};
    send(wire::LinkTicket{issued_}, now);
}

// It has no disk of its own to wait for.
void Gateway::take_ticket(const wire::LinkTicket& ticket, Time now) {
    ticket_ = ticket.ticket;
    send(wire::LinkTicketTaken{ticket_}, now);
}

void Gateway::begin_to_send(Time now) {
    if (std::exchange(flows_, true)) return;
    for (const Sent& sent : sent_) {
        if (sent.number <= hub_has_) continue;
        ++tally_.resent;
        send_batch(sent, now);
    }
}

void Gateway::acknowledge(const wire::LinkAck& ack) {
    window_ = ack.window;
    const auto settled = [&](const Sent& sent) {
        return sent.number <= ack.through ||
               std::any_of(ack.ranges.begin(), ack.ranges.end(), [&](const auto& range) {
                   return range.first <= sent.number && sent.number <= range.last;
               });
    };
    std::erase_if(sent_, [&](const Sent& sent) {
        if (!settled(sent)) return false;
        on_the_way_ -= cost(sent);
        ++tally_.acknowledged;
        return true;
    });
}

// The stamp of the keepalive that follows a snapshot is the session's number.
void Gateway::answer(const wire::LinkKeepalive& keepalive, Time now) {
    if (keepalive.reply_to == session_ && !std::exchange(synchronised_, true))
        ++tally_.synchronised;
    if (keepalive.echo != 0) keep_alive(0, keepalive.echo, now);
}

void Gateway::hold(const wire::LinkHold& change) {
    tally_.holds += change.hold.size();
    held_ += change.hold.size();
    held_ -= std::min<std::uint64_t>(held_, change.resume.size());
}

void Gateway::on_reset(const wire::LinkReset& reset, Time now) {
    ++tally_.resets;
    if (reset.final) return end_session();
    greet(now);
}

// ---- What leaves

void Gateway::send(wire::LinkBody body, Time now) {
    last_sent_ = now;
    const wire::LinkFrame frame{{.session = session_, .count = ++counted_}, std::move(body)};
    connection_.send(io::Frame::copy_of(wire::encode_link(frame)));
}

void Gateway::send_batch(const Sent& sent, Time now) {
    last_sent_ = now;
    const std::uint16_t flags = sent.left_for_another ? wire::envelope_flag::resent : 0;
    const wire::Envelope envelope{.flags = flags,
                                  .session = session_,
                                  .count = ++counted_,
                                  .number = sent.number,
                                  .messages = 1};
    io::Frame frame{wire::envelope_length + sent.batch.size()};
    wire::encode_envelope(envelope, frame.writable().data());
    std::copy(sent.batch.begin(), sent.batch.end(),
              frame.writable().begin() + wire::envelope_length);
    connection_.send(std::move(frame));
}

// And asks for an answer, which says that the hub has read all of it.
void Gateway::tell_interest(Time now) {
    for (auto& part :
         wire::split_interest(wire::LinkInterest::Part::snapshot_last, interest_version_, items_))
        send(std::move(part), now);
    send(wire::LinkAck{.through = taken_,
                       .window = 2 * wire::frame_bytes_max,
                       .received = received_,
                       .ranges = {}},
         now);
    keep_alive(session_, 0, now);
}

void Gateway::keep_alive(std::uint64_t echo, std::uint64_t reply_to, Time now) {
    send(wire::LinkKeepalive{.interest_version = interest_version_,
                             .interest_digest = digest_,
                             .echo = echo,
                             .reply_to = reply_to},
         now);
}

std::uint64_t Gateway::cost(const Sent& sent) const {
    return std::max<std::uint64_t>(frame_cost_min, wire::envelope_length + sent.batch.size());
}

bool Gateway::has_room() const {
    return flows_ && held_ == 0 && (sent_.empty() || on_the_way_ + frame_cost_min <= window_);
}

void Gateway::publish(Time now) {
    next_publish_ += std::chrono::duration_cast<Duration>(1s / job_.rate);
    sent_.push_back({.number = ++number_, .batch = next_batch()});
    on_the_way_ += cost(sent_.back());
    ++tally_.published;
    send_batch(sent_.back(), now);
    if (!has_room()) ++tally_.window_full;
}

std::vector<std::byte> Gateway::next_batch() {
    return test::sample_batch({{payload_}}, {.producer = producer_,
                                             .sequence = number_,
                                             .channel_sequence = number_,
                                             .created_micros = wall_micros(),
                                             .channel = channel_,
                                             .part = {}});
}

}  // namespace bus::bench
