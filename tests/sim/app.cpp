#include "app.h"

#include <fmt/format.h>

#include <algorithm>

namespace bus::sim {

// So that the parts of a message wait for each other.
constexpr std::uint64_t part_bytes_ahead = 60'000;

using namespace std::chrono_literals;

PlaceId Places::enter(int host, const WantedSubscription& wanted, const std::string& own_name) {
    if (wanted.kind == wire::Kind::queue) return book_.queue(wanted.filter);
    if (!wanted.group.empty()) return book_.group(wanted.group, wanted.filter);
    if (wanted.durable.empty())
        return book_.add({.type = Place::Type::anonymous,
                          .host = host,
                          .name = own_name,
                          .filter = wanted.filter});
    const auto [at, fresh] = durables_.try_emplace({host, wanted.durable}, 0);
    if (fresh)
        at->second = book_.add({.type = Place::Type::durable,
                                .host = host,
                                .name = wanted.durable,
                                .filter = wanted.filter});
    return at->second;
}

App::App(const Surroundings& around, int index, std::uint64_t instance, Host& host,
         const Habits& habits)
    : around_(around), index_(index), instance_(instance), host_(host), habits_(habits) {
    session::ProducerSession::Options options;
    options.producer = ProducerId{{around_.random.next() | 1, instance}};
    options.batch_messages_max = static_cast<std::uint32_t>(around_.random.between(0, 4));
    producer_ = std::make_unique<session::ProducerSession>(options, pool_);
    for (const auto& wanted : habits_.subscriptions) {
        const auto id = consumer_.subscribe(
            {.kind = wanted.kind,
             .filter = wanted.filter,
             .durable = wanted.durable,
             .group = wanted.group,
             .prefetch_messages = wanted.prefetch_messages,
             .prefetch_bytes =
                 wanted.parts ? part_bytes_ahead : wire::Subscribe::prefetch_bytes_default,
             .ack_deadline_millis = wanted.ack_deadline_millis,
             .rate = wanted.rate,
             .parts = wanted.parts,
             .last = wanted.last});
        const auto own_name = fmt::format("{}.{}", to_text(producer_->producer()), id);
        subscribers_[id] = {
            .place = around_.places.enter(host_.index(), wanted, own_name),
            .wanted = wanted,
            .unpacker = std::make_unique<session::Unpacker>(session::Unpacker::Terms{
                .in_parts = wanted.parts, .shared = !wanted.group.empty()}),
            .joiner = std::make_unique<session::Unpacker>(),
            .marked = {}};
        places_[id] = subscribers_[id].place;
    }
    for (const auto& service : habits_.serves)
        serving_.insert(consumer_.subscribe({.kind = wire::Kind::service,
                                             .filter = service,
                                             .durable = {},
                                             .group = {},
                                             .prefetch_messages = habits_.serve_prefetch}));
    lost_since_ = around_.timeline.now();
    if (habits_.ask_every > Duration{0}) plan_asking();
    if (!habits_.publishes) return;
    if (habits_.publish_after > Duration{0})
        later(habits_.publish_after, [this] { plan_publishing(); });
    else
        plan_publishing();
}

App::~App() { *living_ = false; }

PlaceId App::place_of(std::uint64_t subscription) const { return places_.at(subscription); }

// ---- The connection -------------------------------------------------------------

void App::connect() {
    if (attachment_ && attachment_->alive) return;
    if (!host_.is_up()) return later(around_.random.between(50ms, 500ms), [this] { connect(); });
    attachment_ = std::make_shared<Attachment>();
    attachment_->app = this;
    host_.on_attached(attachment_);
    hello();
}

void App::hello() {
    welcome_ = false;
    const auto text = wire::encode_command(producer_->hello(fmt::format("app{}", index_)));
    const auto bytes = as_bytes(text);
    send({bytes.begin(), bytes.end()});
}

void App::send(Frame frame) {
    if (!attachment_ || !attachment_->alive) return;
    auto& last = attachment_->last_to_host;
    last = std::max(last, around_.timeline.now() + around_.random.between(Duration{10us}, 100us));
    around_.timeline.at(last, [to = attachment_, &host = host_, frame = std::move(frame)] {
        if (to->alive) host.on_app_frame(to, frame);
    });
}

void App::lose_connection() {
    producer_->on_disconnected();
    consumer_.on_disconnected();
    for (auto& [id, subscriber] : subscribers_) {
        subscriber.unpacker->reset();
        subscriber.joiner->reset();
        subscriber.at_work = 0;
    }
    if (welcome_) lost_since_ = around_.timeline.now();
    welcome_ = false;
}

void App::disconnect(Duration app_notices, Duration host_notices) {
    if (!attachment_ || !std::exchange(attachment_->alive, false)) return;
    around_.timeline.after(host_notices,
                           [gone = attachment_, &host = host_] { host.on_app_gone(gone); });
    later(app_notices, [this] {
        lose_connection();
        connect();
    });
}

void App::on_host_died() {
    later(around_.random.between(0ms, 300ms), [this] {
        lose_connection();
        connect();
    });
}

void App::die(Duration host_notices) {
    *living_ = false;
    for (const auto place : anonymous_places()) around_.oracle.on_place_ended(place);
    if (large_) around_.oracle.on_withdrawn(large_->id);
    if (!attachment_ || !std::exchange(attachment_->alive, false)) return;
    around_.timeline.after(host_notices,
                           [gone = attachment_, &host = host_] { host.on_app_gone(gone); });
}

// ---- What goes out ------------------------------------------------------------------

void App::pump() {
    const Time now = around_.timeline.now();
    producer_->advance(now);
    consumer_.advance(now);
    if (welcome_) {
        if (now >= acks_again_)
            for (auto& acks : consumer_.take_acks()) send(std::move(acks));
        if (now >= may_subscribe_) {
            for (const auto& command : consumer_.take_commands()) {
                const auto text = wire::encode_command(command);
                const auto bytes = as_bytes(text);
                send({bytes.begin(), bytes.end()});
            }
        }
        while (const auto frame = producer_->take(now))
            send({frame->bytes().begin(), frame->bytes().end()});
    }
    settle();
    plan_pump(std::min(producer_->next_deadline(), consumer_.next_deadline()));
    if (now < may_subscribe_) plan_pump(may_subscribe_);
    if (now < acks_again_) plan_pump(acks_again_);
}

void App::plan_pump(Time when) {
    const Time now = around_.timeline.now();
    if (pump_planned_ <= now) pump_planned_ = never;
    if (when == never || when >= pump_planned_) return;
    pump_planned_ = std::max(when, now + Duration{1us});
    around_.timeline.at(pump_planned_, [living = living_, this] {
        if (*living) pump();
    });
}

void App::settle() {
    for (const auto& settled : producer_->take_settled())
        around_.oracle.on_settled(static_cast<MessageId>(settled.receipt - 1), settled);
    (void)producer_->take_undelivered();
}

// ---- What comes in ---------------------------------------------------------------------

void App::on_frame(const Frame& frame) {
    if (frame[0] == std::byte{'{'}) {
        on_reply(frame);
    } else if (frame[0] == std::byte{static_cast<std::uint8_t>(wire::FrameType::receipts)}) {
        const auto receipts = wire::decode_receipts(frame);
        BUS_ASSERT(receipts.has_value());
        producer_->on_receipts(*receipts);
    } else {
        on_delivery(frame);
    }
    pump();
}

void App::on_reply(const Frame& frame) {
    const auto reply = wire::decode_reply(as_text(frame));
    BUS_ASSERT(reply.has_value());
    if (const auto* welcome = std::get_if<wire::Welcome>(&*reply)) return on_welcome(*welcome);
    if (const auto* subscribed = std::get_if<wire::Subscribed>(&*reply)) {
        consumer_.on_subscribed(*subscribed);
        const auto found = subscribers_.find(subscribed->id);
        if (found == subscribers_.end()) return;
        found->second.confirmed = true;
        around_.oracle.on_subscribed(found->second.place, host_.index());
    } else if (const auto* ended = std::get_if<wire::Unsubscribed>(&*reply)) {
        consumer_.on_unsubscribed(*ended);
        forgetting_.erase(ended->id);
    } else if (const auto* failed = std::get_if<wire::Failed>(&*reply)) {
        (void)consumer_.on_failed(*failed, around_.timeline.now());
        if (ending_.contains(failed->id)) forgetting_.erase(failed->id);
    } else if (const auto* refused = std::get_if<wire::Refused>(&*reply)) {
        producer_->on_refused(*refused);
    } else if (const auto* hold = std::get_if<wire::Hold>(&*reply)) {
        producer_->on_hold(hold->channels);
    } else if (const auto* resume = std::get_if<wire::Resume>(&*reply)) {
        producer_->on_resume(resume->channels);
    } else if (const auto* window = std::get_if<wire::Window>(&*reply)) {
        producer_->on_window(*window);
    } else if (const auto* gap = std::get_if<wire::Gap>(&*reply)) {
        around_.oracle.on_told_gap(place_of(gap->id), *gap);
    } else if (std::holds_alternative<wire::Reset>(*reply)) {
        lose_connection();
        hello();
    }
}

void App::on_welcome(const wire::Welcome& welcome) {
    welcome_ = true;
    agent_ = welcome.agent;
    producer_->on_welcome(welcome, around_.timeline.now());
    consumer_.on_welcome();
    may_subscribe_ =
        around_.timeline.now() + around_.random.between(Duration{0}, habits_.slow_to_subscribe);
}

void App::on_delivery(const Frame& frame) {
    const auto decoded = wire::decode_envelope(frame);
    BUS_ASSERT(decoded.has_value());
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    BUS_ASSERT(header.has_value());
    const std::uint64_t whose = decoded->envelope.consumer;
    if (whose == 0) return on_answers(*decoded, *header);
    if (serving_.contains(whose)) return on_questions(*decoded, *header);
    const auto found = subscribers_.find(whose);
    if (found == subscribers_.end()) return;
    if (decoded->envelope.retained()) return on_last_value(found->first, frame);
    if (found->second.wanted.parts && header->part)
        return on_part(found->first, frame, decoded->envelope, *header);
    const std::uint64_t consumer = consumer_number(found->first);
    around_.oracle.on_passed(found->second.place, consumer, *header, decoded->envelope);
    auto& unpacker = *found->second.unpacker;
    BUS_ASSERT(unpacker.begin(frame));
    while (const auto received = unpacker.next()) {
        around_.oracle.on_told_missed(consumer, *header, received->missed);
        on_received(found->first, *received, header->guaranteed());
    }
    for (const auto& ruling : unpacker.take_rulings())
        (void)consumer_.rule(consumer_.epoch(), ruling);
}

// Nothing was promised about it: it is judged by itself.
void App::on_last_value(std::uint64_t subscription, const Frame& frame) {
    auto& unpacker = *subscribers_.at(subscription).unpacker;
    BUS_ASSERT(unpacker.begin(frame));
    while (const auto received = unpacker.next()) {
        around_.oracle.last_values.on_given(consumer_number(subscription), *received);
        (void)consumer_.rule(consumer_.epoch(), {received->tag, received->index, 1});
    }
    for (const auto& ruling : unpacker.take_rulings())
        (void)consumer_.rule(consumer_.epoch(), ruling);
    pump();
}

// With its first part all of a message has its turn: other messages may come before the others.
void App::on_part(std::uint64_t subscription, const Frame& frame, const wire::Envelope& envelope,
                  const wire::BatchHeader& header) {
    Subscriber& subscriber = subscribers_.at(subscription);
    const std::uint64_t consumer = consumer_number(subscription);
    const bool is_abort = (header.flags & wire::batch_flag::abort) != 0;
    const std::pair key{header.producer, header.part->first_sequence};
    if (is_abort || header.part->index == 0) {
        around_.oracle.on_begun_or_ended(subscriber.place, consumer, header);
        BUS_ASSERT(subscriber.unpacker->begin(frame));
        while (const auto first = subscriber.unpacker->next()) {
            around_.oracle.on_told_missed(consumer, header, first->missed);
            around_.oracle.on_begun(subscriber.place, consumer, *first);
            if (first->redelivered) subscriber.marked.insert(key);
        }
        (void)subscriber.unpacker->take_rulings();
    }
    BUS_ASSERT(subscriber.joiner->begin(frame));
    while (auto received = subscriber.joiner->next()) {
        received->redelivered = received->redelivered || subscriber.marked.contains(key);
        on_received(subscription, *received, header.guaranteed());
    }
    for (const auto& ruling : subscriber.joiner->take_rulings())
        (void)consumer_.rule(consumer_.epoch(), ruling);
    if (header.guaranteed() && !is_abort && header.part->index + 1 < header.part->total)
        read_part(envelope);
}

// Now and then it does not want the message any more, in the middle of it.
void App::read_part(const wire::Envelope& envelope) {
    wire::Ack ack{.tag = envelope.number, .first = envelope.first, .count = 1};
    if (nacks_ && around_.random.per_mille(habits_.nack_per_mille))
        ack.verdict = wire::Verdict::nack;
    ++unruled_;
    later(around_.random.between(Duration{0}, habits_.work_max),
          [this, epoch = consumer_.epoch(), ack] { rule(epoch, 0, {ack}); });
}

void App::on_received(std::uint64_t subscription, const session::Received& received,
                      bool guaranteed) {
    const bool has_begun = received.joined && subscribers_.at(subscription).wanted.parts;
    if (subscribers_.at(subscription).wanted.last)
        around_.oracle.last_values.on_live(consumer_number(subscription), received);
    around_.oracle.on_delivered(subscribers_.at(subscription).place, consumer_number(subscription),
                                received, !has_begun);
    if (received.tag == 0) return;  // best effort
    std::vector<wire::Ack> acks;
    if (received.joined)
        for (const auto& piece : received.joined->pieces)
            acks.push_back({piece.tag, piece.index, 1});
    if (received.joined && subscribers_.at(subscription).wanted.parts)
        acks.erase(acks.begin(), acks.end() - 1);  // the others it has
    if (!received.joined) acks.push_back({received.tag, received.index, 1});
    if (nacks_ && around_.random.per_mille(habits_.nack_per_mille)) {
        const auto delay = static_cast<std::uint32_t>(around_.random.between(0, 50));
        for (auto& ack : acks) {
            ack.verdict = wire::Verdict::nack;
            ack.delay_millis = delay;
        }
    } else if (!subscribers_.at(subscription).wanted.parts &&
               around_.random.per_mille(habits_.through_per_mille)) {
        acks.front() = acks.back();
        acks.resize(1);
        acks.front().through = true;
    } else if (around_.random.per_mille(habits_.extend_per_mille)) {
        acks.insert(acks.begin(), acks.back());
        acks.front().verdict = wire::Verdict::extend;
    }
    ++unruled_;
    // A large message was begun while there was room, and best effort comes in whole batches: these
    // may be beyond the prefetch.
    const std::uint64_t counted = guaranteed && !received.joined ? subscription : 0;
    if (counted > 0) begin_work(subscribers_.at(subscription));
    later(around_.random.between(Duration{0}, habits_.work_max),
          [this, epoch = consumer_.epoch(), counted, acks = std::move(acks),
           place = subscribers_.at(subscription).place, id = Book::payload_id(received.payload)] {
              if (id) around_.oracle.on_ruled(place, *id);
              rule(epoch, counted, acks);
          });
}

void App::begin_work(Subscriber& subscriber) {
    if (++subscriber.at_work <= subscriber.wanted.prefetch_messages) return;
    // What it has acknowledged by another, or was taken back from it, it may still be at.
    if (habits_.through_per_mille > 0 || subscriber.wanted.ack_deadline_millis > 0) return;
    if (around_.oracle.book.place(subscriber.place).kept_at >= 0)
        return;  // its home was out of reach
    throw Broken(
        "G6 bounded: no more than the prefetch",
        fmt::format("app {} has {} messages at work of {}, and asked for {}", index_,
                    subscriber.at_work, describe(around_.oracle.book.place(subscriber.place)),
                    subscriber.wanted.prefetch_messages));
}

// `subscription`: whose room the message took; 0: nobody's.
void App::rule(std::uint64_t epoch, std::uint64_t subscription,
               const std::vector<wire::Ack>& acks) {
    --unruled_;
    const auto found = subscribers_.find(subscription);
    if (found != subscribers_.end() && epoch == consumer_.epoch()) --found->second.at_work;
    for (const auto& ack : acks) (void)consumer_.rule(epoch, ack);
    pump();
}

// ---- Publishing -----------------------------------------------------------------------

session::Stamp App::stamp() const { return {around_.timeline.now(), host_.wall_micros()}; }

std::uint64_t& App::order_of(const wire::ChannelKey& channel, wire::Lane lane) {
    return orders_[{channel, lane}];
}

void App::plan_publishing() {
    later(around_.random.between(Duration{0}, 2 * every_), [this] {
        if (!publishing_) return;
        publish_some();
        plan_publishing();
    });
}

void App::publish_some() {
    auto& random = around_.random;
    const auto count = random.between(1, habits_.burst_max);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto& channel = random.pick(habits_.channels);
        if (random.per_mille(habits_.large_per_mille) && !large_ &&
            !around_.oracle.last_values.retains(channel.kind, channel.name)) {
            publish_large(channel);
            continue;
        }
        const auto lane = random.per_mille(habits_.other_lane_per_mille)
                              ? static_cast<wire::Lane>(random.between(0, 2))
                              : wire::Lane::normal;
        const auto mode = random.per_mille(habits_.best_effort_per_mille) ? wire::Mode::best_effort
                                                                          : wire::Mode::guaranteed;
        auto stage =
            random.per_mille(habits_.arrived_per_mille) ? wire::Stage::arrived : wire::Stage::safe;
        if (stage == wire::Stage::arrived && random.per_mille(habits_.consumed_per_mille))
            stage = wire::Stage::consumed;
        const std::uint64_t ttl =
            random.per_mille(habits_.expiring_per_mille) ? random.between(1, 2000) : 0;
        const auto bytes = static_cast<std::uint32_t>(
            random.between(Book::payload_bytes_min, habits_.payload_max));
        if (random.per_mille(habits_.delayed_per_mille)) {
            if (!publish(channel, bytes, wire::Stage::safe, lane, wire::Mode::guaranteed, 0,
                         random.between(1, 20'000)))
                break;
            continue;
        }
        if (!publish(channel, bytes, stage, lane, mode, ttl)) break;
    }
}

bool App::publish(const wire::ChannelKey& channel, std::uint32_t bytes, wire::Stage stage,
                  wire::Lane lane, wire::Mode mode, std::uint64_t ttl_millis,
                  std::uint64_t delay_millis) {
    Message message{.app = index_, .host = host_.index(), .channel = channel, .lane = lane};
    message.guaranteed = mode == wire::Mode::guaranteed;
    if (ttl_millis > 0)
        message.expires_at = around_.timeline.now() + std::chrono::milliseconds{ttl_millis};
    message.stage = stage;
    message.payload_bytes = bytes;
    message.producer = producer_->producer();
    if (delay_millis > 0)
        message.due_at = around_.timeline.now() + std::chrono::milliseconds{delay_millis};
    message.order = order_of(channel, lane) + 1;
    const auto id = static_cast<MessageId>(around_.oracle.book.messages().size());
    const auto payload = Book::payload(id, bytes);
    session::Outgoing outgoing{.kind = channel.kind, .channel = channel.name, .mode = mode};
    outgoing.lane = lane;
    outgoing.ttl_millis = ttl_millis;
    outgoing.delay_millis = delay_millis;
    outgoing.payload = payload;
    std::vector<std::byte> headers;
    if (habits_.keyed_per_mille > 0 && channel.kind == wire::Kind::queue &&
        id % 1'000 < habits_.keyed_per_mille) {
        message.key = fmt::format("k{}", id % 7);
        wire::append_header(headers, "key", message.key);
        outgoing.headers = headers;
    }
    outgoing.receipt = message.guaranteed ? id + 1 : 0;
    outgoing.stage = stage;
    const auto offer = producer_->offer(outgoing, stamp());
    if (offer == session::Offer::taken) {
        if (delay_millis == 0) ++order_of(channel, lane);
        (void)around_.oracle.book.add(std::move(message));
    }
    pump();
    return offer == session::Offer::taken;
}

void App::publish_large(const wire::ChannelKey& channel) {
    Message message{.app = index_, .host = host_.index(), .channel = channel};
    message.large = true;
    message.producer = producer_->producer();
    message.payload_bytes = static_cast<std::uint32_t>(
        around_.random.between(wire::message_bytes_in_batch_max + 1, 200'000));
    message.order = ++order_of(channel, message.lane);
    large_.emplace();
    large_->channel = channel.name;
    large_->id = static_cast<MessageId>(around_.oracle.book.messages().size());
    large_->payload = Book::payload(large_->id, message.payload_bytes);
    session::Outgoing outgoing{.kind = channel.kind, .channel = large_->channel};
    outgoing.payload = large_->payload;
    outgoing.receipt = large_->id + 1;
    large_->message = *session::ProducerSession::cut(outgoing);
    message.parts = large_->message.parts;
    (void)around_.oracle.book.add(std::move(message));
    offer_parts();
}

void App::offer_parts() {
    if (!large_) return;
    if (around_.random.percent(3)) {
        producer_->abandon(large_->message, stamp());
        around_.oracle.on_withdrawn(large_->id);
        large_.reset();
        return pump();
    }
    (void)producer_->offer_part(large_->message, stamp());
    if (large_->message.finished())
        large_.reset();
    else
        later(around_.random.between(0ms, 5ms), [this] { offer_parts(); });
    pump();
}

bool App::forget_one() {
    for (auto& [id, subscriber] : subscribers_) {
        if (subscriber.wanted.durable.empty() || !subscriber.confirmed) continue;
        around_.oracle.on_place_ended(subscriber.place);
        around_.places.forget(host_.index(), subscriber.wanted.durable);
        consumer_.unsubscribe(id, true);
        forgetting_.insert(id);
        subscribers_.erase(id);
        pump();
        return true;
    }
    return false;
}

bool App::lose_one(Operators& operators) {
    const auto found =
        std::find_if(subscribers_.begin(), subscribers_.end(), [](const auto& entry) {
            return !entry.second.wanted.durable.empty() && entry.second.confirmed;
        });
    if (found == subscribers_.end()) return false;
    const auto& [id, subscriber] = *found;
    around_.oracle.on_place_ended(subscriber.place);
    around_.places.forget(host_.index(), subscriber.wanted.durable);
    forgetting_.insert(id);
    operators.order(
        host_, {.what = core::SubscriptionOrder::What::remove, .name = subscriber.wanted.durable},
        {}, [this, living = living_, ended = id] {
            if (*living) end_removed(ended);
        });
    subscribers_.erase(found);
    return true;
}

// Away when it was removed, it has not heard of that, and has asked for it anew, or will.
void App::end_removed(std::uint64_t subscription) {
    if (consumer_.standing(subscription) == session::ConsumerSession::Standing::refused) {
        forgetting_.erase(subscription);
        return;
    }
    ending_.insert(subscription);
    consumer_.unsubscribe(subscription, true);
    pump();
}

std::vector<std::pair<std::string, PlaceId>> App::durables() const {
    std::vector<std::pair<std::string, PlaceId>> found;
    for (const auto& [id, subscriber] : subscribers_)
        if (!subscriber.wanted.durable.empty() && subscriber.confirmed)
            found.emplace_back(subscriber.wanted.durable, subscriber.place);
    return found;
}

// ---- What is so -------------------------------------------------------------------------

bool App::is_subscribed() const {
    const auto stands = [&](std::uint64_t id) {
        return consumer_.standing(id) == session::ConsumerSession::Standing::standing;
    };
    return welcome_ && std::all_of(serving_.begin(), serving_.end(), stands) &&
           std::all_of(subscribers_.begin(), subscribers_.end(),
                       [&](const auto& entry) { return stands(entry.first); });
}

bool App::is_idle() const {
    return producer_->unsafe_messages() == 0 && producer_->outbox_bytes() == 0 &&
           producer_->awaiting_arrival().empty() && !large_ && unruled_ == 0 && forgetting_.empty();
}

std::vector<PlaceId> App::anonymous_places() const {
    std::vector<PlaceId> places;
    for (const auto& [id, subscriber] : subscribers_)
        if (subscriber.wanted.kind == wire::Kind::topic && subscriber.wanted.durable.empty() &&
            subscriber.wanted.group.empty())
            places.push_back(subscriber.place);
    return places;
}

}  // namespace bus::sim
