#!/usr/bin/env python3
"""What a relay adds: two agents with a direct link, and two with a hub between, in turns of the same
run, over loopback. Prints the age of messages at the consumer and the throughput of both.

    relay.py [--rounds N] [--seconds N] [--rate N]

BUS_AGENT is the agent, BUS_FAULT the folder of `fault_producer`, BUS_GATEWAYS that of `counter`.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "gateways"))

# pylint: disable=wrong-import-position
from agent import Agent
from apps import Book, Producer, keep_address
from scale import Program


class Path:
    """Agents in a row, each linked with the next; those between relay. Use as a context manager."""

    def __init__(self, name, hops):
        self.name = name
        self._stack = contextlib.ExitStack()
        self.agents = [self._stack.enter_context(
            Agent(f"{name}{i}", listen=True, **({"relay": True} if 0 < i < hops else {})))
            for i in range(hops + 1)]
        for agent in self.agents:
            agent.start()
            keep_address(agent)
            agent.stop()
        for agent, following in zip(self.agents, self.agents[1:]):
            address = following.settings["listen"][0]
            agent.add_peer(following.name, following.public_key, address)
            following.add_peer(agent.name, agent.public_key)
        for agent in self.agents:
            agent.start()
        self.counter = self._stack.enter_context(
            Program("counter", "relay.**", runtime=self.agents[-1].runtime))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def send(self, seconds, *options):
        """(messages per second, median of the p50 ages, median of the p99 ages in micros)."""
        producer = Producer(Book(), self.agents[0].runtime, "topic", "relay.test",
                            "--wait-for-destination", *options)
        try:
            begun = self.counter.state.get("got", 0)
            self.counter.wait_for("got", begun + 1)
            first, begin, ages = self.counter.state["got"], time.monotonic(), []
            while time.monotonic() < begin + seconds:
                state = dict(self.counter.state)
                self.counter.wait_for("got", state["got"] + 1)
                ages.append((state["p50_micros"], state["p99_micros"]))
            rate = (self.counter.state["got"] - first) / (time.monotonic() - begin)
            producer.stop()
        finally:
            producer.kill()
        return rate, *(statistics.median(column) for column in zip(*ages))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rate", type=int, default=2000, help="while ages are measured")
    options = parser.parse_args()
    kinds = {
        f"{options.rate}/s, one by one": ("--rate", options.rate, "--batch", 1),
        "as fast as it goes, full batches": ("--window", 200_000),
        "as fast as it goes, one by one": ("--batch", 1),
    }
    with Path("direct", 1) as direct, Path("relayed", 2) as relayed:
        for what, arguments in kinds.items():
            results = {path.name: [] for path in (direct, relayed)}
            for _ in range(options.rounds):
                for path in (direct, relayed):
                    results[path.name].append(path.send(options.seconds, *arguments))
            print(what)
            rates = []
            for name, rows in results.items():
                rate, p50, p99 = (statistics.median(column) for column in zip(*rows))
                rates.append(rate)
                print(f"  {name:<8} {rate:>12,.0f} messages/s   p50 {p50:>9,.0f} us   p99 {p99:>9,.0f} us")
            print(f"  relayed / direct: {rates[1] / rates[0]:.2f}", flush=True)


if __name__ == "__main__":
    main()
