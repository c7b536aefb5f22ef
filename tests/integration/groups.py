"""Subscription groups: one copy of each message for consumers on any hosts, whatever dies meanwhile."""

import json
import unittest

import cases
from agent import Agent, App
from command import bus, start_bus, words_for

FILTER = "orders.**"


class Groups(unittest.TestCase):
    """paris publishes; tokyo and lima work, behind a hub that relays."""

    def setUp(self):
        self.hub = Agent("hub", listen=True, relay=True)
        self.paris, self.tokyo, self.lima = (Agent(name) for name in ("paris", "tokyo", "lima"))
        spokes = (self.paris, self.tokyo, self.lima)
        for agent in (self.hub, *spokes):
            self.addCleanup(agent.__exit__)
            agent.__enter__()
        for spoke in spokes:
            self.hub.add_peer(spoke.name, spoke.public_key)
        self.hub.start()
        for spoke in spokes:
            spoke.add_peer("hub", self.hub.public_key, self.hub.address)
            spoke.start()
            spoke.wait_for_link("hub")

    def ask(self, *command, of, code=0):
        return words_for(self, *command, runtime=of.runtime, code=code)

    def wait_until_paris_knows(self):
        self.paris.wait_for_status(lambda status: self.crew(status) is not None)

    @staticmethod
    def crew(status):
        return next((group for group in status["groups"]
                     if group["type"] == "group" and group["name"] == "crew"), None)

    def publish(self, *payloads):
        with App(self.paris.runtime) as here:
            for payload in payloads:
                here.wait_until_safe(here.publish("orders.eu", payload))

    def work(self, agent, count, **more):
        """That many of the group's messages, read and acknowledged there."""
        with App(agent.runtime) as worker:
            worker.subscribe(1, FILTER, group="crew", **more)
            done = []
            while len(done) < count:
                delivery = worker.delivery()
                done += delivery.payloads
                worker.ack(delivery)
            agent.wait_for_status(lambda status: self.crew(status)["unacknowledged"] == 0)
            return done

    def test_two_hosts_share_and_each_message_is_worked_on_once(self):
        workers = [start_bus("subscribe", FILTER, "--group", "crew", runtime=agent.runtime)
                   for agent in (self.tokyo, self.lima)]
        for agent in (self.tokyo, self.lima):
            agent.wait_for_status(lambda status: self.crew(status) is not None)
        self.paris.wait_for_status(lambda status: sum(
            agent["interest"] for agent in status["agents"]) == 4)  # each: it exists, it consumes
        sent = [str(number).encode() for number in range(40)]
        with App(self.paris.runtime) as here:
            for payload in sent:
                here.wait_until_safe(here.publish("orders.eu", payload))
        for agent in (self.paris, self.hub, self.tokyo, self.lima):
            agent.wait_for_status(lambda status: all(
                account["waiting"] == 0 for account in status["accounts"]))
        done = []
        for worker in workers:
            worker.terminate()
            said, _ = worker.communicate(timeout=20)
            self.assertGreater(len(said.split()), 0, "each has had some")
            done += said.split()
        self.assertEqual(sorted(done), sorted(sent))

    def test_it_waits_where_it_was_published_over_kills_and_goes_to_whoever_comes(self):
        said = self.ask("subscription", "add", FILTER, "--group", "crew", of=self.tokyo)
        self.assertIn("crew collects orders.** from now on", said)
        self.wait_until_paris_knows()
        self.publish(b"1", b"2")
        self.tokyo.kill()
        self.paris.kill()
        self.paris.start()
        self.publish(b"3")
        self.assertEqual(self.crew(self.paris.status())["waiting_messages"], 3)
        self.assertEqual(self.work(self.lima, 3), [b"1", b"2", b"3"])
        self.paris.wait_for_status(lambda status: self.crew(status)["waiting_messages"] == 0)

    def test_what_a_relay_has_taken_over_survives_its_kill_and_stays_the_group_s(self):
        with App(self.tokyo.runtime) as worker:
            worker.subscribe(1, FILTER, group="crew")
            worker.subscribe(2, FILTER, durable="own")
            self.paris.wait_for_status(lambda status: any(
                agent["interest"] == 3 for agent in status["agents"]))
            self.publish(b"1")
            copies = [worker.delivery() for _ in range(2)]
            self.assertEqual({copy.consumer for copy in copies}, {1, 2})
            for copy in copies:
                worker.ack(copy)
            self.hub.settings["listen"] = [self.hub.address]  # the same again
            self.hub.write_config()
            self.hub.kill()
            self.publish(b"2")
            self.hub.start()
            copies = [worker.delivery() for _ in range(2)]
            self.assertEqual({copy.consumer for copy in copies}, {1, 2})
            self.assertEqual([copy.payloads for copy in copies], [[b"2"], [b"2"]])

    def test_a_name_has_one_meaning_on_a_host_and_ends_where_it_is_removed(self):
        add = ("subscription", "add", FILTER)
        self.ask(*add, "--group", "crew", of=self.tokyo)
        self.assertIn('"crew" is the name of a group of this host',
                      self.ask(*add, "--durable", "crew", of=self.tokyo, code=1))
        self.assertIn('the group "crew" stands with another filter, orders.**', self.ask(
            "subscription", "add", "other", "--group", "crew", of=self.tokyo, code=1))
        self.assertIn("crew group orders.** collecting 0 0",
                      self.ask("subscription", "list", of=self.tokyo))
        self.wait_until_paris_knows()
        self.publish(b"1", b"2")
        self.assertIn("group crew orders.**", self.ask("status", of=self.paris))
        self.assertIn("would be purged: 2 messages", self.ask(
            "subscription", "purge", "crew", "--dry-run", of=self.paris))
        self.assertIn("crew is removed", self.ask("subscription", "remove", "crew", of=self.tokyo))
        self.paris.wait_for_status(lambda status: self.crew(status) is None)
        self.paris.wait_for_line("2 messages dropped here")

    def test_the_configuration_declares_one(self):
        self.lima.settings["subscriptions"] = {"crew": {"filter": FILTER, "group": True}}
        self.lima.write_config()
        self.assertIn("subscription crew: declared as a group, filter orders.**",
                      self.ask("reload", of=self.lima))
        self.wait_until_paris_knows()
        self.publish(b"1")
        self.assertEqual(self.work(self.tokyo, 1), [b"1"])
        listed = json.loads(bus("subscription", "list", "--json", runtime=self.lima.runtime).stdout)
        self.assertEqual([(one["name"], one["type"], one["configured"]) for one in listed],
                         [("crew", "group", True)])


if __name__ == "__main__":
    cases.main()
