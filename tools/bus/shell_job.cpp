#include "shell_job.h"

#include <bus/error.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bus::cli {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr int pipe_reads_max = 1024 * 1024 / read_bytes;  // the largest pipe that the kernel makes

[[noreturn]] void cannot_start(int error) {
    throw Error{std::string{"a command cannot be started: "} + std::strerror(error)};
}

struct Pipe {
    UniqueFd from, to;
};

// Our end does not wait; the job's does.
Pipe make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) cannot_start(errno);
    return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

void never_wait(const UniqueFd& fd) {
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

class FileActions {
  public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    void give(const UniqueFd& fd, int as) {
        ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), as);
    }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

// A process group of its own, no signal blocked, and none ignored that we ignore.
class Attributes {
  public:
    Attributes() {
        sigset_t none, pipe;
        ::sigemptyset(&none);
        ::sigemptyset(&pipe);
        ::sigaddset(&pipe, SIGPIPE);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &pipe);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_;
};

pid_t spawn(const std::string& command, const std::vector<std::string>& environment,
            const FileActions& actions) {
    std::vector<char*> env;
    for (const auto& variable : environment) env.push_back(const_cast<char*>(variable.c_str()));
    env.push_back(nullptr);
    std::string shell = "sh", flag = "-c", text = command;
    char* const argv[] = {shell.data(), flag.data(), text.data(), nullptr};
    const Attributes attributes;
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, "/bin/sh", actions.get(), attributes.get(), argv, env.data());
    if (error != 0) cannot_start(error);
    return pid;
}

}  // namespace

ShellJob::ShellJob(Run run)
    : input_(run.input), output_(std::move(run.output)), errors_(std::move(run.errors)) {
    Pipe in = make_pipe(), out = output_ ? make_pipe() : Pipe{}, err = make_pipe();
    FileActions actions;
    actions.give(in.from, STDIN_FILENO);
    if (output_) actions.give(out.to, STDOUT_FILENO);
    actions.give(err.to, STDERR_FILENO);
    pid_ = spawn(run.command, run.environment, actions);
    pid_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!pid_fd_) {
        const int error = errno;
        reap_killed();
        cannot_start(error);
    }
    in_ = std::move(in.to);
    out_ = std::move(out.from);
    err_ = std::move(err.from);
    for (const auto* fd : {&in_, &out_, &err_})
        if (*fd) never_wait(*fd);
    feed();
}

ShellJob::~ShellJob() {
    if (!end_) reap_killed();
}

void ShellJob::reap_killed() noexcept {
    signal(SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void ShellJob::signal(int number) const noexcept {
    if (!end_) ::kill(-pid_, number);
}

std::array<pollfd, ShellJob::polled> ShellJob::wanted() const {
    return {pollfd{pid_fd_.get(), POLLIN, 0}, pollfd{in_.get(), POLLOUT, 0},
            pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
}

void ShellJob::look(std::span<const pollfd> found) {
    if (found[1].revents != 0) feed();
    if (found[2].revents != 0) pass(out_, output_);
    if (found[3].revents != 0) pass(err_, errors_);
    if (found[0].revents != 0) reap();
}

// Whoever does not read all of it need not.
void ShellJob::feed() {
    while (!input_.empty()) {
        const ssize_t written = ::write(in_.get(), input_.data(), input_.size());
        if (written >= 0) {
            input_.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            break;
        }
    }
    in_.reset();
}

// True: there may be more.
bool ShellJob::pass(UniqueFd& from, const Sink& to) {
    if (!from) return false;
    char buffer[read_bytes];
    const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
    if (got > 0) {
        to({buffer, static_cast<std::size_t>(got)});
        return true;
    }
    if (got < 0 && errno == EINTR) return true;
    if (got == 0 || errno != EAGAIN) from.reset();
    return false;
}

// What the shell has written is in the pipe by now; what it left in the background may write on.
void ShellJob::pass_rest(UniqueFd& from, const Sink& to) {
    for (int reads = 0; reads < pipe_reads_max && pass(from, to); ++reads) {
    }
}

void ShellJob::reap() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return;
    pass_rest(out_, output_);
    pass_rest(err_, errors_);
    end_ = info.si_code == CLD_EXITED ? End{.code = info.si_status, .signal = 0}
                                      : End{.code = 0, .signal = info.si_status};
    for (auto* fd : {&pid_fd_, &in_, &out_, &err_}) fd->reset();
}

}  // namespace bus::cli
