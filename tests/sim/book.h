// The model against which a run is judged: every message that was published,
// the destinations its sender's agent knew when it took it, where it went and
// what was said of it. The book only records; oracle.h judges.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "wire/batch.h"
#include "wire/local.h"
#include "wire/names.h"

namespace bus::sim {

using MessageId = std::uint32_t;
using PlaceId = std::uint32_t;

// A destination as a user sees it: a subscription, or a queue, which is one wherever it is
// consumed. A group's name is its address.
struct Place {
    // group: a subscription group, which is one wherever it is consumed, as a queue is.
    enum class Type { queue, durable, anonymous, group };
    Type type = Type::queue;
    int host = -1;  // of a subscription
    std::string name;
    std::string filter;
    bool stands = false;          // its own agent has confirmed it
    bool lost = false;            // a crash took it along; its app may make it anew
    Time certain_from{};          // what other agents know of it, after that
    bool ended = false;           // for good: unsubscribed, or its app is gone
    bool paused = false;          // by an operator
    std::set<int> declared = {};  // of a group: the hosts that have confirmed it
    int kept_at = -1;             // of a queue with a home
    // What is there for others ends with that host.
    bool is_of(int some_host) const {
        return host == some_host || kept_at == some_host || declared.contains(some_host);
    }
    bool is_shared() const { return type == Type::queue || type == Type::group; }
    std::string_view group() const {
        return type == Type::group ? std::string_view{name} : std::string_view{};
    }
};

struct Message {
    int app = -1;
    int host = -1;
    wire::ChannelKey channel;
    wire::Lane lane = wire::Lane::normal;
    bool guaranteed = true;
    Time expires_at = never;  // its lifetime counts from when it was published
    Time due_at{};            // not to be handed out before
    bool is_delayed() const { return due_at != Time{}; }
    bool large = false;
    std::string key;          // its header; empty: none
    std::uint64_t order = 0;  // among those of its producer, channel and lane
    std::uint32_t payload_bytes = 0;
    wire::Stage stage = wire::Stage::safe;

    std::uint32_t parts = 1;
    std::uint32_t parts_promised = 0;
    bool taken = false;      // by its agent
    bool promised = false;   // its app holds a receipt
    bool arrived = false;    // one of stage arrived
    bool withdrawn = false;  // refused, expired, abandoned, unknown: nobody promised anything
    ProducerId producer;
    std::uint64_t sequence = 0;  // of its first batch's place in it; 0: not seen yet
    std::uint32_t died = 0;      // so often at most, anywhere
    std::uint32_t went_on = 0;   // unmarked, as a dead letter in the queue of those
    bool has_gone_on = false;    // it came there
    bool purged = false;         // as a dead letter

    struct At {
        std::uint32_t unmarked = 0, marked = 0;
        std::set<std::uint32_t> acked_parts;
        std::string excuse;    // why it need not arrive; empty: it must
        bool is_gone = false;  // it waited too long somewhere: decided, and an excuse when durable
        bool is_dead = false;  // that is its excuse
        void excuse_by(const std::string& why) {
            excuse = why;
            is_dead = false;
        }
    };
    std::map<PlaceId, At> owed;       // what its agent knew when it took it
    std::map<PlaceId, At> elsewhere;  // deliveries to others
    At& at(PlaceId place) {
        const auto found = owed.find(place);
        return found != owed.end() ? found->second : elsewhere[place];
    }
    bool has_come_to(PlaceId place) const {
        for (const auto* some : {&owed, &elsewhere})
            if (const auto found = some->find(place); found != some->end())
                if (found->second.unmarked + found->second.marked > 0) return true;
        return false;
    }
    bool acked(PlaceId place) const {
        const auto found = owed.find(place);
        return found != owed.end() && found->second.acked_parts.size() == parts;
    }
};

bool wants(const Place& place, const Message& message);

// For people.
std::string describe(const Message& message);
std::string describe(const Place& place);

// Messages of one batch: sequences [first, first + count) of a producer.
struct Run {
    ProducerId producer;
    std::uint64_t first = 0;
    std::uint32_t count = 0;
};

class Book {
  public:
    MessageId add(Message message);
    Message& operator[](MessageId id) { return messages_.at(id); }
    const Message& operator[](MessageId id) const { return messages_.at(id); }
    std::vector<Message>& messages() { return messages_; }
    const std::vector<Message>& messages() const { return messages_; }

    PlaceId add(Place place);
    PlaceId queue(const std::string& name);
    PlaceId group(const std::string& name, const std::string& filter);
    Place& place(PlaceId id) { return places_.at(id); }
    const Place& place(PlaceId id) const { return places_.at(id); }
    std::vector<Place>& places() { return places_; }
    const std::vector<Place>& places() const { return places_; }

    // The messages in a whole batch; tells the book which sequences they are.
    std::vector<MessageId> read(const wire::BatchHeader& header, Bytes body);
    struct Unit {
        MessageId message;
        std::uint32_t part;
    };
    // nullopt: an ABORT.
    std::optional<Unit> unit(const ProducerId& producer, std::uint64_t sequence) const;

    // The message, or part of one, with that number among those of the batch's producer on its
    // channel and lane. nullopt: no agent has taken it, or it is an ABORT.
    std::optional<MessageId> in_channel(const wire::BatchHeader& of, std::uint64_t number) const;

    // The payload that carries `id`, and the id in a payload that is intact.
    static std::vector<std::byte> payload(MessageId id, std::uint32_t bytes);
    static std::optional<MessageId> payload_id(Bytes payload);
    static constexpr std::uint32_t payload_bytes_min = 8;

  private:
    std::vector<Message> messages_;
    std::vector<Place> places_;
    std::map<std::string, PlaceId> queues_;
    std::map<std::pair<ProducerId, std::uint64_t>, Unit> units_;
    using InChannel = std::tuple<ProducerId, wire::Kind, std::string, wire::Lane, std::uint64_t>;
    static InChannel place_in_channel(const wire::BatchHeader& of, std::uint64_t number) {
        return {of.producer, of.kind, std::string{of.channel}, of.lane, number};
    }
    std::map<InChannel, MessageId> in_channel_;
};

}  // namespace bus::sim
