// Many field gateways as link peers of one hub, in one process; scale.py measures the hub with it.
//
//     gateways COUNT --hub ENDPOINT --hub-key KEY --peers FOLDER [--filters N] [--durable]
//
// Writes the hub's peers.d first and says "ready" on standard output. Commands on standard input:
//
//     connect        all dial, each after its first pause
//     publish RATE   each publishes so many messages a second from now on; 0: no more
//     differ         each wants one thing more and does not say so: its digest is another one
//
// The end of standard input ends it. Whenever something changed a line of JSON says what all have
// done together: the rate, and the fields of tally.h.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "bus/error.h"
#include "gateways/fleet.h"

namespace {

// A gateway has two sockets of libzmq's, a monitor's other end, and its connection.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw bus::Error{"no limit of descriptors is known"};
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw bus::Error{"the limit of descriptors cannot be raised"};
}

}  // namespace

int main(int argc, char** argv) {
    using namespace bus::bench;
    std::size_t count = 0;
    HubAddress hub;
    Job job;
    std::string peers;
    CLI::App app{"simulates field gateways"};
    app.add_option("count", count)->required();
    app.add_option("--hub", hub.endpoint, "tcp://address:port")->required();
    app.add_option("--hub-key", hub.key, "Z85")->required();
    app.add_option("--peers", peers, "the hub's peers.d")->required();
    app.add_option("--filters", job.filters, "subscriptions of each");
    app.add_option("--payload", job.payload, "bytes of a message");
    app.add_flag("--durable", job.durable, "their subscriptions are durable");
    CLI11_PARSE(app, argc, argv);
    try {
        raise_descriptor_limit();
        Fleet fleet{count, hub, job};
        fleet.write_peers(peers);
        std::puts("ready");
        std::fflush(stdout);
        fleet.run();
    } catch (const std::exception& error) {
        std::cerr << "gateways: " << bus::describe(error) << '\n';
        return 1;
    }
}
