// A host with a queue, its producer and consumers.
#pragma once

#include "stories.h"

inline const SessionId first{2}, second{3};

inline Batch jobs(std::uint64_t sequence, std::uint32_t messages) {
    return make_batch({.kind = wire::Kind::queue,
                       .channel = "jobs",
                       .producer = producer,
                       .sequence = sequence,
                       .messages = messages});
}
inline wire::Subscribe receive(std::uint32_t prefetch = 1'000) {
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = "jobs";
    command.prefetch_messages = prefetch;
    return command;
}

// A host with a producer and one consumer of its queue.
struct Workplace : Host {
    explicit Workplace(std::uint32_t prefetch = 1'000) : Host{"a", 1, {}} {
        open(app, producer);
        employ(first, prefetch);
    }
    void employ(SessionId consumer, std::uint32_t prefetch = 1'000) {
        open(consumer);
        subscribe(consumer, receive(prefetch));
    }
    void employ(SessionId consumer, const wire::Subscribe& terms) {
        open(consumer);
        subscribe(consumer, terms);
    }
    // The same, and it is in the journal.
    SendBatch hand_out_journaled(std::uint32_t messages) {
        journal_answers = false;
        const auto delivery = hand_out(messages);
        pass(std::chrono::seconds{1});
        journal_answers = true;
        commit();
        return delivery;
    }
    // What its settings say of all queues.
    void say(ChannelSettings said) {
        said.channels = {.kind = wire::Kind::queue, .filter = "**"};
        settings.channels = {said};
        exchange->reload(settings, now);
    }
    void rule(SessionId consumer, const wire::Ack& ack) {
        exchange->on_acks(consumer, {&ack, 1}, now);
        turn();
    }
    void nack(SessionId consumer, const SendBatch& delivery, std::uint32_t delay_millis = 0) {
        rule(consumer, {.tag = delivery.envelope.number,
                        .first = delivery.envelope.first,
                        .count = delivery.envelope.messages,
                        .verdict = wire::Verdict::nack,
                        .delay_millis = delay_millis});
    }
    Account account() const { return exchange->status(now).groups[0].account; }
    std::vector<Bury> buried() const {
        std::vector<Bury> found;
        for (const auto& transaction : transactions)
            for (const auto& change : transaction.changes)
                if (const auto* bury = std::get_if<Bury>(&change)) found.push_back(*bury);
        return found;
    }
    // The first batch, as the consumer gets it.
    SendBatch hand_out(std::uint32_t messages) {
        publish(app, 1, jobs(1, messages));
        const auto delivery = next_delivery();
        REQUIRE(delivery);
        return *delivery;
    }
};
