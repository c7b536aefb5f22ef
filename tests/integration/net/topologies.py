#!/usr/bin/env python3
"""Networks of more than two agents: what they carry while lines are cut and agents are killed. After
each, G1 to G6 hold."""

import unittest

import sandbox

if __name__ == "__main__":
    sandbox.enter()

# pylint: disable=wrong-import-position
import cases
from cluster import Cluster, wait_until_down
from network import Line, Switch

BESIDE = 3


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


if __name__ == "__main__":
    cases.main(BESIDE)
