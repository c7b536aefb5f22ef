"""`bus tap`: what happens to messages is seen as it happens, and looking on holds up nobody."""

import json
import os
import signal
import subprocess
import unittest

import cases
from agent import Agent, App
from command import BINARY, bus_for, start_bus, words_for


class Tap(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris")
        self.addCleanup(self.paris.__exit__)
        self.paris.start()

    def tap(self, *options, count):
        """It is open when this returns."""
        begin = len(self.paris.lines)
        running = start_bus("tap", "--count", str(count), *options, runtime=self.paris.runtime)
        self.addCleanup(running.kill)
        self.paris.wait_for_line(r"tap \d+: opened by uid ", begin)
        return running

    def seen(self, running):
        out, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, error)
        return [json.loads(line) for line in out.splitlines()]

    def test_the_steps_of_a_message(self):
        running = self.tap("orders", "--kind", "queue", "--headers", "--snaplen", "100", "--json",
                           "--event", "taken", "--event", "handed_out", "--event", "acknowledged",
                           count=3)
        with App(self.paris.runtime) as here, App(self.paris.runtime, producer=False) as worker:
            worker.subscribe(1, "orders", kind="queue")
            here.publish("others", b"not this", kind="queue")
            here.publish("orders", b"one", kind="queue")
            worker.ack(worker.delivery())
            taken, handed_out, acknowledged = self.seen(running)
        self.assertEqual([taken["event"], handed_out["event"], acknowledged["event"]],
                         ["taken", "handed_out", "acknowledged"])
        self.assertEqual(taken["contents"][0]["payload"], {"bytes": 3, "text": "one"})
        self.assertIn("(uid 0)", taken["who"])
        for event in (taken, handed_out, acknowledged):
            self.assertEqual((event["channel"], event["kind"], event["messages"]),
                             ("orders", "queue", 1))
        self.assertEqual(taken["sequence"], handed_out["sequence"])

    def test_a_stalled_tap_loses_and_holds_up_nobody(self):
        running = self.tap("--json", count=10**9)
        running.send_signal(signal.SIGSTOP)
        with App(self.paris.runtime) as here:
            for _ in range(6_000):
                number = here.publish("news", b"a little")
            here.wait_until_safe(number)
        running.send_signal(signal.SIGCONT)
        running.stdout.read(1)
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, error)
        self.assertRegex(error.decode(), r"[0-9,]+ events not shown")
        self.paris.wait_for_line(r"tap \d+: closed")

    def test_words_for_people(self):
        running = self.tap("news.**", count=2)
        with App(self.paris.runtime) as here:
            here.publish("news.eu", b"hello")
            out, error = running.communicate(timeout=60)
        out = out.decode()
        self.assertRegex(out, r"\d\d:\d\d:\d\d\.\d{6}  taken .* topic news\.eu  1 message, ")
        self.assertIn("unrouted", out)
        self.assertIn(b"2 events shown", error)

    def test_payloads_are_for_root_and_who_may(self):
        """Whoever opens the socket as another user sees headers."""
        self.assertTrue(self.paris.admin({"type": "admin", "id": 1, "request": "tap_open",
                                          "snaplen": 10})["ok"])
        os.chmod(self.paris.runtime, 0o755)
        os.chmod(os.path.join(self.paris.runtime, "admin.sock"), 0o666)
        nobody = ["setpriv", "--reuid", "65534", "--clear-groups", BINARY, "tap", "--runtime",
                  self.paris.runtime]
        done = subprocess.run([*nobody, "--snaplen", "10"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"\"tap_payloads\": true", done.stderr)
        self.paris.settings["apps"] = [{"uid": 65534, "tap_payloads": True}]
        self.paris.write_config()
        bus_for(self, "reload", runtime=self.paris.runtime)
        begin = len(self.paris.lines)
        with subprocess.Popen([*nobody, "--snaplen", "10", "--count", "1", "--event", "taken"],
                              stdout=subprocess.PIPE) as running:
            self.paris.wait_for_line("opened by uid 65534: everything, with payloads", begin)
            with App(self.paris.runtime) as here:
                here.publish("news", b"hello")
                self.assertIn(b"hello", running.stdout.read())

    def test_mistakes_are_named(self):
        def words(*options):
            return words_for(self, "tap", *options, runtime=self.paris.runtime, code=1)

        self.assertIn("is no event; there are taken, safe", words("--event", "vanished"))
        self.assertIn("a..b", words("a..b"))
        done = bus_for(self, "tap", "--kind", "stack", runtime=self.paris.runtime, code=2)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    cases.main()
