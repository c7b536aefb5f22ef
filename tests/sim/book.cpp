#include "book.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace bus::sim {

bool wants(const Place& place, const Message& message) {
    if (place.type == Place::Type::queue)
        return message.channel.kind == wire::Kind::queue && place.name == message.channel.name;
    return message.channel.kind == wire::Kind::topic &&
           wire::matches(place.filter, message.channel.name);
}

std::string describe(const Message& message) {
    return fmt::format("message {}/{} of app {} at host {} on {} {}", to_text(message.producer),
                       message.sequence, message.app, message.host,
                       wire::to_text(message.channel.kind), message.channel.name);
}

std::string describe(const Place& place) {
    if (place.type == Place::Type::queue) return fmt::format("queue {}", place.name);
    if (place.type == Place::Type::group) return fmt::format("group {}", place.name);
    return fmt::format("{} subscription {} to {} at host {}",
                       place.type == Place::Type::durable ? "durable" : "anonymous", place.name,
                       place.filter, place.host);
}

MessageId Book::add(Message message) {
    messages_.push_back(std::move(message));
    return static_cast<MessageId>(messages_.size() - 1);
}

PlaceId Book::add(Place place) {
    places_.push_back(std::move(place));
    return static_cast<PlaceId>(places_.size() - 1);
}

PlaceId Book::queue(const std::string& name) {
    const auto [at, fresh] = queues_.try_emplace(name, 0);
    if (fresh) {
        at->second = add(Place{.type = Place::Type::queue, .name = name, .filter = name});
        place(at->second).stands = true;
    }
    return at->second;
}

PlaceId Book::group(const std::string& name, const std::string& filter) {
    const std::string address = wire::group_address(name, filter);
    const auto [at, fresh] = queues_.try_emplace(address, 0);
    if (fresh)
        at->second = add(Place{.type = Place::Type::group, .name = address, .filter = filter});
    return at->second;
}

std::vector<MessageId> Book::read(const wire::BatchHeader& header, Bytes body) {
    std::vector<MessageId> found;
    if ((header.flags & wire::batch_flag::abort) != 0) return found;
    if (header.part && header.part->index > 0) {
        const auto first = units_.find({header.producer, header.part->first_sequence});
        BUS_ASSERT(first != units_.end());
        const MessageId id = first->second.message;
        units_.try_emplace({header.producer, header.sequence}, Unit{id, header.part->index});
        in_channel_.try_emplace(place_in_channel(header, header.channel_sequence), id);
        found.push_back(id);
        return found;
    }
    wire::MessageWalk walk{body, header.sequence, wire::MessageWalk::Check::checksum};
    while (const auto view = walk.next()) {
        BUS_ASSERT(view->intact && view->payload.size() >= payload_bytes_min);
        const auto id = load<MessageId>(view->payload.data());
        BUS_ASSERT(id < messages_.size());
        units_.try_emplace({header.producer, view->sequence}, Unit{id, 0});
        if (!header.is_delayed())
            in_channel_.try_emplace(
                place_in_channel(header, header.channel_sequence + found.size()), id);
        messages_[id].producer = header.producer;
        messages_[id].sequence = view->sequence;
        found.push_back(id);
    }
    return found;
}

std::optional<Book::Unit> Book::unit(const ProducerId& producer, std::uint64_t sequence) const {
    const auto found = units_.find({producer, sequence});
    if (found == units_.end()) return std::nullopt;
    return found->second;
}

std::optional<MessageId> Book::in_channel(const wire::BatchHeader& of, std::uint64_t number) const {
    const auto found = in_channel_.find(place_in_channel(of, number));
    if (found == in_channel_.end()) return std::nullopt;
    return found->second;
}

namespace {

std::byte pattern(MessageId id, std::size_t at) {
    return static_cast<std::byte>((id * 2654435761u + at * 40503u) >> 8);
}

}  // namespace

std::vector<std::byte> Book::payload(MessageId id, std::uint32_t bytes) {
    BUS_ASSERT(bytes >= payload_bytes_min);
    std::vector<std::byte> out(bytes);
    store(out.data(), id);
    store(out.data() + 4, bytes);
    for (std::size_t at = payload_bytes_min; at < bytes; ++at) out[at] = pattern(id, at);
    return out;
}

std::optional<MessageId> Book::payload_id(Bytes payload) {
    if (payload.size() < payload_bytes_min) return std::nullopt;
    const auto id = load<MessageId>(payload.data());
    if (load<std::uint32_t>(payload.data() + 4) != payload.size()) return std::nullopt;
    for (std::size_t at = payload_bytes_min; at < payload.size(); ++at)
        if (payload[at] != pattern(id, at)) return std::nullopt;
    return id;
}

}  // namespace bus::sim
