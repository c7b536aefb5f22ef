#!/usr/bin/env python3
"""Random faults for as long as you like on a network of real agents under full load; not among the
tests that run each time. After every round G1 to G6 must hold.

    campaign.py ring|hubs|chain|mesh [--rounds N] [--seed N]

BUS_AGENT, BUS_FAULT and PYTHONPATH as in meson.build.
"""

import argparse
import random
import signal
import time
import unittest

import sandbox

if __name__ == "__main__":
    sandbox.enter()

# pylint: disable=wrong-import-position
from topologies import Network

FAULTS_AT_ONCE = 2


def ring(net):
    names = [f"r{i}" for i in range(5)]
    net.add(*names)
    for i, name in enumerate(names):
        net.join(name, names[(i + 1) % 5])
    return [(names[i], names[(i + 2) % 5]) for i in range(5)]


def hubs(net):
    spokes = [f"s{i}" for i in range(4)]
    net.add("hub1", "hub2", *spokes)
    for spoke in spokes:
        net.join(spoke, "hub1")
        net.join(spoke, "hub2")
    return [(spokes[i], spokes[(i + 1) % 4]) for i in range(4)]


def chain(net):
    names = ["left", "hub1", "hub2", "right"]
    net.add(*names)
    for one, other in zip(names, names[1:]):
        net.join(one, other)
    return [("left", "right"), ("right", "left"), ("left", "hub2")]


def mesh(net):
    names = [f"m{i}" for i in range(4)]
    net.add(*names)
    for i, one in enumerate(names):
        for other in names[i + 1:]:
            net.join(one, other)
    return [(names[i], names[(i + 1) % 4]) for i in range(4)]


TOPOLOGIES = {"ring": ring, "hubs": hubs, "chain": chain, "mesh": mesh}


class Fault:
    """Something that happens to a line or an agent until it is ended."""

    def __init__(self, name, begin, end):
        self.name, self.begin, self.end = name, begin, end


def any_fault(net, chance):
    dialler, listener = chance.choice(list(net.lines))
    port = chance.choice(list(net.lines[dialler, listener]))
    agent = chance.choice(net.agents)
    line = f"{dialler}-{listener}"
    return chance.choice([
        Fault(f"{line} down", port.down, port.up),
        Fault(f"{line} loses one way", port.lose_arriving, port.heal),
        Fault(f"{line} resets", port.reset_arriving, port.heal),
        Fault(f"{agent.name} killed", agent.kill, agent.start),
        Fault(f"{agent.name} stopped", lambda: agent.signal(signal.SIGSTOP),
              lambda: agent.signal(signal.SIGCONT)),
    ])


def play(case, topology, seed, rounds):
    chance = random.Random(f"{topology} {seed}")
    print(f"campaign.py {topology} --rounds {rounds} --seed {seed}", flush=True)
    with Network(case, relays=["hub1", "hub2", *(f"{c}{i}" for c in "rm" for i in range(5))]) as net:
        pairs = TOPOLOGIES[topology](net)
        net.start()
        for source, sink in pairs:
            net.flow(net[source], net[sink], rate=chance.choice([100, 1000]))
            net.flow(net[source], net[sink], "queue", rate=chance.choice([100, 1000]),
                     options=("--large-every", 300, "--large-size", 300_000))
        for number in range(rounds):
            net.wait_for_more(chance.randint(1, 500))
            # One for each agent or line: what one fault ends another must not have begun.
            faults = list({fault.name.split()[0]: fault for fault in
                           (any_fault(net, chance) for _ in range(FAULTS_AT_ONCE))}.values())
            print(f"{number}: {', '.join(fault.name for fault in faults)}", flush=True)
            for fault in faults:
                fault.begin()
            time.sleep(chance.uniform(0.1, 15))  # what is random is when it ends
            for fault in reversed(faults):
                fault.end()
            net.wait_for_links()
        net.wait_for_more(1)
        net.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topology", choices=TOPOLOGIES)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    play(unittest.TestCase(), options.topology, options.seed, options.rounds)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
