"""Limits of what waits on channels, with a real journal: reached, told, lifted, changed by a reload."""

import unittest

import cases
from agent import Agent, App
from command import words_for

CHUNK = b"x" * 60_000
LIMITS = {"sensors.**": {"limits": {"waiting": "1MiB", "age": "1d"}}}


def of_channels(status):
    (one,) = status["channels"]
    return one


class ChannelLimits(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris", channels=LIMITS)
        self.addCleanup(self.paris.__exit__)
        self.paris.start()
        with App(self.paris.runtime) as away:
            away.subscribe(1, "**", durable="all")

    def ask(self, *command, code=0):
        return words_for(self, *command, runtime=self.paris.runtime, code=code)

    def fill(self, app):
        """Until publishers on sensors.** are held back; returns how many have come safely."""
        for count in range(1, 200):
            app.wait_until_safe(app.publish("sensors.a", CHUNK))
            if of_channels(self.paris.status())["holding"]:
                return count
        self.fail("the limit was never reached")

    def test_a_limit_holds_its_channels_alone_and_ends_with_what_waits(self):
        with App(self.paris.runtime) as here:
            count = self.fill(here)
            self.assertEqual(count, 1024 * 1024 // len(CHUNK) + 1)
            here.wait_until_safe(here.publish("sensors.b", CHUNK))  # what has left is taken
            held = here.next_reply("hold")["channels"]
            self.assertEqual(held[0]["channel"], "sensors.b")
            self.assertIn("what waits on sensors.** has reached its limit, 1048576 bytes",
                          held[0]["reason"])
            here.wait_until_safe(here.publish("orders", CHUNK))
            self.assertIn(f"sensors.** 1.1 MiB {count + 1} 1.0 MiB 24 h publishers are held back",
                          self.ask("status"))
            self.assertIn("what waits on sensors.** has reached its limit",
                          self.ask("why", "sensors.b", code=1))
            with App(self.paris.runtime) as reader:
                reader.subscribe(1, "**", durable="all")
                for _ in range(count + 2):
                    reader.ack(reader.delivery())
            self.assertEqual(here.next_reply("resume")["channels"][0]["channel"], "sensors.b")
            status = self.paris.wait_for_status(
                lambda status: of_channels(status)["waiting_bytes"] == 0)
            self.assertFalse(of_channels(status)["holding"])
            self.assertTrue(all(account["balances"] for account in status["accounts"]))

    def test_what_waits_is_known_after_a_crash_and_to_a_new_limit(self):
        with App(self.paris.runtime) as here:
            self.fill(here)
        self.paris.kill()
        self.paris.start()
        status = self.paris.wait_for_status(lambda status: of_channels(status)["holding"])
        waiting = of_channels(status)["waiting_bytes"]
        self.assertGreaterEqual(waiting, 1024 * 1024)
        self.paris.settings["channels"] = {"sensors.a": {"kind": "topic",
                                                         "limits": {"waiting": "2MiB"}}}
        self.paris.write_config()
        said = self.ask("reload")
        self.assertIn("channels sensors.**: limits none, was waiting 1MiB, age 1d", said)
        self.assertIn("channels topic sensors.a: limits waiting 2MiB, was none", said)
        status = self.paris.wait_for_status(
            lambda status: of_channels(status)["waiting_bytes"] == waiting)
        self.assertEqual(of_channels(status)["channels"], "topic sensors.a")
        self.assertFalse(of_channels(status)["holding"])


if __name__ == "__main__":
    cases.main()
