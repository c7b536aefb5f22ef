// The subcommands of `bus`. Each describes its options to the command line
// and, when it is the one called, says what is to be run.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace bus::cli {

class Interruption;

// What the command line asks for; its result is the exit code.
using Chosen = std::function<int()>;

void add_identity(CLI::App& bus, Chosen& chosen);
void add_keygen(CLI::App& bus, Chosen& chosen);
void add_publish(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_send(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_subscribe(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_receive(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_reload(CLI::App& bus, Chosen& chosen);
void add_status(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_route(CLI::App& bus, Chosen& chosen);
void add_why(CLI::App& bus, Chosen& chosen);
void add_peer(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_ping(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
void add_bench(CLI::App& bus, Chosen& chosen, const Interruption& interruption);
// Hidden: the processes that `bus bench` starts.
void add_bench_role(CLI::App& bus, Chosen& chosen);

}  // namespace bus::cli
