// Names are looked up side by side.
#include "io/resolver.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <latch>

namespace bus::io {
namespace {

TcpEndpoint name(const std::string& host) { return {.host = host, .port = 7700}; }

std::vector<Resolver::Answer> next_answers(Resolver& resolver) {
    pollfd readable{.fd = resolver.fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
    return resolver.take();
}

Resolver::Answer next_answer(Resolver& resolver) {
    const auto answers = next_answers(resolver);
    REQUIRE(answers.size() == 1);
    return answers.front();
}

TEST_CASE("a slow name does not delay the others") {
    std::latch release{1};
    Resolver resolver{[&](std::uint32_t ticket, const TcpEndpoint& asked) {
        if (asked.host == "slow") release.wait();
        return Resolver::Answer{
            .ticket = ticket, .name = asked, .addresses = {name("10.0.0.1")}, .error = {}};
    }};
    resolver.ask(1, name("slow"));
    resolver.ask(2, name("quick"));
    const auto first = next_answer(resolver);
    CHECK(first.ticket == 2);
    CHECK(first.name == name("quick"));
    release.count_down();
    CHECK(next_answer(resolver).ticket == 1);
}

TEST_CASE("not more names are looked up at once than there may be threads") {
    constexpr auto threads = static_cast<std::ptrdiff_t>(Resolver::threads_max);
    std::latch all_busy{threads}, release{1};
    std::atomic<std::ptrdiff_t> under_way{0};
    std::atomic<bool> too_many{false};
    Resolver resolver{[&](std::uint32_t ticket, const TcpEndpoint& asked) {
        if (++under_way > threads) too_many = true;
        if (ticket < threads) all_busy.arrive_and_wait();
        release.wait();
        --under_way;
        return Resolver::Answer{.ticket = ticket, .name = asked, .addresses = {}, .error = "none"};
    }};
    std::size_t missing = 3 * Resolver::threads_max;
    for (std::uint32_t ticket = 0; ticket < missing; ++ticket) resolver.ask(ticket, name("any"));
    all_busy.wait();
    release.count_down();
    while (missing > 0) missing -= next_answers(resolver).size();
    CHECK_FALSE(too_many);
}

TEST_CASE("the system knows localhost, and says what it does not know") {
    Resolver resolver;
    resolver.ask(1, name("localhost"));
    const auto known = next_answer(resolver);
    REQUIRE_FALSE(known.addresses.empty());
    CHECK(known.addresses.front().is_numeric());
    CHECK(known.addresses.front().port == 7700);
    resolver.ask(2, name("no-such-host.invalid"));
    const auto unknown = next_answer(resolver);
    CHECK(unknown.addresses.empty());
    CHECK_FALSE(unknown.error.empty());
}

}  // namespace
}  // namespace bus::io
