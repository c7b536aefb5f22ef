"""Delayed delivery: `--after`, through kills and restarts of the agent."""

import json
import time
import unittest

import cases
from agent import Agent
from command import bus, bus_for, start_bus, words_for


class Delays(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris").start()
        self.addCleanup(self.paris.__exit__)

    def send(self, text, after):
        bus_for(self, "send", "orders", text, "--after", after, runtime=self.paris.runtime)

    def waiting(self):
        return self.paris.status()["delayed"]

    def receive(self, count):
        done = bus("receive", "orders", "--count", str(count), "--timeout", "20", "--format",
                   "json", runtime=self.paris.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["payload"] for line in done.stdout.splitlines()]

    def test_it_comes_when_it_is_due_and_what_was_sent_since_comes_before(self):
        sent = time.monotonic()
        self.send("later", "1500ms")
        self.assertEqual(self.waiting()["messages"], 1)
        self.assertLessEqual(self.waiting()["next_due_millis"], 1500)
        bus_for(self, "send", "orders", "now", runtime=self.paris.runtime)
        self.assertEqual(self.receive(2), ["now", "later"])
        self.assertGreaterEqual(time.monotonic() - sent, 1.5)
        self.paris.wait_for_status(lambda status: status["delayed"]["messages"] == 0)

    def test_it_outlives_a_kill_and_its_time_runs_meanwhile(self):
        sent = time.monotonic()
        self.send("in a second", "1s")
        self.send("in two", "2s")
        self.send("in an hour", "1h")
        self.paris.kill()
        self.paris.start()
        self.assertEqual(self.waiting()["messages"], 3)
        self.assertEqual(self.receive(2), ["in a second", "in two"])
        self.assertGreaterEqual(time.monotonic() - sent, 2)
        self.paris.wait_for_status(lambda status: status["delayed"]["messages"] == 1)
        self.assertIn("1 delayed message, the next due in 5",
                      words_for(self, "status", runtime=self.paris.runtime))
        self.assertTrue(all(account["balances"] for account in self.paris.status()["accounts"]))

    def test_kills_around_the_moment_lose_nothing(self):
        reader = start_bus("receive", "orders", "--count", "20", "--timeout", "20",
                           runtime=self.paris.runtime)
        lines = "\n".join(str(number) for number in range(20)).encode()
        done = bus("send", "orders", "--lines", "--after", "700ms", stdin=lines,
                   runtime=self.paris.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(2):
            self.paris.kill()
            self.paris.start()
        out, err = reader.communicate(timeout=40)
        self.assertEqual({int(line) for line in out.split()}, set(range(20)), err)

    def test_what_cannot_be_delayed_is_named(self):
        said = words_for(self, "send", "orders", "x", "--after", "400d", code=1,
                         runtime=self.paris.runtime)
        self.assertIn("366 days", said)
        said = words_for(self, "send", "orders", "x", "--after", "10s", "--expires", "5s", code=1,
                         runtime=self.paris.runtime)
        self.assertIn("it would expire before it is due", said)


if __name__ == "__main__":
    cases.main()
