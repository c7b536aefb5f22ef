// Where the command's agent is, and what is said when nobody answers there:
// the options that every subcommand shares.
#pragma once

#include <bus/connection.h>

#include <chrono>
#include <string>

#include "failure.h"

namespace bus::cli {

class Command;
class Interruption;

struct Attachment {
    std::string runtime;  // empty: libbus's default
    double connect_seconds = 5;

    void add_options(Command& command);

    ConnectOptions connect_options() const;
    std::chrono::milliseconds connect_timeout() const;
    // Until an agent answers. Throws Failure: none did in time; Interrupted.
    void await_agent(const Connection& bus, const Interruption& interruption) const;
    // The folder in use, for people.
    std::string folder() const;
    // Or why nobody can: this user may not open that socket.
    Failure nobody_answers(const char* socket = "bus.sock") const;
};

}  // namespace bus::cli
