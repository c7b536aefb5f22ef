#!/usr/bin/env python3
"""Two agents, a line between them and what happens to lines. While a fault lasts, messages go on
getting receipts; when it is over, everything comes through by itself, and G1 to G6 hold.

Most of the time these cases wait for a silence to be noticed, so they run beside each other."""

import signal
import unittest

import sandbox

if __name__ == "__main__":
    sandbox.enter()

# pylint: disable=wrong-import-position
import cases
from cluster import Cluster, wait_until_down, wait_until_up
from impairment import BadLine
from name_server import NameServer, use_own_name_server
from network import Line, Nat

BESIDE = 10


class Pair(Cluster):
    """`near` dials `far`; a topic flows from near to far, a queue back. `connect(near's host, far's
    host)` makes the line: something with `ends`."""

    def __init__(self, case, connect=Line):
        super().__init__(case)
        self.near, self.far = self.agent("near"), self.agent("far")
        self.line = connect(self.near.host, self.far.host)
        self.near_port = self.line.ends.get(self.near.host)
        self.far_port = self.line.ends.get(self.far.host)
        self.introduce(self.near, self.far, self.far_port.address)

    def start(self, rate=200):
        super().start()
        self.wait_for_links()
        self.topic = self.flow(self.near, self.far, rate=rate)
        self.queue = self.flow(self.far, self.near, "queue", rate=rate)
        return self

    def both_notice(self):
        wait_until_down(self.near, self.far)
        wait_until_down(self.far, self.near)

    def interrupted(self, begin, end, notice=None):
        """Traffic, a fault that somebody notices, traffic that waits, the fault's end, traffic."""
        self.start()
        self.wait_for_more(100)
        begin()
        (notice or self.both_notice)()
        self.wait_for_more_safe(100)
        end()
        self.wait_for_links()
        self.wait_for_more(300)
        self.finish()


class Broken(unittest.TestCase):
    def test_a_link_that_is_down(self):
        with Pair(self) as pair:
            pair.interrupted(pair.near_port.down, pair.near_port.up)

    def test_a_link_that_drops_everything_in_silence(self):
        def drop():
            pair.near_port.lose_arriving()
            pair.far_port.lose_arriving()

        def heal():
            pair.near_port.heal()
            pair.far_port.heal()
        with Pair(self) as pair:
            pair.interrupted(drop, heal)

    def test_an_idle_link_that_drops_everything_in_silence(self):
        with Pair(self) as pair:
            Cluster.start(pair)
            pair.wait_for_links()
            for port in (pair.near_port, pair.far_port):
                port.lose_arriving()
            pair.both_notice()
            for port in (pair.near_port, pair.far_port):
                port.heal()
            pair.wait_for_links()
            pair.flow(pair.near, pair.far)
            pair.flow(pair.far, pair.near, "queue")
            pair.wait_for_more(100)
            pair.finish()

    def test_a_connection_that_is_reset(self):
        with Pair(self) as pair:
            pair.interrupted(pair.far_port.reset_arriving, pair.far_port.heal,
                             lambda: wait_until_down(pair.near, pair.far))

    def test_a_line_that_loses_everything_towards_the_dialler(self):
        with Pair(self) as pair:
            pair.interrupted(pair.near_port.lose_arriving, pair.near_port.heal)

    def test_a_line_that_loses_everything_towards_the_listener(self):
        with Pair(self) as pair:
            pair.interrupted(pair.far_port.lose_arriving, pair.far_port.heal)

    def test_a_line_of_ipv6_that_loses_everything(self):
        with Pair(self, lambda near, far: Line(near, far, version=6)) as pair:
            pair.interrupted(pair.near_port.lose_arriving, pair.near_port.heal)

    def test_one_of_two_lines_that_loses_everything(self):
        with Cluster(self) as cluster:
            near, far = cluster.agent("near"), cluster.agent("far")
            lines = [Line(near.host, far.host) for _ in range(2)]
            cluster.introduce(near, far, *(line.ends[far.host].address for line in lines))
            far.start()
            near.start()
            cluster.wait_for_links()
            cluster.flow(near, far)
            cluster.wait_for_more(100)
            lines[0].ends[near.host].lose_arriving()
            wait_until_down(near, far)
            wait_until_up(near, far)
            cluster.wait_for_more(300)
            cluster.finish()

    def test_a_peer_that_is_stopped_and_goes_on(self):
        with Pair(self) as pair:
            pair.start()
            pair.wait_for_more(100)
            pair.far.signal(signal.SIGSTOP)
            wait_until_down(pair.near, pair.far)
            pair.topic.wait_for_more_safe(100)
            pair.far.signal(signal.SIGCONT)
            pair.wait_for_links()
            pair.wait_for_more(300)
            pair.finish()


