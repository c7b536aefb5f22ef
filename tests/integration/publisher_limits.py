"""What the apps of one user may bring: at its limit a publisher waits or is refused, and others go on."""

import json
import os
import subprocess
import sys
import unittest

import cases
from agent import Agent, App
from command import words_for

OTHER = 65534  # nobody
MOST = 50

# Run as another uid: publishes one message after the other until it is held back or refused, and
# prints why.
CHILD = """
import json, os, sys
os.setgroups([]); os.setgid(0); os.setuid(int(sys.argv[1]))
sys.path.insert(0, sys.argv[2])
from agent import App
with App(sys.argv[3]) as app:
    held = app.welcome["held"]
    count = 0
    told = []
    while not held and not told and count < 1000:
        app.wait_until_safe(app.publish("orders", b"x" * 100))
        count += 1
        told = [reply for reply in app.replies if reply["type"] != "window"]
    print(json.dumps({"count": count, "held": held, "reply": told[0] if told else None}))
"""


def publish_as_other(agent):
    support = os.path.dirname(sys.modules["agent"].__file__)
    done = subprocess.run([sys.executable, "-c", CHILD, str(OTHER), support, agent.runtime],
                          stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class PublisherLimits(unittest.TestCase):
    def start(self, limits):
        self.paris = Agent("paris", apps=[{"uid": OTHER, "limits": limits}])
        self.addCleanup(self.paris.__exit__)
        self.paris.start()
        with App(self.paris.runtime) as away:
            away.subscribe(1, "**", durable="all")

    def drain(self, count):
        with App(self.paris.runtime) as reader:
            reader.subscribe(1, "**", durable="all")
            for _ in range(count):
                reader.ack(reader.delivery())
            return self.paris.wait_for_status(
                lambda status: status["apps"][0]["waiting_messages"] == 0)

    def check_that_others_go_on(self):
        with App(self.paris.runtime) as mine:
            for _ in range(2 * MOST):
                mine.wait_until_safe(mine.publish("orders", b"y"))
            self.assertEqual(mine.welcome["held"], [])
            self.assertFalse([one for one in mine.replies if one["type"] != "window"])

    def test_a_user_at_its_limit_waits_and_nobody_else_does(self):
        self.start({"messages": MOST})
        first = publish_as_other(self.paris)
        self.assertEqual(first["count"], MOST + 1)  # what has left is taken
        reason = f"what waits of uid {OTHER} has reached its limit, {MOST} messages"
        self.assertEqual([(one["channel"], one["reason"]) for one in first["reply"]["channels"]],
                         [("**", reason)])
        self.check_that_others_go_on()
        again = publish_as_other(self.paris)  # its next program hears so at once
        self.assertEqual((again["count"], again["held"][0]["reason"]), (0, reason))
        status = self.paris.status()
        self.assertEqual((status["apps"][0]["apps"], status["apps"][0]["waiting_messages"]),
                         (f"uid {OTHER}", MOST + 1))
        self.assertIn(f"KiB {MOST + 1} {MOST} messages publishers are held back",
                      words_for(self, "status", runtime=self.paris.runtime))
        self.assertIn(f"its programs are held back: {reason}",
                      words_for(self, "why", "orders", runtime=self.paris.runtime, code=1))
        status = self.drain(3 * MOST + 1)
        self.assertFalse(status["apps"][0]["holding"])
        self.assertTrue(all(account["balances"] for account in status["accounts"]))

    def test_what_waits_of_a_user_is_known_after_a_restart(self):
        self.start({"messages": MOST})
        publish_as_other(self.paris)
        self.paris.kill()
        self.paris.start()
        self.paris.wait_for_status(lambda status: status["apps"][0]["holding"])
        self.assertEqual(publish_as_other(self.paris)["count"], 0)

    def test_a_user_may_be_refused_instead(self):
        self.start({"messages": MOST, "at_limit": "refuse"})
        done = publish_as_other(self.paris)
        self.assertEqual(done["count"], MOST + 1)
        self.assertEqual((done["reply"]["type"], done["reply"]["code"], done["reply"]["reason"]),
                         ("refused", "limit",
                          f"what waits of uid {OTHER} has reached its limit, {MOST} messages"))
        self.check_that_others_go_on()
        self.assertEqual(self.paris.status()["apps"][0]["refused"], 1)
        self.drain(3 * MOST)
        self.assertGreater(publish_as_other(self.paris)["count"], 1)

    def test_a_reload_tells_and_lifts_it(self):
        self.start({"messages": MOST})
        publish_as_other(self.paris)
        self.paris.settings["apps"] = [{"uid": OTHER, "limits": {"rate": 1000}}]
        self.paris.write_config()
        self.assertIn(f"apps of uid {OTHER}: limits rate 1000, was messages {MOST}",
                      words_for(self, "reload", runtime=self.paris.runtime))
        self.assertFalse(self.paris.status()["apps"][0]["holding"])


if __name__ == "__main__":
    cases.main()
