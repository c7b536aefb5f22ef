"""Agents on hosts of a network, the flows of messages between them, and the check that after whatever
happened to the lines G1 to G6 hold."""

import contextlib

import agent as agents
from agent import Agent
from apps import Book, Consumer, Producer, memory_high_water, wait_until_settled
from network import Host

PORT = 7700
MEMORY_MAX = 96 * 1024 * 1024  # resident, of an agent; a window in memory and libzmq's buffers
agents.ASK_AGAIN = 0.1  # several clusters wait beside each other, most of the time for silence
SILENCE_PATIENCE = 60.0  # seconds until a peer that says nothing must be known to be gone


class Flow:
    """One producer at `source`, one consumer at `sink`, and the book of what passes between them. Of
    a topic the consumer is durable, so that messages wait for it."""

    def __init__(self, source, sink, kind, options):
        self.source, self.sink, self.kind, self.options = source, sink, kind, options
        self.channel = f"net.{source.name}.{sink.name}.{kind}"
        self.book = Book()
        self.producer = self.consumer = None

    def start_consumer(self):
        durable = ("--durable", self.channel) if self.kind == "topic" else ()
        self.consumer = Consumer(self.book, self.sink.runtime, self.kind, self.channel, *durable)
        self.consumer.wait_for_word("ready")

    def start_producer(self):
        self.producer = Producer(self.book, self.source.runtime, self.kind, self.channel,
                                 *self.options)

    def wait_for_more(self, messages):
        self.more(messages)()

    def wait_for_more_safe(self, messages):
        self.more_safe(messages)()

    def more(self, messages):
        """A wait, to be called, until so many more than now have come through."""
        goal = self.book.got + messages
        return lambda: self.book.wait_for(lambda: self.book.got >= goal,
                                          f"{messages} more on {self.channel}")

    def more_safe(self, messages):
        """The same for receipts."""
        goal = self.book.safe + messages
        return lambda: self.book.wait_for(lambda: self.book.safe >= goal,
                                          f"{messages} more receipts on {self.channel}")

    def stop_programs(self):
        for program in (self.producer, self.consumer):
            if program:
                program.kill()

    def check(self, case):
        case.assertEqual(self.book.lost(), [], "G1: lost")
        case.assertEqual(self.book.complaints, [], str(self.book))


class Cluster:
    """Use as a context manager."""

    def __init__(self, case):
        self.case = case
        self.agents, self.flows = [], []
        self._watched = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for flow in self.flows:
            flow.stop_programs()
        self._stack.close()

    def agent(self, name, **settings):
        """An agent on a host of its own. Not started."""
        host = Host(name)
        made = self._stack.enter_context(Agent(name, prefix=host.prefix, **settings))
        made.host = host
        self.agents.append(made)
        return made

    def keep(self, line):
        """A line that must be taken down in the end."""
        return self._stack.enter_context(line)

    @staticmethod
    def introduce(dialler, listener, *addresses):
        """They know each other; the listener's host has these addresses, or names."""
        hosts = [f"[{address}]" if ":" in str(address) else address for address in addresses]
        everywhere = "[::]" if any(":" in str(address) for address in addresses) else "0.0.0.0"
        listener.settings["listen"] = [f"tcp://{everywhere}:{PORT}"]
        listener.add_peer(dialler.name, dialler.public_key)
        dialler.add_peer(listener.name, listener.public_key,
                         *(f"tcp://{host}:{PORT}" for host in hosts))

    def start(self):
        for agent in self.agents:
            agent.start()

    def flow(self, source, sink, kind="topic", rate=200, options=()):
        """A flow that runs from now on; both agents are up, and all between them."""
        options = ("--rate", rate, *(("--wait-for-destination",) if kind == "topic" else ()), *options)
        made = Flow(source, sink, kind, options)
        self.flows.append(made)
        made.start_consumer()
        made.start_producer()
        return made

    def wait_for_more(self, messages):
        """So many more have come through in each flow."""
        for wait in [flow.more(messages) for flow in self.flows]:
            wait()

    def wait_for_more_safe(self, messages):
        """So many more have receipts in each flow."""
        for wait in [flow.more_safe(messages) for flow in self.flows]:
            wait()

    def wait_for_links(self, patience=SILENCE_PATIENCE):
        """Every link of every agent is up."""
        for agent in self.agents:
            agent.wait_for_status(lambda status: all(
                link["state"] == "up" for link in status["links"]), patience)

    def watch_links(self):
        """From now on links_lost() tells what the logs say of links that ended."""
        self._watched = {agent: len(agent.lines) for agent in self.agents}

    def links_lost(self):
        return [line for agent, begin in self._watched.items() for line in agent.lines[begin:]
                if "reconnecting" in line or "next attempt" in line]

    def finish(self):
        """Lets everything come through, and checks that G1 to G6 held."""
        for flow in self.flows:
            flow.producer.stop()
        for flow in self.flows:
            flow.book.wait_for_all()
        wait_until_settled(self.case, *self.agents)
        for flow in self.flows:
            flow.consumer.stop()
            flow.check(self.case)
            print(f"{self.case.id()}: {flow.channel}: {flow.book}", flush=True)
        for agent in self.agents:
            self.case.assertLess(memory_high_water(agent), MEMORY_MAX, f"G6: {agent.name}")


def wait_until_down(agent, peer, patience=SILENCE_PATIENCE):
    agent.wait_for_status(lambda status: any(
        link["peer"] == peer.name and link["state"] != "up" for link in status["links"]), patience)


def wait_until_up(agent, peer, patience=SILENCE_PATIENCE):
    agent.wait_for_status(lambda status: any(
        link["peer"] == peer.name and link["state"] == "up" for link in status["links"]), patience)

