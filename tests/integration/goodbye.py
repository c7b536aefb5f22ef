"""`bus peer remove` and `bus drain`: saying goodbye to a peer, and to all of them."""

import contextlib
import json
import os
import re
import sqlite3
import unittest

import cases
from agent import Agent, App, pair_for, start_pair
from command import bus, start_bus, words_for


def held_sources(status):
    """Programs and peers that are held back from every channel."""
    held = " ".join(status["held_producers"])
    several = re.search(r"topic \*\*, for (\d+) sources", held)
    return int(several[1]) if several else int("topic **" in held)


class Goodbye(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        start_pair(self.paris, self.tokyo)

    def ask(self, *command, code=0, of=None):
        return words_for(self, *command, runtime=(of or self.paris).runtime, code=code)

    def owe(self, messages):
        """Tokyo wants news, is away, and that much waits for it at paris."""
        with App(self.tokyo.runtime) as there:
            there.subscribe(1, "news", durable="news")
            self.paris.wait_for_status(lambda status: status["links"][0]["interest"] == 1)
        self.tokyo.kill()
        self.paris.wait_for_status(lambda status: status["links"][0]["state"] == "down")
        with App(self.paris.runtime) as here:
            for _ in range(messages):
                here.wait_until_safe(here.publish("news", b"x"))

    def dead_letters(self):
        file = os.path.join(self.paris.folder, "journal.db")
        with contextlib.closing(sqlite3.connect(file)) as journal:
            return journal.execute("SELECT name, reason, count FROM dead_letter").fetchall()

    def test_a_peer_that_something_is_owed_to_stays_until_it_may_be_dead_letters(self):
        self.owe(3)
        said = self.ask("peer", "remove", "tokyo", code=1)
        self.assertIn("tokyo is not removed: 3 messages", said)
        self.assertIn("normal lane", said)
        self.assertIn("With --dead-letter", said)
        self.assertIn("would be removed: 3 messages",
                      self.ask("peer", "remove", "tokyo", "--dead-letter", "--dry-run"))
        self.assertEqual(len(self.paris.status()["links"]), 1)
        said = self.ask("peer", "remove", "tokyo", "--dead-letter")
        self.assertIn("tokyo is removed: 3 messages", said)
        self.assertIn("was taken out of", said)
        status = self.paris.wait_for_status(lambda status: status["journal"]["live_bytes"] == 0)
        self.assertEqual((status["links"], status["agents"]), ([], []))
        self.assertEqual(status["accounts"][0]["dead_lettered"], 3)
        self.assertTrue(all(account["balances"] for account in status["accounts"]))
        with open(self.paris.config, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["peers"], [])
        self.assertEqual(self.paris.stop(), 0)
        self.assertEqual(self.dead_letters(), [("tokyo", "peer tokyo was removed", 1)] * 3)
        self.paris.start()
        self.assertEqual(self.paris.status()["agents"], [])

    def test_a_peer_whose_entry_cannot_be_changed_is_removed_after_a_reload(self):
        self.owe(1)
        self.paris.settings["peers"][0]["name"] = "edo"
        self.paris.write_config()
        self.assertIn("`bus reload` first", self.ask("peer", "remove", "tokyo", "--dead-letter",
                                                     code=1))
        del self.paris.settings["peers"]
        self.paris.add_peer("lima", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
        self.ask("reload")
        self.assertEqual(self.paris.status()["links"][0]["state"], "not configured")
        self.assertIn("tokyo is removed: 1 message",
                      self.ask("peer", "remove", "tokyo", "--dead-letter"))
        self.assertEqual([link["peer"] for link in self.paris.status()["links"]], ["lima"])
        self.assertIn("no agent \"tokyo\" is known here",
                      self.ask("peer", "remove", "tokyo", code=1))

    def test_drain_hands_over_and_tells_what_cannot_go(self):
        self.owe(2)
        said = self.ask("drain", "--dry-run")
        self.assertIn("agent tokyo 2", said)
        self.assertIn("the link to tokyo is down", said)
        self.assertFalse(self.paris.status()["draining"])
        said = self.ask("drain", "--timeout", "0.1", code=1)
        self.assertIn("not drained, this is left", said)
        self.assertTrue(self.paris.status()["draining"])
        self.assertIn("is being drained", self.ask("status"))
        self.assertIn("it is being drained", self.ask("why", "news", code=1))
        waiting = start_bus("drain", runtime=self.paris.runtime)
        self.tokyo.start()
        out, _ = waiting.communicate(timeout=20)
        self.assertEqual(waiting.returncode, 0)
        self.assertIn(b"drained: nothing is owed to anybody", out)
        done = bus("receive", "news", "--timeout", "0", "--count", "1", runtime=self.tokyo.runtime)
        self.assertEqual(done.returncode, 4)
        before = held_sources(self.paris.status())
        publishing = start_bus("publish", "news", "later", runtime=self.paris.runtime)
        self.paris.wait_for_status(lambda status: held_sources(status) > before)
        self.assertIsNone(publishing.poll())
        self.assertIn("takes everything again", self.ask("drain", "--undo"))
        self.assertEqual(publishing.wait(20), 0)
        publishing.stdout.close()
        publishing.stderr.close()


if __name__ == "__main__":
    cases.main()