class Nats(unittest.TestCase):
    def test_a_nat_that_forgets_its_connections_and_takes_another_port(self):
        class ThroughNat:
            def __init__(self, inside, outside):
                self.nat = Nat(inside, outside)
                self.ends = {inside: self.nat.inner.ends[inside],
                             outside: self.nat.outer.ends[outside]}
        with Pair(self, ThroughNat) as pair:
            pair.start()
            pair.wait_for_more(100)
            pair.line.nat.restart()
            wait_until_down(pair.near, pair.far)
            wait_until_up(pair.near, pair.far)
            pair.wait_for_links()
            pair.wait_for_more(300)
            pair.finish()


class Bad(unittest.TestCase):
    def test_a_line_of_50_kbit_carries_large_messages_and_stays_up(self):
        with Pair(self) as pair:
            Cluster.start(pair)
            pair.wait_for_links()
            pair.watch_links()
            for port in (pair.near_port, pair.far_port):
                port.limit_leaving("50kbit")
            large = pair.flow(pair.near, pair.far, options=(
                "--count", 1, "--large-every", 1, "--large-size", 200_000))
            large.producer.wait_for_word("done")
            large.book.wait_for_all()
            pair.finish()
            self.assertEqual(pair.links_lost(), [])

    def test_a_line_that_takes_200_ms_and_loses_every_twentieth_packet(self):
        with Pair(self, lambda near, far: BadLine(near, far, 0.1, 0.05, seed=7)) as pair:
            pair.keep(pair.line)
            pair.start(rate=50)
            pair.watch_links()
            pair.wait_for_more(300)
            pair.finish()
            # Whoever asks first measures; the other has answered and need not ask.
            pair.near.wait_for_status(
                lambda status: max(rtt(status), rtt(pair.far.status())) >= 200_000)
            self.assertGreater(pair.line.lost, 0)
            self.assertEqual(pair.links_lost(), [])


def rtt(status):
    return status["links"][0]["rtt_micros"]


class Names(unittest.TestCase):
    def test_a_name_that_is_looked_up_slowly_delays_nobody_else(self):
        use_own_name_server()
        with Cluster(self) as cluster:
            near = cluster.agent("near")
            others = {name: cluster.agent(name) for name in ("slow", "quick", "numeric")}
            lines = {name: Line(near.host, far.host) for name, far in others.items()}
            addresses = {name: line.ends[others[name].host].address for name, line in lines.items()}
            for name, far in others.items():
                cluster.introduce(near, far, addresses[name] if name == "numeric" else f"{name}.test")
                far.start()
            names = {f"{name}.test": addresses[name] for name in ("slow", "quick")}
            with NameServer(near.host, names, ["slow.test"]) as server:
                near.start()
                self.assertTrue(server.asked.wait(10))
                for name in ("quick", "numeric"):
                    wait_until_up(near, others[name], 15)  # a resolver gives up after 20 s
                wait_until_down(near, others["slow"])
                server.release()
                wait_until_up(near, others["slow"])
                for far in others.values():
                    cluster.flow(near, far)
                cluster.wait_for_more(100)
                cluster.finish()


if __name__ == "__main__":
    cases.main(BESIDE)
