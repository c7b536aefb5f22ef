// A dead letter: messages that could not be delivered, with where they were bound for, why it
// ended there, and their history. And how one asks the journal for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/channel_filter.h"
#include "core/destination.h"

namespace bus::core {

// Counts the dead letters of a journal; never used again.
using DeadLetterId = StrongInt<struct DeadLetterIdTag>;

struct DeadLetter {
    DeadLetterId id;
    // As far as it was known; it may have ended since.
    Destination::Type type = Destination::Type::queue;
    DestinationId destination;
    std::string name;
    AgentId agent;
    wire::Lane lane = wire::Lane::normal;
    wire::ChannelKey channel;
    ProducerId producer;
    std::uint64_t sequence = 0;  // of the first message
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;         // with headers
    std::optional<wire::Part> part;  // of a large message
    std::string group;               // that its copy was for, as its address
    bool has_rest = true;            // of it: all parts behind this one are dead letters there, too
    std::uint32_t attempts = 0;      // as Bury's
    std::uint64_t taken_wall_micros = 0, buried_wall_micros = 0;
    std::string reason;
    Batch batch;  // where asked for: of these messages alone. Empty: it is damaged

    // Both are parts of one large message that died there.
    bool is_of_same_message(const DeadLetter& other) const {
        return part && other.part && producer == other.producer &&
               part->first_sequence == other.part->first_sequence &&
               destination == other.destination && group == other.group;
    }
};

// What is meant of them: all conditions hold.
struct DeadLetterFilter {
    // None: any. One part of a large message stands for all of them.
    std::vector<DeadLetterId> ids = {};
    std::vector<ChannelFilter> channels = {};        // none: any
    std::string reason = {};                         // a piece of it, in letters large or small
    DeadLetterId after = {};                         // id > after
    DeadLetterId through = DeadLetterId{INT64_MAX};  // id <= through

    // But for the ids.
    bool covers(const DeadLetter& letter) const {
        const auto covers_it = [&](const ChannelFilter& one) {
            return one.covers(letter.channel.kind, letter.channel.name);
        };
        if (!channels.empty() && std::none_of(channels.begin(), channels.end(), covers_it))
            return false;
        const auto same = [](char a, char b) { return lower(a) == lower(b); };
        return std::search(letter.reason.begin(), letter.reason.end(), reason.begin(), reason.end(),
                           same) != letter.reason.end() ||
               reason.empty();
    }

  private:
    static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
};

struct FindDeadLetters {
    std::uint64_t number = 0;  // the asker's own, comes back with the answer
    DeadLetterFilter filter;
    // What comes back: one at least, if there is any.
    std::size_t letters_max = 0;
    std::uint64_t bytes_max = 0;
    bool with_batches = false;
    bool totals = false;  // no letters: how many there are of each channel, destination and reason
};

struct DeadLetterTotal {
    wire::ChannelKey channel;
    Destination::Type type = Destination::Type::queue;
    std::string name;
    std::string reason;
    std::uint64_t letters = 0, messages = 0, bytes = 0;
    std::uint64_t oldest_wall_micros = 0, newest_wall_micros = 0;

    bool counts(const DeadLetter& letter) const {
        return type == letter.type && channel == letter.channel && name == letter.name &&
               reason == letter.reason;
    }
    void add(const DeadLetter& letter) {
        const std::uint64_t at = letter.buried_wall_micros;
        oldest_wall_micros = letters == 0 ? at : std::min(oldest_wall_micros, at);
        newest_wall_micros = std::max(newest_wall_micros, at);
        ++letters;
        messages += letter.messages;
        bytes += letter.bytes;
    }
};

struct DeadLettersFound {
    FindDeadLetters request;
    std::vector<DeadLetter> letters;  // ascending
    // The first letters_max that were met; what is beyond them is together in one more, of no
    // channel.
    std::vector<DeadLetterTotal> totals;
    bool last = false;  // nothing that is meant is behind the last letter

    void count(const DeadLetter& letter) {
        auto at = std::find_if(totals.begin(), totals.end(),
                               [&](const DeadLetterTotal& one) { return one.counts(letter); });
        if (at == totals.end() && totals.size() > request.letters_max) at = totals.end() - 1;
        if (at == totals.end()) {
            const bool is_named = totals.size() < request.letters_max;
            at = totals.insert(at, is_named ? DeadLetterTotal{.channel = letter.channel,
                                                              .type = letter.type,
                                                              .name = letter.name,
                                                              .reason = letter.reason}
                                            : DeadLetterTotal{});
        }
        at->add(letter);
    }
};

}  // namespace bus::core
