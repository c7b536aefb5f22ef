#include "attachment.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "command.h"
#include "interruption.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;

// A connection does not tell when it is made; it is looked at ever more rarely.
constexpr std::chrono::milliseconds glance_max = 50ms;

// "; members of the group "bus" may", if that can be told.
std::string who_may_open(const std::string& socket) {
    struct stat status {};
    if (::stat(socket.c_str(), &status) != 0 || (status.st_mode & S_IWGRP) == 0) return {};
    const group* owner = ::getgrgid(status.st_gid);
    return owner == nullptr ? std::string{}
                            : fmt::format(
                                  "; members of the group \"{}\" may, from their next "
                                  "login on",
                                  owner->gr_name);
}

}  // namespace

void Attachment::add_options(Command& command) {
    command
        .add_option("--runtime", runtime,
                    "Folder of the agent's sockets (default: $BUS_RUNTIME, then /run/bus-agent)")
        ->type_name("DIR");
    command
        .add_option("--connect-timeout", connect_seconds, "How long to wait for the agent at first")
        ->check(number_not_below_zero())
        ->type_name("SECONDS")
        ->capture_default_str();
}

ConnectOptions Attachment::connect_options() const { return {.runtime = runtime, .app = "bus"}; }

std::chrono::milliseconds Attachment::connect_timeout() const {
    return std::chrono::milliseconds{static_cast<std::int64_t>(connect_seconds * 1000)};
}

void Attachment::await_agent(const Connection& bus, const Interruption& interruption) const {
    const auto give_up = std::chrono::steady_clock::now() + connect_timeout();
    for (auto glance = 1ms; !bus.is_connected(); glance = std::min(2 * glance, glance_max)) {
        if (std::chrono::steady_clock::now() >= give_up) throw nobody_answers();
        if (interruption.comes_within(glance)) throw Interrupted{};
    }
}

std::string Attachment::folder() const {
    if (!runtime.empty()) return runtime;
    const char* const set = std::getenv("BUS_RUNTIME");
    return set != nullptr && *set != '\0' ? set : "/run/bus-agent";
}

Failure Attachment::nobody_answers(const char* socket) const {
    const std::string path = fmt::format("{}/{}", folder(), socket);
    if (::access(path.c_str(), W_OK) != 0 && errno == EACCES)
        return {ExitCode::no_agent,
                fmt::format("this user may not open {}{}", path, who_may_open(path))};
    return {ExitCode::no_agent,
            fmt::format("no agent answers in {}; is bus-agent running? (--runtime or $BUS_RUNTIME "
                        "name another folder, `bus-agent --config FILE` starts an agent)",
                        folder())};
}

}  // namespace bus::cli
