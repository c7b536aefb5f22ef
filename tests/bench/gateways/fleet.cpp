#include "gateways/fleet.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "bus/error.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration report_interval = 50ms;

io::LinkKeys fresh_keys() {
    char public_key[41], secret_key[41];
    if (::zmq_curve_keypair(public_key, secret_key) != 0)
        throw Error{"this libzmq has no CURVE encryption"};
    return {public_key, secret_key};
}

}  // namespace

Fleet::Fleet(std::size_t gateways, HubAddress hub, const Job& job)
    : hub_(std::move(hub)), job_(job) {
    for (std::size_t i = 0; i < gateways; ++i)
        gateways_.push_back(
            std::make_unique<Gateway>(i, context_, hub_, fresh_keys(), readiness_, job_, tally_));
    readiness_.watch(STDIN_FILENO, nullptr);
    if (::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0)
        throw Error{"standard input cannot be read without waiting"};
}

void Fleet::write_peers(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    for (const auto& gateway : gateways_) {
        std::ofstream file{folder / (gateway->name() + ".json")};
        file << fmt::format(R"({{"name": "{}", "key": "{}", "trust": "full"}})", gateway->name(),
                            gateway->public_key());
        if (!file.flush()) throw Error{folder.string() + ": cannot be written"};
    }
}

void Fleet::run() {
    while (!over_) {
        const auto ready = readiness_.wait(patience(boot_now()));
        const Time now = boot_now();
        for (const auto& event : ready) {
            if (event.data.ptr == nullptr) {
                read_commands(now);
                continue;
            }
            auto& gateway = *static_cast<Gateway*>(event.data.ptr);
            gateway.read(now);
            schedule(gateway);
        }
        give_turns(now);
        if (now >= report_due_) report(now);
    }
}

std::chrono::milliseconds Fleet::patience(Time now) const {
    const Duration longest = report_interval;
    const Time first = turns_.empty() ? never : turns_.begin()->first;
    if (first <= now) return 0ms;
    return std::chrono::ceil<std::chrono::milliseconds>(std::min(first - now, longest));
}

void Fleet::give_turns(Time now) {
    while (!turns_.empty() && turns_.begin()->first <= now) {
        Gateway& gateway = *turns_.begin()->second;
        gateway.advance(now);
        schedule(gateway);
        if (gateway.due() <= now) break;  // it cannot keep up; others must have their turn
    }
}

void Fleet::schedule(Gateway& gateway) {
    const auto [place, is_new] = scheduled_.try_emplace(&gateway, never);
    if (!is_new) turns_.erase({place->second, &gateway});
    place->second = gateway.due();
    turns_.emplace(place->second, &gateway);
}

// ---- Words

void Fleet::read_commands(Time now) {
    char text[4096];
    const auto got = ::read(STDIN_FILENO, text, sizeof text);
    if (got <= 0) {
        over_ = got == 0;
        return;
    }
    heard_.append(text, static_cast<std::size_t>(got));
    for (std::size_t end; (end = heard_.find('\n')) != std::string::npos;) {
        const std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        obey(line, now);
    }
}

void Fleet::obey(const std::string& line, Time now) {
    std::istringstream words{line};
    std::string verb;
    words >> verb;
    if (verb == "publish" && !(words >> job_.rate)) throw Error{"publish how many a second?"};
    for (const auto& gateway : gateways_) {
        if (verb == "connect")
            gateway->begin(now);
        else if (verb == "publish")
            gateway->pace(now);
        else if (verb == "differ")
            gateway->differ(now);
        else
            throw Error{"not a command: " + line};
        schedule(*gateway);
    }
}

void Fleet::report(Time now) {
    report_due_ = now + report_interval;
    if (tally_ == told_ && job_.rate == told_rate_) return;
    told_ = tally_;
    told_rate_ = job_.rate;
    const Tally& t = tally_;
    fmt::print(
        R"({{"rate": {}, "open": {}, "synchronised": {}, "dials": {}, "without_socket": {}, )"
        R"("handshakes": {}, "losses": {}, )"
        R"("published": {}, "resent": {}, "acknowledged": {}, "window_full": {}, "holds": {}, )"
        R"("refusals": {}, "resets": {}, "gaps": {}, "malformed": {}}})"
        "\n",
        job_.rate, t.open, t.synchronised, t.dials, t.without_socket, t.handshakes, t.losses,
        t.published, t.resent, t.acknowledged, t.window_full, t.holds, t.refusals, t.resets, t.gaps,
        t.malformed);
    std::fflush(stdout);
}

}  // namespace bus::bench
