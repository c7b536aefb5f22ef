"""Rules go by the uid that the kernel tells, and by nothing else."""

import grp
import json
import os
import subprocess
import sys
import unittest

import cases
from agent import Agent, App

OTHER = 65534  # nobody

# Run as another uid: publishes and receives as told, prints what the agent answered.
CHILD = """
import json, os, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
sys.path.insert(0, sys.argv[3])
from agent import App
with App(sys.argv[4]) as app:
    answers = []
    for command in json.loads(sys.argv[5]):
        if command[0] == "publish":
            app.publish(command[1], b"x", kind=command[2])
            while not app.replies and not app.receipts:
                app._take_one()
            answers.append(app.replies.popleft() if app.replies else {"type": "receipts"})
            app.receipts.clear()
        else:
            app.send_json(type="subscribe", id=1, kind=command[2], filter=command[1])
            while not app.replies:
                app._take_one()
            answers.append(app.replies.popleft())
            app.send_json(type="unsubscribe", id=1)
            while not app.replies:
                app._take_one()
            app.replies.popleft()
    print(json.dumps(answers))
"""


def answers_to(agent, commands):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(OTHER), "0", os.path.dirname(sys.modules["agent"].__file__),
         agent.runtime, json.dumps(commands)], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class Rules(unittest.TestCase):
    def start(self, **settings):
        agent = Agent("paris", **settings)
        agent.__enter__()
        self.addCleanup(agent.__exit__, None, None, None)
        return agent.start()

    def test_a_rule_narrows_its_uid_and_nobody_else(self):
        agent = self.start(apps=[{"uid": OTHER, "publish": ["orders.**"],
                                  "receive": ["invoices"]}])
        allowed, forbidden, receive, receive_other = answers_to(
            agent, [["publish", "orders.new", "topic"], ["publish", "plant7.temperature", "topic"],
                    ["subscribe", "invoices", "queue"], ["subscribe", "orders", "queue"]])
        self.assertEqual(allowed["type"], "receipts")
        self.assertEqual((forbidden["type"], forbidden["code"]), ("refused", "not_allowed"))
        self.assertEqual(receive["type"], "subscribed")
        self.assertEqual((receive_other["type"], receive_other["code"]), ("failed", "not_allowed"))
        with App(agent.runtime) as mine:
            mine.subscribe(1, "**")
            mine.publish("plant7.temperature", b"y")
            self.assertEqual(mine.delivery().payloads, [b"y"])

    def test_without_a_rule_a_uid_may_use_every_channel(self):
        agent = self.start()
        published, subscribed = answers_to(agent, [["publish", "a", "topic"],
                                                   ["subscribe", "b.**", "topic"]])
        self.assertEqual((published["type"], subscribed["type"]), ("receipts", "subscribed"))

    def test_the_sockets_are_closed_to_others(self):
        agent = self.start()
        for name in ("bus.sock", "admin.sock"):
            self.assertEqual(os.stat(f"{agent.runtime}/{name}").st_mode & 0o777, 0o660)
        self.assertEqual(os.stat(agent.runtime).st_mode & 0o777, 0o750)
        self.assertEqual(os.stat(f"{agent.folder}/identity.key").st_mode & 0o777, 0o600)

    def test_a_group_of_operators_has_its_own_socket(self):
        group = grp.getgrgid(OTHER).gr_name
        agent = self.start(admin_group=group)
        modes = {name: os.stat(f"{agent.runtime}/{name}") for name in ("bus.sock", "admin.sock")}
        self.assertEqual((modes["admin.sock"].st_mode & 0o777, modes["admin.sock"].st_gid),
                         (0o660, OTHER))
        self.assertEqual((modes["bus.sock"].st_mode & 0o777, modes["bus.sock"].st_gid),
                         (0o660, os.getegid()))

    def test_the_reserved_channels_are_the_agents_own(self):
        agent = self.start()
        with App(agent.runtime) as app:
            app.publish("$bus.event.link", b"forged")
            self.assertEqual(app.reply("refused")["number"], 1)


if __name__ == "__main__":
    cases.main()
