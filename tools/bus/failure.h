// How a command ends: the exit codes of `bus`, and the exceptions that carry
// one to main. bus.1 and `bus --help` document them.
#pragma once

#include <bus/error.h>

#include <string>

namespace bus::cli {

enum class ExitCode {
    ok = 0,
    failed = 1,          // something was not done: a message refused, an error of the system
    usage = 2,           // the command line is wrong, or there is no such subcommand
    no_agent = 3,        // no agent answers
    too_few = 4,         // --timeout ended a consumer before --count was reached, or a request
    output = 5,          // standard output was closed or could not be written
    no_destination = 6,  // --require-destination: messages had nobody to go to; no responders
    interrupted = 130,
};

// The text says what happened and what to do next.
class Failure : public Error {
  public:
    Failure(ExitCode code, const std::string& text) : Error(text), code_(code) {}
    ExitCode code() const noexcept { return code_; }

  private:
    ExitCode code_;
};

// Ctrl-C or SIGTERM; what there is to say about it has been said.
class Interrupted : public Failure {
  public:
    Interrupted() : Failure(ExitCode::interrupted, "interrupted") {}
};

}  // namespace bus::cli
