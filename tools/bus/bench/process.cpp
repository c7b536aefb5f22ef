#include "bench/process.h"

#include <bus/error.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "failure.h"

namespace bus::bench {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

struct Pipe {
    UniqueFd read, write;
};
Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(fmt::format("pipe: {}", std::strerror(errno)));
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

UniqueFd open_error_file(const std::string& path) {
    if (path.empty()) return {};
    UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!file) throw Error(fmt::format("{}: {}", path, std::strerror(errno)));
    return file;
}

// Everything the child needs, made before the fork: behind it only system calls are safe.
struct Start {
    std::vector<std::string> command, environment;
    std::vector<char*> argv, envp;
    pid_t parent = ::getpid();
    int in = -1, out = -1, error = -1;
};

[[noreturn]] void become(const Start& start) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::setpgid(0, 0);  // Ctrl-C is the parent's to answer
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != start.parent) ::_exit(127);
    ::dup2(start.in, STDIN_FILENO);
    ::dup2(start.out, STDOUT_FILENO);
    if (start.error >= 0) ::dup2(start.error, STDERR_FILENO);
    ::execve(start.argv[0], start.argv.data(), start.envp.data());
    constexpr char failed[] = "it cannot be executed\n";
    [[maybe_unused]] const ssize_t told = ::write(STDERR_FILENO, failed, sizeof failed - 1);
    ::_exit(127);
}

}  // namespace

Process::Process(std::string name, const Spawn& spawn) : name_(std::move(name)) {
    Pipe in = make_pipe(), out = make_pipe();
    const UniqueFd error = open_error_file(spawn.error_file);
    Start start{.command = spawn.command, .environment = environment_with(spawn.environment)};
    start.argv = pointers(start.command);
    start.envp = pointers(start.environment);
    start.in = in.read.get();
    start.out = out.write.get();
    start.error = error.get();
    pid_ = ::fork();
    if (pid_ < 0) throw Error(fmt::format("fork: {}", std::strerror(errno)));
    if (pid_ == 0) become(start);
    pid_fd_ = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    in_ = std::move(in.write);
    out_ = std::move(out.read);
}

Process::~Process() { kill(); }

void Process::say(std::string_view line) {
    const std::string text = std::string{line} + "\n";
    if (::write(in_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw Error(fmt::format("{} has ended before its time", name_));
}

std::string Process::hear(std::chrono::seconds patience, int interruption) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (const auto end = heard_.find('\n'); end != std::string::npos) {
            std::string line = heard_.substr(0, end);
            heard_.erase(0, end + 1);
            return line;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            give_up - std::chrono::steady_clock::now());
        if (left.count() <= 0) throw Error(fmt::format("{} does not answer", name_));
        pollfd fds[2] = {{out_.get(), POLLIN, 0}, {interruption, POLLIN, 0}};
        if (::poll(fds, 2, static_cast<int>(left.count())) < 0 && errno != EINTR)
            throw Error(fmt::format("poll: {}", std::strerror(errno)));
        if (fds[1].revents != 0) throw cli::Interrupted{};
        if (fds[0].revents == 0) continue;
        char text[4096];
        const ssize_t got = ::read(out_.get(), text, sizeof text);
        if (got <= 0) throw Error(fmt::format("{} has ended before its time", name_));
        heard_.append(text, static_cast<std::size_t>(got));
    }
}

std::chrono::nanoseconds Process::cpu() const {
    clockid_t clock{};
    timespec spent{};
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &spent) != 0)
        throw Error(fmt::format("{} has ended before its time", name_));
    return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

std::string Process::proc_field(const char* file, std::string_view field) const {
    std::ifstream lines{fmt::format("/proc/{}/{}", pid_, file)};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(field)) return line.substr(field.size());
    throw Error(fmt::format("/proc/{}/{} has no {}", pid_, file, field));
}

std::uint64_t Process::disk_bytes_written() const {
    return std::stoull(proc_field("io", "write_bytes:"));
}
std::uint64_t Process::resident_bytes() const {
    return std::stoull(proc_field("status", "VmRSS:")) * 1024;
}
std::uint64_t Process::resident_bytes_highest() const {
    return std::stoull(proc_field("status", "VmHWM:")) * 1024;
}

void Process::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}

bool Process::ended_within(std::chrono::milliseconds patience) const {
    pollfd ended{pid_fd_.get(), POLLIN, 0};
    return ::poll(&ended, 1, static_cast<int>(patience.count())) > 0;
}

void Process::finish(std::chrono::seconds patience) {
    in_.reset();
    if (!ended_within(patience)) throw Error(fmt::format("{} does not end", name_));
}

bool Process::stop(std::chrono::seconds patience) {
    if (pid_ <= 0) return true;
    signal(SIGTERM);
    const bool by_itself = ended_within(patience);
    kill();
    return by_itself;
}

void Process::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

}  // namespace bus::bench
