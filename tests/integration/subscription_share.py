"""A durable subscription beyond its share lapses with a real journal; its publishers go on, its app hears of it."""

import json
import unittest

import cases
from agent import Agent, App
from command import bus, start_bus, words_for

CHUNK = b"x" * 60_000
SHARE = {"lapse": {"waiting": "1MiB", "age": "1d"}}


class SubscriptionShare(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris", channels={"sensors.**": SHARE})
        self.addCleanup(self.paris.__exit__)
        self.paris.start()
        self.ask("subscription", "add", "sensors.**", "--durable", "log")

    def ask(self, *command):
        return words_for(self, *command, runtime=self.paris.runtime)

    def publish(self, count):
        """Each is safe before the next one leaves, so none is held back."""
        with App(self.paris.runtime) as here:
            for _ in range(count):
                here.wait_until_safe(here.publish("sensors.a", CHUNK))
            self.assertFalse([reply for reply in here.replies if reply["type"] == "hold"])

    def subscription(self):
        done = bus("subscription", "list", "--json", runtime=self.paris.runtime)
        (one,) = json.loads(done.stdout)
        return one

    def test_the_oldest_lapse_and_it_is_told_everywhere(self):
        self.publish(100)
        one = self.subscription()
        self.assertEqual(one["share_bytes"], 1024 * 1024)
        self.assertLessEqual(one["waiting_bytes"], 1024 * 1024)
        lapsed = one["gaps"]["lapsed"]
        self.assertEqual(lapsed + one["waiting_messages"], 100)
        self.assertEqual(one["account"]["lapsed"], lapsed)
        self.paris.wait_for_line("subscription log: it has collected more than its share")
        for command in (["status"], ["subscription", "list"]):
            self.assertIn(f"{lapsed} lost: {lapsed} lapsed; last {lapsed} on sensors.a, lapsed",
                          self.ask(*command))

    def test_what_is_on_disk_lapses_after_a_crash_and_its_app_hears_of_all(self):
        self.publish(100)
        # What it has lost is in the journal within a second.
        self.paris.wait_for_status(lambda status: status["journal"]["live_bytes"] < 1_100_000)
        before = self.subscription()["gaps"]["lapsed"]
        self.publish(1)
        self.paris.kill()
        self.paris.start()
        self.publish(50)
        one = self.subscription()
        self.assertLessEqual(one["waiting_bytes"], 1024 * 1024)
        waiting = one["waiting_messages"]
        self.assertGreaterEqual(one["gaps"]["lapsed"], 50)
        with App(self.paris.runtime) as reader:
            reader.subscribe(7, "sensors.**", durable="log")
            gap = reader.next_reply("gap")
            self.assertEqual((gap["id"], gap["reason"], gap["channel"]),
                             (7, "lapsed", "sensors.a"))
            self.assertEqual(gap["untold"], gap["total"])
            self.assertGreater(gap["total"], 0)
            self.assertLessEqual(gap["from_micros"], gap["to_micros"])
            for _ in range(waiting):
                reader.ack(reader.delivery())
        status = self.paris.wait_for_status(lambda status: status["journal"]["live_bytes"] == 0)
        self.assertTrue(all(account["balances"] for account in status["accounts"]))
        self.assertGreater(before, 0)

    def test_bus_subscribe_says_what_will_never_come(self):
        self.publish(40)
        lapsed = self.subscription()["gaps"]["lapsed"]
        reading = start_bus("subscribe", "sensors.**", "--durable", "log", "--count", "1",
                            runtime=self.paris.runtime)
        _, said = reading.communicate(timeout=20)
        self.assertEqual(reading.returncode, 0)
        self.assertIn(f"bus: {lapsed} messages will never come; last {lapsed} on sensors.a, "
                      "lapsed", said.decode())

    def test_a_larger_share_is_read_with_the_configuration(self):
        self.paris.settings["subscriptions"] = {
            "log": {"filter": "sensors.**", "lapse": {"waiting": "8MiB"}}}
        self.paris.write_config()
        self.assertIn("subscription log: lapse waiting 8MiB, was not set", self.ask("reload"))
        self.publish(40)
        one = self.subscription()
        self.assertEqual((one["gaps"]["total"], one["waiting_messages"]), (0, 40))


if __name__ == "__main__":
    cases.main()
