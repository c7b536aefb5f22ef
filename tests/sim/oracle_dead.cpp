// What the oracle knows of dead letters: who is owed a message no more because
// it died, and that what died is not lost: it comes after all, goes on to
// another queue, or is where people find it.
#include <fmt/format.h>

#include <algorithm>

#include "oracle.h"
#include "plan.h"

namespace bus::sim {

using namespace core;

namespace {

// Those that waited too long, or came back too often: they are where people find them, and owed
// there no more.
bool is_due(const std::string& reason) {
    return reason.starts_with("it waited longer than ") ||
           reason.starts_with("not acknowledged in ") || reason == "expired";
}

}  // namespace

// What of it goes to the dead letters. Without its bytes it is in the journal.
Run Oracle::dead_of(int host, const Bury& buried) const {
    const auto& rows = hosts_.at(std::size_t(host))->durable().rows();
    const auto row = rows.find(buried.id);
    if (!buried.batch && row == rows.end()) return {};
    const auto& header = (buried.batch ? buried.batch : row->second.batch).header();
    return {header.producer, header.sequence + buried.first, buried.count};
}

template <class Visit>
void Oracle::for_each_dead(int host, DestinationId destination, const Run& dead, Visit visit) {
    const auto found = destinations_.find({host, destination});
    // Of an agent to which nothing was journaled yet nobody has told.
    const bool is_known = found != destinations_.end();
    const Destination to = is_known ? found->second : Destination{};
    const bool is_agent = to.type == Destination::Type::agent;
    for (std::uint32_t at = 0; at < dead.count; ++at) {
        const auto unit = book.unit(dead.producer, dead.first + at);
        if (!unit) continue;
        for (auto& [id, owed] : book[unit->message].owed) {
            const Place& place = book.place(id);
            const bool is_it =
                !is_known ||
                (is_agent ? place.host < 0 || place.host == host_of(to.agent)
                          : place.name == to.name && (place.host < 0 || place.host == host));
            if (is_it) visit(owed);
        }
    }
}

void Oracle::on_dead(int host, const Event& event) {
    const auto count = static_cast<std::uint32_t>(event.messages);
    const auto& header = event.batch.header();
    const Run dead{header.producer, header.sequence + event.batch.messages() - count, count};
    for_each_dead(host, event.destination, dead, [](Message::At& owed) { owed.is_gone = true; });
}

void Oracle::count_dead(const Run& dead) {
    for (std::uint32_t at = 0; at < dead.count; ++at)
        if (const auto unit = book.unit(dead.producer, dead.first + at)) ++book[unit->message].died;
}

// What the journal itself makes dead letters of.
void Oracle::count_dead(int host, DestinationId dropped) {
    for (const auto& [id, row] : hosts_.at(std::size_t(host))->durable().rows()) {
        const auto& header = row.batch.header();
        for (const StreamId& stream : row.owed_to)
            if (stream.to == dropped)
                count_dead({header.producer, header.sequence, header.message_count});
    }
}

// Nobody may hear whether that commit was made, and yet what it buried be found.
void Oracle::on_burying(int host, const Bury& buried) {
    const Run dead = dead_of(host, buried);
    count_dead(dead);
    if (!destinations_.contains({host, buried.stream.to})) return;
    // What was on its way to a consumer of a queue there, and whose it is nobody will know then.
    if (buried.reason.ends_with(" was removed"))
        for_each_dead(host, buried.stream.to, dead,
                      [&](Message::At& owed) { owed.excuse_by(buried.reason); });
    if (!is_due(buried.reason)) return;
    for_each_dead(host, buried.stream.to, dead, [](Message::At& owed) { owed.is_gone = true; });
}

void Oracle::on_buried(int host, const Bury& buried) {
    excuse_dead(host, buried.stream.to, dead_of(host, buried), buried.reason);
}

// A commit of which nobody heard may have buried it before a crash.
void Oracle::recall_dead(int host) {
    for (const auto& [id, letter] : hosts_.at(std::size_t(host))->durable().dead_letters())
        excuse_dead(host, letter.destination, {letter.producer, letter.sequence, letter.messages},
                    letter.reason);
}

void Oracle::excuse_dead(int host, DestinationId destination, const Run& dead,
                         const std::string& reason) {
    if (!is_due(reason) || !destinations_.contains({host, destination})) return;
    for_each_dead(host, destination, dead, [&](Message::At& owed) {
        owed.is_dead = owed.is_dead || owed.excuse.empty();
        owed.excuse = reason;
    });
}

// ---- What becomes of them ----------------------------------------------------------------------

void Oracle::on_purged(const DeadLetter& letter) {
    for (std::uint32_t at = 0; at < letter.messages; ++at)
        if (const auto unit = book.unit(letter.producer, letter.sequence + at))
            book[unit->message].purged = true;
}

void Oracle::on_went_on(const session::Received& received) {
    const auto id = Book::payload_id(received.payload);
    if (!id || *id >= book.messages().size()) throw Broken("G4 intact", "a payload is not as sent");
    Message& message = book[*id];
    const auto channel = wire::find_header(received.headers, "x-dead-channel");
    const auto name = wire::find_header(received.headers, "x-dead-id");
    if (!channel || *channel != message.channel.name || !name ||
        *name != fmt::format("{}/{}", to_text(message.producer), message.sequence))
        throw Broken("dead letters: told by their headers", describe(message));
    message.has_gone_on = true;
    if (!received.redelivered && ++message.went_on > message.died)
        throw Broken("G2 all deliveries but one are marked",
                     fmt::format("{} died {} times and went on more often", describe(message),
                                 message.died));
}

// It has another producer there, and its payload.
void Oracle::excuse_what_went_on(const Batch& batch, const std::string& why) {
    if (batch.header().channel != dead_queue()) return;
    wire::MessageWalk walk{batch.body(), batch.header().sequence, wire::MessageWalk::Check::form};
    while (const auto message = walk.next())
        if (const auto id = Book::payload_id(message->payload))
            for (auto& [place, at] : book[*id].owed) at.excuse_by(why);
}

bool Oracle::is_kept_dead(const Message& message) const {
    return std::any_of(hosts_.begin(), hosts_.end(), [&](const HostView* host) {
        const auto& letters = host->durable().dead_letters();
        return std::any_of(letters.begin(), letters.end(), [&](const auto& one) {
            const DeadLetter& letter = one.second;
            return letter.producer == message.producer && letter.sequence <= message.sequence &&
                   message.sequence < letter.sequence + letter.messages;
        });
    });
}

// A copy that died elsewhere may stand for this one; what was purged was purged by right.
void Oracle::check_dead() const {
    for (const auto& message : book.messages()) {
        if (message.purged || message.withdrawn || message.large || message.has_gone_on ||
            message.expires_at != never)
            continue;
        for (const auto& [id, at] : message.owed) {
            const Place& place = book.place(id);
            const bool came = at.unmarked + at.marked > 0;
            if (!at.is_dead || place.ended || came || is_kept_dead(message)) continue;
            throw Broken("dead letters: none is lost",
                         fmt::format("{} died on its way to {} ({}), and is not kept",
                                     describe(message), describe(place), at.excuse));
        }
    }
}

}  // namespace bus::sim
