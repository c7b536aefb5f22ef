// Two agents' exchanges side by side, without sockets, disks or clocks: what
// one lets out the other takes in, and commits succeed when the test says so.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "batches.h"
#include "core/exchange.h"

namespace bus::core::test {

inline PeerSettings peer(const std::string& name) {
    return {.name = name, .keys = {"key-" + name}, .may = std::nullopt};
}

struct Host {
    Settings settings;
    std::uint64_t incarnation;
    Time now{std::chrono::seconds{100}};
    std::unique_ptr<Exchange> exchange;
    bool journal_answers = true;
    JournalSpace space;  // that it tells of

    // What left, until the test takes it.
    std::deque<std::pair<SessionId, SendBatch>> deliveries;
    std::vector<wire::Receipt> receipts;
    std::vector<wire::Reply> replies;
    std::deque<ToLink> to_links;
    std::vector<ReadBack> reads;
    std::vector<FindDeadLetters> finds;
    std::vector<DeadLetterAnswer> dead_letters;
    std::vector<Transaction> transactions;
    std::vector<Event> events, steps;
    std::uint64_t steps_missed = 0;
    std::deque<Transaction> unanswered;
    std::map<BatchId, Batch> stored;

    Host(const std::string& name, std::uint64_t id, std::vector<PeerSettings> peers,
         Recovered recovered = {}, std::uint64_t at_incarnation = 1'000)
        : incarnation(at_incarnation) {
        settings.agent = AgentId{{id, id}};
        settings.name = name;
        settings.peers = std::move(peers);
        exchange = std::make_unique<Exchange>(settings, incarnation, std::move(recovered), now,
                                              1'700'000'000'000'000);
    }

    void turn() {
        exchange->advance(now);
        exchange->finish_turn(now);
        Effects out = std::move(exchange->effects());
        exchange->effects() = {};
        for (auto& to : out.to_apps) {
            if (auto* batch = std::get_if<SendBatch>(&to.what))
                deliveries.emplace_back(to.session, *batch);
            else if (auto* told = std::get_if<wire::Receipts>(&to.what))
                receipts.insert(receipts.end(), told->records.begin(), told->records.end());
            else
                replies.push_back(std::get<wire::Reply>(to.what));
        }
        for (auto& to : out.to_links) to_links.push_back(std::move(to));
        reads.insert(reads.end(), out.reads.begin(), out.reads.end());
        for (auto& find : out.finds) finds.push_back(std::move(find));
        for (auto& answer : out.dead_letters) dead_letters.push_back(std::move(answer));
        for (auto& event : out.events) events.push_back(std::move(event));
        for (auto& step : out.steps) steps.push_back(std::move(step));
        steps_missed += out.steps_missed;
        for (auto& transaction : out.transactions) {
            transactions.push_back(transaction);
            for (const auto& change : transaction.changes)
                if (const auto* put = std::get_if<Put>(&change)) stored[put->id] = put->batch;
            unanswered.push_back(transaction);
        }
        if (journal_answers) commit();
    }
    void commit() {
        while (!unanswered.empty()) {
            const auto number = unanswered.front().number;
            unanswered.pop_front();
            exchange->on_journal(Committed{number, space}, now);
            turn();
        }
    }
    // Answers what was asked for of what is out and has left memory.
    void recall() {
        for (const ReadBack& request : std::exchange(reads, {})) {
            if (!request.recall) continue;
            Loaded back{.request = request, .entries = {}, .last = true};
            const Batch& batch = stored.at(request.after.next());
            back.entries.push_back(
                {.id = request.after.next(), .batch = batch, .messages = batch.messages()});
            exchange->on_journal(back, now);
        }
        turn();
    }
    void pass(Duration time) {
        now += time;
        turn();
    }

    void open(SessionId session, std::optional<ProducerId> producer = std::nullopt,
              std::uint32_t uid = 1000) {
        exchange->on_session(session, uid, now);
        wire::Hello hello;
        hello.app = "test";
        hello.producer = producer;
        exchange->on_command(session, hello, now);
        turn();
    }
    void leave(SessionId session) {
        exchange->on_session_gone(session, now);
        turn();
    }
    void subscribe(SessionId session, wire::Subscribe command) {
        exchange->on_command(session, command, now);
        turn();
    }
    void publish(SessionId session, std::uint64_t number, Batch batch, std::uint16_t flags = 0) {
        wire::Envelope envelope{.flags = flags, .number = number, .messages = batch.messages()};
        exchange->on_batch(session, envelope, std::move(batch), now);
        turn();
    }
    void ack(SessionId session, const SendBatch& delivery,
             wire::Verdict verdict = wire::Verdict::ack) {
        const wire::Ack one{.tag = delivery.envelope.number,
                            .first = delivery.envelope.first,
                            .count = delivery.envelope.messages,
                            .verdict = verdict};
        exchange->on_acks(session, {&one, 1}, now);
        turn();
    }
    std::optional<SendBatch> next_delivery() {
        if (deliveries.empty()) return std::nullopt;
        auto delivery = std::move(deliveries.front().second);
        deliveries.pop_front();
        return delivery;
    }
    template <class T>
    std::size_t changes() const {
        std::size_t count = 0;
        for (const auto& transaction : transactions)
            for (const auto& change : transaction.changes)
                count += std::holds_alternative<T>(change);
        return count;
    }
    bool balances() const {
        for (const auto& account : exchange->status(now).accounts)
            if (!account.balances()) return false;
        return true;
    }
};

// "a" dials, "b" listens.
struct TwoHosts {
    Host a{"a", 1, {peer("b")}};
    Host b{"b", 2, {peer("a")}};
    LinkId link{1};

    void connect() {
        link = link.next();
        a.exchange->on_link_up(link, "key-b", true, a.now);
        b.exchange->on_link_up(link, "key-a", false, b.now);
        settle();
    }
    void disconnect() {
        a.to_links.clear();
        b.to_links.clear();
        a.exchange->on_link_down(link, a.now);
        b.exchange->on_link_down(link, b.now);
        settle();
    }
    static bool carry(Host& from, Host& to) {
        if (from.to_links.empty()) return false;
        const ToLink sent = std::move(from.to_links.front());
        from.to_links.pop_front();
        if (const auto* batch = std::get_if<SendBatch>(&sent.what))
            to.exchange->on_link_batch(sent.link, batch->envelope, batch->batch, to.now);
        else
            to.exchange->on_link_frame(sent.link, std::get<wire::LinkFrame>(sent.what), to.now);
        to.turn();
        return true;
    }
    // Until nothing moves any more.
    void settle() {
        a.turn();
        b.turn();
        bool moved = true;
        while (moved) {
            moved = carry(a, b);
            moved = carry(b, a) || moved;
        }
    }
    void pass(Duration time) {
        a.now += time;
        b.now += time;
        settle();
    }
    // Drops what is on its way from a to b.
    std::size_t lose() {
        const auto lost = a.to_links.size();
        a.to_links.clear();
        return lost;
    }
};

}  // namespace bus::core::test
