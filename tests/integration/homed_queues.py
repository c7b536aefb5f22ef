"""Homed queues: one agent keeps them, for senders and consumers of several hosts."""

import json
import unittest

import zmq

import cases
from agent import PATIENCE, App, pair_for, start_pair
from command import bus, bus_for, start_bus, words_for

AT_PARIS = {"orders": {"kind": "queue", "home": "paris"}}


class HomedQueues(unittest.TestCase):
    """paris keeps the queue; tokyo dials it, sends and consumes."""

    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        for agent in (self.paris, self.tokyo):
            agent.settings["channels"] = AT_PARIS
            agent.write_config()

    def start_pair(self):
        start_pair(self.paris, self.tokyo)
        self.paris.settings["listen"] = [self.paris.address]  # also after a restart
        self.paris.write_config()

    def send(self, agent, *texts, options=()):
        for text in texts:
            bus_for(self, "send", "orders", text, *options, runtime=agent.runtime)

    def waiting(self, agent):
        return sum(group["waiting_messages"] for group in agent.status()["groups"]
                   if group["name"] == "orders")

    def receive(self, agent, count):
        done = bus("receive", "orders", "--count", str(count), "--timeout", "20", "--format",
                   "json", runtime=agent.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["payload"] for line in done.stdout.splitlines()]

    def kept_at_paris(self, count):
        self.paris.wait_for_status(lambda status: any(
            group["name"] == "orders" and group["waiting_messages"] == count
            for group in status["groups"]))

    def attached(self, agent, count):
        return agent.wait_for_status(lambda status: any(
            group["name"] == "orders" and group["consumers"] == count and
            group["unattached"] == 0 for group in status["groups"]))

    def test_the_home_keeps_it_in_order_and_serves_consumers_elsewhere(self):
        self.start_pair()
        self.send(self.tokyo, "1", "2")
        self.send(self.paris, "3")
        self.send(self.tokyo, "4")
        self.kept_at_paris(4)
        self.assertEqual(self.waiting(self.tokyo), 0)
        self.assertEqual(self.receive(self.tokyo, 3), ["1", "2", "3"])
        self.assertEqual(self.receive(self.paris, 1), ["4"])
        for agent in (self.paris, self.tokyo):
            agent.wait_for_status(lambda status: all(
                account["balances"] and account["waiting"] == 0 for account in status["accounts"]))

    def test_neither_a_kill_of_the_home_nor_of_the_consumer_loses_or_settles_anything(self):
        self.start_pair()
        with App(self.tokyo.runtime) as worker:
            worker.subscribe(1, "orders", kind="queue")
            self.attached(self.tokyo, 1)
            self.send(self.tokyo, "1")
            had = worker.delivery()
            self.assertEqual(had.payloads, [b"1"])
            self.paris.kill()
            self.send(self.tokyo, "2")  # safe at tokyo
            self.paris.start()
            worker.ack(had)  # of the home's earlier start: it counts for nothing
            again = worker.delivery()
            self.assertEqual(again.payloads, [b"1"])
            self.assertTrue(again.redelivered)
            self.tokyo.kill()
        self.tokyo.start()
        self.tokyo.wait_for_link("paris")
        self.kept_at_paris(2)
        self.assertEqual(self.receive(self.tokyo, 2), ["1", "2"])

    def test_status_why_and_route_name_the_home(self):
        self.start_pair()
        worker = start_bus("receive", "orders", "--count", "1", "--timeout", "20",
                           runtime=self.tokyo.runtime)
        self.attached(self.tokyo, 1)
        self.assertIn("queue, kept by paris", words_for(self, "status", runtime=self.tokyo.runtime))
        status = words_for(self, "status", runtime=self.paris.runtime)
        self.assertIn("queue, kept here", status)
        self.assertIn("1 (1 elsewhere)", status)
        why = bus("why", "orders", runtime=self.tokyo.runtime).stdout.decode().split()
        self.assertIn("paris keeps it and is within reach; of this host it has 1 consumer",
                      " ".join(why))
        self.assertIn("this agent keeps it",
                      bus("why", "orders", runtime=self.paris.runtime).stdout.decode())
        self.assertIn("paris keeps the queue",
                      words_for(self, "route", "--queue", "orders", runtime=self.tokyo.runtime))
        self.send(self.paris, "1")
        self.assertEqual(worker.communicate(timeout=20)[0], b"1\n")

    def test_before_the_home_was_met_all_is_refused_by_name_and_after_that_it_waits(self):
        self.tokyo.add_peer("paris", self.paris.public_key, "tcp://127.0.0.1:1")
        self.tokyo.start()
        for command in (("send", "orders", "1"), ("receive", "orders", "--count", "1")):
            done = bus(*command, runtime=self.tokyo.runtime)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"orders is kept by paris (\"home\"), which this agent has not met yet",
                          done.stderr)

    def test_one_key_is_worked_on_by_one_at_a_time(self):
        self.start_pair()
        with App(self.tokyo.runtime) as one, App(self.paris.runtime) as other:
            for worker in (one, other):
                worker.subscribe(1, "orders", kind="queue")
            self.attached(self.paris, 2)
            self.send(self.paris, "1", "2", options=("--header", "key=ada"))
            first, whose = self.delivery_of(one, other)
            self.assertEqual(first.payloads, [b"1"])
            self.paris.wait_for_status(lambda status: any(
                group["name"] == "orders" and group["waiting_messages"] == 2 and
                group["unacknowledged"] == 1 for group in status["groups"]))
            whose.ack(first)
            self.assertEqual(whose.delivery().payloads, [b"2"])

    def delivery_of(self, *workers):
        """The next one, and whose it is."""
        poller = zmq.Poller()
        for worker in workers:
            poller.register(worker.socket, zmq.POLLIN)
        ready = dict(poller.poll(PATIENCE * 1000))
        whose = next(worker for worker in workers if worker.socket in ready)
        return whose.delivery(), whose

    def test_a_reload_moves_the_home_and_its_consumers_follow(self):
        self.start_pair()
        self.send(self.tokyo, "1")
        self.kept_at_paris(1)
        worker = start_bus("receive", "orders", "--count", "1", "--timeout", "20",
                           runtime=self.paris.runtime)
        self.assertEqual(worker.communicate(timeout=20)[0], b"1\n")
        for agent in (self.tokyo, self.paris):
            agent.settings["channels"] = {"orders": {"kind": "queue", "home": "tokyo"}}
            agent.write_config()
            self.assertIn("home", words_for(self, "reload", runtime=agent.runtime))
        self.send(self.paris, "2")
        self.assertEqual(self.receive(self.paris, 1), ["2"])


if __name__ == "__main__":
    cases.main()
