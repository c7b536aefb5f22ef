#!/usr/bin/env python3
"""Networks of more than two agents: what they carry while lines are cut and agents are killed. After
each, G1 to G6 hold."""

import contextlib
import unittest

import sandbox

if __name__ == "__main__":
    sandbox.enter()

# pylint: disable=wrong-import-position
import cases
from cluster import Cluster, wait_until_down
from network import Line, Switch

BESIDE = 6


class Network(Cluster):
    """Agents by name, and the lines that join them."""

    def __init__(self, case, relays=()):
        super().__init__(case)
        self.lines = {}
        self._relays = set(relays)

    def __getitem__(self, name):
        return next(agent for agent in self.agents if agent.name == name)

    def add(self, *names):
        for name in names:
            self.agent(name, **({"relay": True} if name in self._relays else {}))

    def join(self, dialler, listener):
        line = self.lines[dialler, listener] = Line(self[dialler].host, self[listener].host)
        self.introduce(self[dialler], self[listener], line.ends[self[listener].host].address)

    def port(self, dialler, listener):
        """The dialler's end of their line."""
        return self.lines[dialler, listener].ends[self[dialler].host]

    def start(self):
        super().start()
        self.wait_for_links()
        return self

    def wait_until_owing_nothing(self, name):
        self[name].wait_for_status(lambda status: all(
            account["waiting"] == 0 for account in status["accounts"]))


class Mesh(unittest.TestCase):
    def test_six_agents_each_linked_with_each(self):
        with Network(self) as net:
            names = [f"m{i}" for i in range(6)]
            net.add(*names)
            switch = Switch(*(agent.host for agent in net.agents))
            for i, dialler in enumerate(net.agents):
                for listener in net.agents[i + 1:]:
                    net.introduce(dialler, listener, switch.ends[listener.host].address)
            net.start()
            for i, source in enumerate(net.agents):
                net.flow(source, net.agents[(i + 1) % 6], rate=100)
                net.flow(source, net.agents[(i + 3) % 6], "queue", rate=100)
            net.wait_for_more(50)
            one, other, killed = net.agents[0], net.agents[1], net.agents[4]
            switch.cut(one.host, other.host)
            killed.kill()
            killed.start()
            wait_until_down(one, other)
            net.wait_for_more_safe(50)
            switch.mend(one.host, other.host)
            net.wait_for_links()
            net.wait_for_more(50)
            net.finish()


class Chain(unittest.TestCase):
    def chain(self):
        """Two agents with a hub between them, running."""
        with contextlib.ExitStack() as undo:
            net = undo.enter_context(Network(self, relays=["hub"]))
            net.add("left", "hub", "right")
            net.join("left", "hub")
            net.join("right", "hub")
            net.start()
            undo.pop_all()
        return net

    def test_sender_and_receiver_need_not_be_online_together(self):
        with self.chain() as net:
            there = net.flow(net["left"], net["right"])
            back = net.flow(net["right"], net["left"], "queue")
            net.wait_for_more(100)
            net.port("right", "hub").down()
            wait_until_down(net["hub"], net["right"])
            there.wait_for_more_safe(100)
            there.producer.stop()
            net.wait_until_owing_nothing("left")
            net.port("left", "hub").down()
            wait_until_down(net["hub"], net["left"])
            net.port("right", "hub").up()
            there.book.wait_for_all()
            net.port("left", "hub").up()
            net.wait_for_links()
            back.wait_for_more(100)
            net.finish()

    def test_a_hub_that_is_killed_loses_nothing_that_it_took_over(self):
        with self.chain() as net:
            net.flow(net["left"], net["right"])
            net.flow(net["right"], net["left"], "queue")
            for _ in range(3):
                net.wait_for_more(100)
                net["hub"].kill()
                net.wait_for_more_safe(100)
                net["hub"].start()
                net.wait_for_links()
            net.wait_for_more(100)
            net.finish()


class Hubs(unittest.TestCase):
    def test_a_hub_with_eight_spokes_one_of_which_is_away(self):
        spokes = [f"s{i}" for i in range(8)]
        with Network(self, relays=["hub"]) as net:
            net.add("hub", *spokes)
            for spoke in spokes:
                net.join(spoke, "hub")
            net.start()
            for i, spoke in enumerate(spokes):
                net.flow(net[spoke], net[spokes[(i + 1) % 8]], rate=50)
            for i in range(0, 8, 2):
                net.flow(net[spokes[i]], net[spokes[(i + 3) % 8]], "queue", rate=50)
            net.wait_for_more(50)
            net["s3"].kill()
            net.port("s5", "hub").down()
            wait_until_down(net["hub"], net["s5"])
            net["s3"].start()
            net.port("s5", "hub").up()
            net.wait_for_links()
            net.wait_for_more(50)
            net.finish()

    def test_of_two_hubs_either_carries_everything_alone(self):
        spokes = [f"s{i}" for i in range(4)]
        with Network(self, relays=["hub1", "hub2"]) as net:
            net.add("hub1", "hub2", *spokes)
            for spoke in spokes:
                net.join(spoke, "hub1")
                net.join(spoke, "hub2")
            net.start()
            for i, spoke in enumerate(spokes):
                net.flow(net[spoke], net[spokes[(i + 1) % 4]], rate=50)
                net.flow(net[spoke], net[spokes[(i + 2) % 4]], "queue", rate=50)
            net.wait_for_more(50)
            for hub in ("hub1", "hub2"):
                net[hub].kill()
                net.wait_for_more(100)
                net[hub].start()
                net.wait_for_links()
            net.wait_for_more(50)
            net.finish()


class Ring(unittest.TestCase):
    def test_a_ring_of_five_goes_the_other_way_round(self):
        names = [f"r{i}" for i in range(5)]
        with Network(self, relays=names) as net:
            net.add(*names)
            for i, name in enumerate(names):
                net.join(name, names[(i + 1) % 5])
            net.start()
            for i, name in enumerate(names):
                net.flow(net[name], net[names[(i + 2) % 5]], rate=50)
                net.flow(net[name], net[names[(i + 1) % 5]], "queue", rate=50)
            net.wait_for_more(50)
            for at in (0, 2):
                cut = names[at], names[at + 1]
                net.port(*cut).lose_arriving()
                wait_until_down(net[cut[0]], net[cut[1]])
                net.wait_for_more(100)
                net.port(*cut).heal()
                net.wait_for_links()
            net.wait_for_more(50)
            net.finish()


if __name__ == "__main__":
    cases.main(BESIDE)
