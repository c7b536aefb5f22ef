// The subcommands of `bus`. Each describes its options to the command line
// and, when it is the one called, says what is to be run.
#pragma once

#include <functional>

namespace bus::cli {

class Command;
class Interruption;

// What the command line asks for; its result is the exit code.
using Chosen = std::function<int()>;

void add_identity(Command& bus, Chosen& chosen);
void add_keygen(Command& bus, Chosen& chosen);
void add_publish(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_send(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_subscribe(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_receive(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_subscription(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_request(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_serve(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_reload(Command& bus, Chosen& chosen);
void add_status(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_route(Command& bus, Chosen& chosen);
void add_why(Command& bus, Chosen& chosen);
void add_peer(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_listen(Command& bus, Chosen& chosen);
void add_peer_add(Command& peer, Chosen& chosen);
void add_peer_remove(Command& peer, Chosen& chosen);
void add_drain(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_dead(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_tap(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_ping(Command& bus, Chosen& chosen, const Interruption& interruption);
void add_bench(Command& bus, Chosen& chosen, const Interruption& interruption);
// Hidden: the processes that `bus bench` starts.
void add_bench_role(Command& bus, Chosen& chosen);

}  // namespace bus::cli
