// A child process of the bench, with pipes to its standard input and output:
// an agent, or this executable in one of its roles. It dies with its parent,
// is killed and reaped by its owner, and talks in lines.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace bus::bench {

class Process {
  public:
    struct Spawn {
        std::vector<std::string> command;      // argv; the first is the path of the executable
        std::vector<std::string> environment;  // "NAME=value", besides what is inherited
        std::string error_file;                // standard error goes there; empty: inherited
    };
    // Throws Error if it cannot be started. `name` is for messages.
    Process(std::string name, const Spawn& spawn);
    ~Process();  // kill() if it still runs
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const noexcept { return pid_; }
    // Readable once the process has ended.
    int end_fd() const noexcept { return pid_fd_.get(); }
    bool has_ended() const { return ended_within(std::chrono::milliseconds{0}); }
    void say(std::string_view line);
    // The next line without its newline. `interruption`: readable when to give up. Throws Error if
    // the process ends or says nothing for that long, Interrupted if told to give up.
    std::string hear(std::chrono::seconds patience, int interruption);

    // Processor time of all its threads since it started.
    std::chrono::nanoseconds cpu() const;
    // Bytes it has caused to be written to a disk; resident memory now, and at its highest.
    std::uint64_t disk_bytes_written() const;
    std::uint64_t resident_bytes() const;
    std::uint64_t resident_bytes_highest() const;

    void signal(int number) const;
    // Ends its standard input, and waits until it has ended by itself. Throws Error if it does not.
    void finish(std::chrono::seconds patience);
    // SIGTERM, and SIGKILL if that takes longer than `patience`. True if it ended by itself.
    bool stop(std::chrono::seconds patience);
    void kill();

  private:
    std::string proc_field(const char* file, std::string_view field) const;
    bool ended_within(std::chrono::milliseconds patience) const;

    std::string name_;
    pid_t pid_ = -1;
    UniqueFd pid_fd_, in_, out_;
    std::string heard_;
};

}  // namespace bus::bench
