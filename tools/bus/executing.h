// `subscribe` and `receive` with --exec: a shell command for each message, which
// has it on its standard input. How the command ends is what becomes of the message:
//
//   0                       acknowledged
//   65, or one of reject_on   rejected: a dead letter, with the last line of standard error
//   anything else, a signal   given back, to be handed out again, here or elsewhere
//
// `serve` does the same for requests: what the command writes is the answer, and how it ends can
// only be that answer or an error.
//
// 126 and 127 say that the shell could not start it: then no message is at fault,
// all are given back and we end. The agent hands over as many as run at a time, so that
// others get the rest.
#pragma once

#include <bus/bus.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bus::cli {

class Command;
class Interruption;
class Option;

struct ExecOptions {
    std::string command;  // empty: none
    std::uint32_t concurrency = 1;
    std::optional<std::chrono::milliseconds> retry_after;  // not given: the agent decides
    std::vector<std::uint32_t> reject_on;                  // beside 65

    // `instead_of`: an option that makes no sense beside --exec.
    void add_options(Command& command, const Option* instead_of);
    // Of `serve`: --exec, which is required there, and --concurrency.
    void add_serve_options(Command& command);

  private:
    Option* add_exec(Command& command, const std::string& words);
    Option* add_concurrency(Command& command);
};

// What is consumed, and when it is enough.
struct ExecTask {
    const ExecOptions& options;
    std::string channel;          // for people
    std::string runtime;          // of the agent, for the command's environment; empty: the default
    std::uint64_t count = 0;      // messages acknowledged or rejected; 0: without end
    double silence_seconds = -1;  // below 0: for ever
    bool answers = false;         // requests: the command's output is the answer
};

// Runs until it is enough. Throws Failure: the consumer was closed, standard output was, the
// command cannot be started, or silence came before the count; Interrupted.
void execute(const ExecTask& task, const Interruption& interruption, Consumer& consumer);

}  // namespace bus::cli
