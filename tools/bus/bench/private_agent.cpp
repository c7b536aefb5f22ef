#include "bench/private_agent.h"

#include <bus/connection.h>
#include <bus/error.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "../../../agent/identity.h"
#include "failure.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto ready_patience = 60s;
constexpr std::size_t log_bytes_shown = 2000;

// Where sd_notify(3) of the agent goes.
UniqueFd notify_socket(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        throw Error(fmt::format("{}: too long a path for a socket (see --dir)", text));
    std::memcpy(address.sun_path, text.data(), text.size());
    fs::remove(path);
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    if (!socket || ::bind(socket.get(), raw, sizeof address) != 0)
        throw Error(fmt::format("{}: {}", text, std::strerror(errno)));
    return socket;
}

std::string peer_json(const PrivateAgent::Peer& peer) {
    const std::string address =
        peer.address.empty() ? "" : fmt::format(R"(, "address": "{}")", peer.address);
    return fmt::format(R"({{ "name": "{}", "key": "{}"{}, "trust": "full" }})", peer.name, peer.key,
                       address);
}

bool is_executable(const fs::path& path) {
    return fs::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

PrivateAgent::PrivateAgent(Place place) : place_(std::move(place)) {
    fs::create_directories(place_.folder);
    fs::permissions(place_.folder, fs::perms::owner_all);
    public_key_ = load_or_create_identity(file("identity.key")).public_key;
}

void PrivateAgent::configure(const Peer& peer, std::uint64_t journal_bytes_max) {
    std::ofstream config{file("agent.json")};
    const std::string listen = place_.listen.empty() ? "" : fmt::format("\"{}\"", place_.listen);
    config << fmt::format(
        R"({{ "name": "{}", "identity": "identity.key", "runtime": ".",
  "journal": {{ "path": "journal.db", "max_bytes": {}, "min_free": "64MiB" }},
  "channels": {{ "bench.**": {{ "max_message": "1GiB" }} }},
  "listen": [{}],
  "peers": [{}] }}
)",
        place_.name, journal_bytes_max, listen, peer.name.empty() ? "" : peer_json(peer));
    if (!config.flush()) throw Error(fmt::format("{}: cannot write", file("agent.json").string()));
}

std::chrono::nanoseconds PrivateAgent::start(int interruption) {
    const fs::path notify_path = file("notify");
    const UniqueFd notify = notify_socket(notify_path);
    const auto begin = std::chrono::steady_clock::now();
    process_ = std::make_unique<Process>(
        "agent " + place_.name,
        Process::Spawn{.command = {place_.executable, "--config", file("agent.json")},
                       .environment = {"NOTIFY_SOCKET=" + notify_path.string()},
                       .error_file = file("agent.log")});
    await_ready(notify.get(), interruption);
    return std::chrono::steady_clock::now() - begin;
}

void PrivateAgent::await_ready(int notify, int interruption) const {
    const auto give_up = std::chrono::steady_clock::now() + ready_patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            give_up - std::chrono::steady_clock::now());
        pollfd fds[3] = {
            {notify, POLLIN, 0}, {interruption, POLLIN, 0}, {process_->end_fd(), POLLIN, 0}};
        if (left.count() <= 0 || ::poll(fds, 3, static_cast<int>(left.count())) <= 0)
            throw Error(fmt::format("agent {} is not ready after {} s: {}", place_.name,
                                    ready_patience.count(), end_of_log()));
        if (fds[1].revents != 0) throw cli::Interrupted{};
        char text[512];
        const ssize_t got = ::recv(notify, text, sizeof text, MSG_DONTWAIT);
        if (got > 0 && std::string_view{text, static_cast<std::size_t>(got)}.find("READY=1") !=
                           std::string_view::npos)
            return;
        if (fds[2].revents != 0)
            throw Error(fmt::format("agent {} does not start: {}", place_.name, end_of_log()));
    }
}

void PrivateAgent::kill() { process_->kill(); }

void PrivateAgent::stop(std::chrono::seconds patience) {
    if (!process_->stop(patience))
        throw Error(fmt::format("agent {} does not stop: {}", place_.name, end_of_log()));
}

std::string PrivateAgent::status() const {
    const Connection bus{{.runtime = runtime(), .app = "bus-bench"}};
    if (auto answer = bus.control(R"({"request":"status"})", 10s)) return *answer;
    throw Error(fmt::format("agent {} {}: {}", place_.name,
                            process_->has_ended() ? "has crashed" : "does not answer",
                            end_of_log()));
}

std::uint64_t PrivateAgent::journal_file_bytes() const {
    std::uint64_t bytes = 0;
    for (const char* name : {"journal.db", "journal.db-wal"})
        if (fs::exists(file(name))) bytes += fs::file_size(file(name));
    return bytes;
}

std::string PrivateAgent::end_of_log() const {
    std::ostringstream log;
    log << std::ifstream{file("agent.log")}.rdbuf();
    const std::string text = log.str();
    return "\n" + text.substr(text.size() - std::min(text.size(), log_bytes_shown));
}

fs::path find_agent() {
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    std::vector<fs::path> places{here, here / "../../agent"};
    const char* const path = std::getenv("PATH");
    std::istringstream words{path == nullptr ? "" : path};
    for (std::string place; std::getline(words, place, ':');) places.emplace_back(place);
    for (const fs::path& place : places)
        if (is_executable(place / "bus-agent")) return fs::canonical(place / "bus-agent");
    throw Error("bus-agent is neither beside this command nor on PATH: give --agent FILE");
}

}  // namespace bus::bench
