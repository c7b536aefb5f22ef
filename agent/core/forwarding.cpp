#include "core/forwarding.h"

#include <algorithm>
#include <optional>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

namespace {

constexpr std::string_view forwarded_mark = "x-dead-channel";

std::vector<std::byte> headers_of(const wire::MessageView& message, const DeadLetter& letter) {
    std::vector<std::byte> headers(message.headers.begin(), message.headers.end());
    const auto add = [&](std::string_view key, std::string_view value) {
        wire::append_header(headers, key, value);
    };
    add("x-dead-reason", letter.reason);
    add(forwarded_mark, letter.channel.name);
    add("x-dead-id", to_text(letter.producer) + "/" + std::to_string(message.sequence));
    add("x-dead-time", std::to_string(letter.buried_wall_micros / 1'000));
    add("x-dead-attempts", std::to_string(letter.attempts));
    return headers;
}

// The same message under another number, with more headers. nullopt: it may not, or there is no
// room for them.
std::optional<std::vector<std::byte>> message_of(const wire::MessageView& message,
                                                 const DeadLetter& letter, std::uint64_t sequence) {
    if (wire::find_header(message.headers, forwarded_mark)) return std::nullopt;
    const auto headers = headers_of(message, letter);
    const std::size_t size = headers.size() + message.payload.size();
    if (headers.size() > wire::message_headers_bytes_max || size > wire::message_bytes_in_batch_max)
        return std::nullopt;
    std::vector<std::byte> encoded(wire::message_overhead + size);
    wire::encode_message(encoded.data(), sequence, headers, message.payload);
    return encoded;
}

Batch batch_of(wire::BatchHeader header, const std::vector<std::byte>& body) {
    header.body_length = static_cast<std::uint32_t>(body.size());
    std::vector<std::byte> bytes(wire::encoded_header_length(header));
    wire::encode_header(header, bytes.data());
    bytes.insert(bytes.end(), body.begin(), body.end());
    auto batch = OwnedBatch::make(std::move(bytes));
    BUS_ASSERT(batch.has_value());
    return *batch;
}

}  // namespace

// ---- Where to, and as what
// -----------------------------------------------------------------------

bool Forwarding::replace(const std::vector<ChannelSettings>& settings) {
    std::vector<ChannelFilter> channels;
    std::vector<std::string> queues;
    for (const ChannelSettings& one : settings) {
        if (!one.dead_letter_to) continue;
        channels.push_back(one.channels);
        queues.push_back(*one.dead_letter_to);
    }
    if (channels == channels_ && queues == queues_) return false;
    channels_ = std::move(channels);
    queues_ = std::move(queues);
    return true;
}

std::vector<Batch> Forwarding::messages_of(const DeadLetter& letter, const std::string& queue,
                                           std::uint64_t wall_micros) {
    if (!letter.batch || letter.part) return {};
    const auto last = channel_sequences_.find({queue, letter.lane});
    wire::BatchHeader header{
        .kind = wire::Kind::queue,
        .lane = letter.lane,
        .producer = producer_,
        .sequence = sequence_ + 1,
        .channel_sequence = (last == channel_sequences_.end() ? 0 : last->second) + 1,
        .created_micros = wall_micros,
        .channel = queue};
    std::vector<Batch> batches;
    std::vector<std::byte> body;
    const auto close = [&] {
        batches.push_back(batch_of(header, body));
        body.clear();
        header.sequence += header.message_count;
        header.channel_sequence += std::exchange(header.message_count, 0);
    };
    wire::MessageWalk walk{letter.batch.body(), letter.sequence,
                           wire::MessageWalk::Check::checksum};
    while (const auto message = walk.next()) {
        const auto next = message->intact
                              ? message_of(*message, letter, header.sequence + header.message_count)
                              : std::nullopt;
        if (!next) return {};
        if (body.size() + next->size() <= wire::batch_body_bytes_max) {
            body.insert(body.end(), next->begin(), next->end());
        } else {
            close();
            const auto again = message_of(*message, letter, header.sequence);
            body = *again;
        }
        ++header.message_count;
    }
    close();
    sequence_ = header.sequence - 1;
    channel_sequences_[{queue, letter.lane}] = header.channel_sequence - 1;
    return batches;
}

// ---- When --------------------------------------------------------------------------------------

// Those that lie there already go as well.
void State::apply_forwarding() {
    if (!forwarding.replace(settings.channels)) return;
    forwarding.through = {};
    forwarding.blocked = false;
    forwarding.wants_look = forwarding.is_wanted() && keeper.space().dead_letters > 0;
}

void State::look_for_new_dead_letters() {
    if (forwarding.is_wanted() && !forwarding.blocked &&
        keeper.space().last_dead_letter > forwarding.through)
        forwarding.wants_look = true;
}

void State::retry_forwarding() {
    if (std::exchange(forwarding.blocked, false)) forwarding.wants_look = forwarding.is_wanted();
}

void State::look_for_what_goes_on() {
    if (forwarding.looking || !std::exchange(forwarding.wants_look, false)) return;
    forwarding.looking = true;
    dead_letters.ask({.act = DeadLetterRequest::Act::forward,
                      .find = {.filter = {.channels = forwarding.channels(),
                                          .after = forwarding.through,
                                          .through = keeper.space().last_dead_letter},
                               .letters_max = limits::dead_letters_page,
                               .bytes_max = limits::dead_letters_page_bytes,
                               .with_batches = true}});
}

void State::forward_found(const DeadLettersFound& found) {
    forwarding.looking = false;
    for (const DeadLetter& letter : found.letters) {
        const std::string to =
            keeper.policies.of(letter.channel.kind, letter.channel.name).dead_letter_to;
        if (!to.empty() && !dead_letters.is_leaving(letter.id)) {
            const Group& target = queue(to);
            if (keeper.full() || target.queued_bytes() >= bytes_max(target.id())) {
                forwarding.blocked = true;
                return;
            }
            forward(letter, to);
        }
        forwarding.through = letter.id;
    }
    if (found.last) forwarding.through = std::max(forwarding.through, found.request.filter.through);
    forwarding.wants_look =
        forwarding.is_wanted() &&
        (!found.last || keeper.space().last_dead_letter > found.request.filter.through);
}

// A copy that an earlier start handed out and did not write down may have been consumed.
void State::forward(const DeadLetter& letter, const std::string& queue_name) {
    const auto batches = forwarding.messages_of(letter, queue_name, keeper.wall_micros(now));
    if (batches.empty()) return;
    Group& to = queue(queue_name);
    const bool again = dead_letters.is_of_earlier_start(letter.id);
    const std::uint8_t flags =
        again ? entry_flag::resent | entry_flag::redelivered : std::uint8_t{0};
    std::vector<std::shared_ptr<Custody>> copies;
    for (const Batch& batch : batches) {
        auto custody = keeper.take(batch, {{{to.id(), letter.lane}, flags}}, never, {}, 0, false);
        if (batches.size() == 1) custody->dead_letter = letter.id;
        keeper.want(custody, now);
        to.offer(Entry{custody, 0});
        copies.push_back(std::move(custody));
    }
    touch(to);
    dead_letters.leave(letter.id, std::move(copies));
}

}  // namespace bus::core
