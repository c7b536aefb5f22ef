"""A journal that is put back from a backup, lost, or copied with its host: noticed before a message
crosses, named by both sides, and let in again by `bus peer rejoin`."""

import glob
import os
import shutil
import unittest

import cases
from agent import Agent, App, pair_for, start_pair
from command import bus


def take_backup(agent):
    """Of an agent that does not run."""
    folder = os.path.join(agent.folder, "backup")
    os.mkdir(folder)
    for file in glob.glob(os.path.join(agent.folder, "journal.db*")):
        shutil.copy(file, folder)
    return folder


def lose_journal(agent):
    for file in glob.glob(os.path.join(agent.folder, "journal.db*")):
        os.remove(file)


def restore(agent, folder):
    lose_journal(agent)
    for file in os.listdir(folder):
        shutil.copy(os.path.join(folder, file), agent.folder)


class Restored(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        start_pair(self.paris, self.tokyo)
        self.orders = App(self.paris.runtime)
        self.addCleanup(self.orders.__exit__)
        self.consume(["first"], publish=True)

    def consume(self, wanted, publish=False):
        """These come to tokyo, in this order."""
        with App(self.tokyo.runtime, producer=False) as app:
            app.subscribe(1, "orders", durable="desk")
            if publish:
                self.paris.wait_for_status(lambda status: any(
                    link["interest"] > 0 for link in status["links"]))
                for one in wanted:
                    self.publish(one)
            got = []
            while len(got) < len(wanted):
                delivery = app.delivery()
                got += [payload.decode() for payload in delivery.payloads]
                app.ack(delivery)
            self.assertEqual(got, wanted)
            # The acknowledgements have come, too, before anything is stopped.
            self.tokyo.wait_for_status(lambda status: all(
                account["waiting"] == 0 for account in status["accounts"]))

    def publish(self, text):
        self.orders.wait_until_safe(self.orders.publish("orders", text.encode()))

    def start_tokyo(self):
        begin = len(self.paris.lines), len(self.tokyo.lines)
        self.tokyo.start()
        return begin

    def go_back(self):
        """Tokyo is restored to before `second`. Where the two logs go on."""
        self.tokyo.stop()
        backup = take_backup(self.tokyo)
        self.tokyo.start()
        self.tokyo.wait_for_link("paris")
        self.consume(["second"], publish=True)
        self.tokyo.stop()
        restore(self.tokyo, backup)
        return self.start_tokyo()

    def test_a_restored_journal_waits_for_its_operator(self):
        logs = self.go_back()
        for agent, begin in zip((self.paris, self.tokyo), logs):
            line = agent.wait_for_line("tokyo was restored from a backup or cloned", begin)
            self.assertIn("`bus peer rejoin paris` on tokyo", line)
        self.publish("third")
        self.assertEqual(self.paris.status()["links"][0]["state"], "down")

        done = bus("peer", "rejoin", "paris", runtime=self.tokyo.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.tokyo.wait_for_link("paris")
        lost = self.tokyo.wait_for_line("tokyo may have lost what it had from paris", logs[1])
        self.assertRegex(lost, "batches [0-9]+ to [0-9]+ of incarnation [0-9]+")
        self.consume(["third"])

        again = bus("peer", "rejoin", "paris", runtime=self.tokyo.runtime)
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"nothing to rejoin", again.stderr)

    def test_the_other_side_may_let_it_rejoin_as_well(self):
        logs = self.go_back()
        self.paris.wait_for_line("tokyo was restored", logs[0])
        done = bus("peer", "rejoin", "tokyo", runtime=self.paris.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = bus("reload", runtime=self.tokyo.runtime)  # it dials at once
        self.assertEqual(done.returncode, 0, done.stderr)
        self.tokyo.wait_for_link("paris")
        self.consume(["third"], publish=True)

    def test_a_lost_journal_is_recognised(self):
        self.tokyo.stop()
        lose_journal(self.tokyo)
        logs = self.start_tokyo()
        for agent, begin in zip((self.paris, self.tokyo), logs):
            agent.wait_for_line("tokyo has a new journal: tokyo may have lost what it had "
                                "from paris and not yet delivered", begin)
        self.consume(["second"], publish=True)

    def test_a_clone_waits_while_the_other_is_linked(self):
        with Agent("copy") as copy:
            self.tokyo.stop()
            for file in os.listdir(self.tokyo.folder):
                if file != "run":
                    shutil.copy(os.path.join(self.tokyo.folder, file), copy.folder)
            self.tokyo.start()
            self.tokyo.wait_for_link("paris")
            begin = len(self.paris.lines)
            copy.start()
            # Its ticket is of the session before, or, in the same moment, it is the second one.
            self.paris.wait_for_line("tokyo was restored from a backup or cloned|"
                                     "another start of tokyo is linked", begin)
            self.consume(["second"], publish=True)
            self.assertEqual(copy.status()["links"][0]["state"], "down")


if __name__ == "__main__":
    cases.main()
