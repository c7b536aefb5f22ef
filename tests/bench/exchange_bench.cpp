// What many filters cost the core of an agent: it is given subscriptions, or a
// peer's interest, then batches on as many channels, each of which one filter
// matches; then batches while subscriptions come and go. Processor time; no
// sockets, no journal.
//
//     exchange_bench [FILTERS [CHANNELS]]
#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <string>
#include <vector>

#include "core/exchange.h"
#include "core/status.h"
#include "unit/core/batches.h"

namespace {

using namespace bus;
using namespace bus::core;

double processor_seconds() {
    timespec at{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

std::size_t heap_bytes() { return ::mallinfo2().uordblks; }

void report(const char* what, double seconds, std::size_t times) {
    std::printf("%-44s %10.2f us each\n", what, seconds * 1e6 / static_cast<double>(times));
}

std::string channel(std::size_t at) {
    return "plant" + std::to_string(at % 50) + ".machine-" + std::to_string(at) + ".temperature";
}
std::string filter(std::size_t at) {
    const auto machine = ".machine-" + std::to_string(at);
    return "plant" + std::to_string(at % 50) + machine + (at % 2 == 0 ? ".**" : ".*");
}

// An agent with one app that publishes and subscribes, best effort: nothing waits.
class Host {
  public:
    explicit Host(std::size_t channels) : channels_(channels) {
        Settings settings;
        settings.agent = AgentId{{1, 1}};
        settings.peers = {{.name = "peer", .keys = {"key"}, .may = std::nullopt}};
        exchange_ = std::make_unique<Exchange>(settings, 1'000, Recovered{}, now_, 1);
        open_session();
        sequences_.resize(channels);
    }

    void subscribe(std::uint64_t id, const std::string& to) {
        exchange_->on_command(app_, wire::Subscribe{.id = id, .filter = to}, now_);
        turn();
    }
    void unsubscribe(std::uint64_t id) {
        exchange_->on_command(app_, wire::Unsubscribe{.id = id}, now_);
        turn();
    }
    // Subscriptions of one session have a limit.
    void open_session() {
        app_ = SessionId{app_.value + 1};
        exchange_->on_session(app_, 1000, now_);
        wire::Hello hello;
        hello.app = "bench";
        if (app_ == publisher_) hello.producer = batches_.producer;
        exchange_->on_command(app_, hello, now_);
        turn();
    }
    void link() {
        exchange_->on_link_up(link_, "key", false, now_);
        link_frame(wire::LinkHello{.agent = AgentId{{2, 2}}, .incarnation = 5, .window = 1 << 20});
    }
    void link_frame(wire::LinkBody body) {
        exchange_->on_link_frame(link_, {.head = {.session = 9, .count = count_++}, .body = body},
                                 now_);
        turn();
    }
    void publish_prepared(const std::vector<Batch>& batches) {
        for (const Batch& batch : batches) {
            wire::Envelope envelope{.messages = batch.messages()};
            exchange_->on_batch(publisher_, envelope, batch, now_);
            turn();
        }
    }
    std::vector<Batch> prepare() {
        std::vector<Batch> batches;
        for (std::size_t at = 0; at < channels_; ++at)
            batches.push_back(test::make_batch({.mode = wire::Mode::best_effort,
                                                .channel = channel(at),
                                                .sequence = ++sequence_,
                                                .channel_sequence = ++sequences_[at]}));
        return batches;
    }
    std::uint64_t delivered() const { return delivered_; }
    std::size_t interest() const {
        const auto status = exchange_->status(now_);
        return status.links.empty() ? 0 : status.links.front().interest;
    }
    std::string link_state() const { return exchange_->status(now_).links.front().state; }
    void tick() {
        now_ += std::chrono::seconds{1};
        exchange_->advance(now_);
        turn();
    }

  private:
    void turn() {
        exchange_->advance(now_);
        exchange_->finish_turn(now_);
        (void)exchange_->next_deadline();
        for (const auto& to : exchange_->effects().to_apps)
            delivered_ += std::holds_alternative<SendBatch>(to.what) ? 1 : 0;
        for (const auto& transaction : exchange_->effects().transactions)
            exchange_->on_journal(Committed{transaction.number, {}}, now_);
        exchange_->effects() = {};
    }

    const std::size_t channels_;
    Time now_{std::chrono::seconds{100}};
    std::unique_ptr<Exchange> exchange_;
    const SessionId publisher_{1};
    SessionId app_{0};
    LinkId link_{1};
    std::uint64_t count_ = 1, sequence_ = 0, delivered_ = 0;
    const test::BatchOptions batches_{.mode = wire::Mode::best_effort};
    std::vector<std::uint64_t> sequences_;
};

void publish_rounds(Host& host) {
    auto batches = host.prepare();
    auto before = processor_seconds();
    host.publish_prepared(batches);
    report("batch, first on its channel", processor_seconds() - before, batches.size());
    batches = host.prepare();
    before = processor_seconds();
    host.publish_prepared(batches);
    report("batch, again", processor_seconds() - before, batches.size());
}

void with_subscriptions(std::size_t filters, std::size_t channels) {
    std::printf("%zu subscriptions of this host\n", filters);
    Host host{channels};
    const auto empty = heap_bytes();
    auto before = processor_seconds();
    for (std::size_t at = 0; at < filters; ++at) {
        if (at % 10'000 == 9'999) host.open_session();
        host.subscribe(at + 1, filter(at));
    }
    report("subscribe", processor_seconds() - before, filters);
    std::printf("%-44s %10.0f bytes\n", "memory, for each",
                static_cast<double>(heap_bytes() - empty) / static_cast<double>(filters));
    publish_rounds(host);

    const auto batches = host.prepare();
    before = processor_seconds();
    for (std::size_t at = 0; at < batches.size(); ++at) {
        if (at % 10 == 0) host.subscribe(1'000'000 + at, "inbox." + std::to_string(at));
        host.publish_prepared({batches[at]});
        if (at % 10 == 0) host.unsubscribe(1'000'000 + at);
    }
    report("batch, a subscription comes and goes per 10", processor_seconds() - before,
           batches.size());
    before = processor_seconds();
    for (int second = 0; second < 10; ++second) host.tick();
    report("tick, once a second", processor_seconds() - before, 10);
    std::printf("%llu delivered\n", static_cast<unsigned long long>(host.delivered()));
}

void with_interest(std::size_t filters, std::size_t channels) {
    std::printf("%zu filters of a peer\n", filters);
    Host host{channels};
    host.link();
    const auto empty = heap_bytes();
    auto before = processor_seconds();
    for (std::size_t at = 0; at < filters;) {
        wire::LinkInterest frame{.part = at + 1'000 >= filters
                                             ? wire::LinkInterest::Part::snapshot_last
                                             : wire::LinkInterest::Part::snapshot_more,
                                 .version = 1};
        for (const auto end = std::min(filters, at + 1'000); at < end; ++at)
            frame.items.push_back({.filter = filter(at)});
        host.link_frame(std::move(frame));
    }
    report("filter told", processor_seconds() - before, filters);
    std::printf("%-44s %10.0f bytes\n", "memory, for each",
                static_cast<double>(heap_bytes() - empty) / static_cast<double>(filters));
    publish_rounds(host);

    const auto batches = host.prepare();
    std::uint64_t version = 1;
    before = processor_seconds();
    for (std::size_t at = 0; at < batches.size(); ++at) {
        if (at % 10 == 0)
            host.link_frame(wire::LinkInterest{.version = ++version,
                                               .items = {{.filter = "x" + std::to_string(at)}}});
        host.publish_prepared({batches[at]});
    }
    report("batch, a filter comes per 10", processor_seconds() - before, batches.size());
    std::printf("link %s, %zu filters known\n", host.link_state().c_str(), host.interest());
}

}  // namespace

int main(int count, char** words) {
    const std::size_t filters = count > 1 ? std::stoul(words[1]) : 100'000;
    const std::size_t channels = count > 2 ? std::stoul(words[2]) : filters;
    with_subscriptions(filters, channels);
    with_interest(filters, channels);
}
