// One run of a shell command: bytes into its standard input, what it writes
// handed on, and how it ended. It runs in a process group of its own, so that a
// Ctrl-C meant for us does not reach it and that killing it leaves nothing behind.
//
// Its standard input and what it writes pass while its owner polls and looks. It
// has ended when the shell has: what that left in the background is not waited for.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace bus::cli {

class ShellJob {
  public:
    using Sink = std::function<void(std::string_view)>;
    struct Run {
        const std::string& command;                   // for /bin/sh -c
        const std::vector<std::string>& environment;  // "NAME=value": all of it
        std::string_view input;                       // must stay while the job is there
        Sink output;                                  // empty: our standard output is its own
        Sink errors;
    };
    // Requires: SIGPIPE is ignored. Throws Error if the system cannot start it.
    explicit ShellJob(Run run);
    ~ShellJob();  // kills it if it runs
    ShellJob(const ShellJob&) = delete;
    ShellJob& operator=(const ShellJob&) = delete;

    // What poll() is to wait for: always that many entries; look() gets them back.
    static constexpr std::size_t polled = 4;
    std::array<pollfd, polled> wanted() const;
    void look(std::span<const pollfd> found);

    struct End {
        int code = 0;    // exit code, unless a signal ended it
        int signal = 0;  // 0: none
    };
    // nullopt: it runs. Once it is there the sinks have had everything.
    const std::optional<End>& end() const noexcept { return end_; }
    // To all of its process group.
    void signal(int number) const noexcept;

  private:
    void feed();
    static bool pass(UniqueFd& from, const Sink& to);
    static void pass_rest(UniqueFd& from, const Sink& to);
    void reap();
    void reap_killed() noexcept;

    std::string_view input_;
    const Sink output_, errors_;
    pid_t pid_ = -1;
    UniqueFd pid_fd_, in_, out_, err_;
    std::optional<End> end_;
};

}  // namespace bus::cli
