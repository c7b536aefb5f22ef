"""A message of 150 MB, sent from a file and written to one, part by part: through an outage of the
link and kills of both agents it goes on where it stopped, and nobody holds it whole."""

import hashlib
import os
import random
import re
import subprocess
import tempfile
import unittest

import cases
from agent import pair_for, start_pair
from command import BINARY, bus, bus_for, environment_of, start_bus

MESSAGE = 150_000_000
AGENT_MEMORY_MAX = 80 * 1024 * 1024  # what windows and pipes may hold, whatever the size
PROGRAM_MEMORY_MAX = 32 * 1024 * 1024
WINDOW = 4 * 1024 * 1024  # of the link: on its way, and not yet safe over there
PATIENCE = 90


def high_water(process):
    """The most resident memory that it had."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(
            hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


class LargeStreams(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        for agent in (self.paris, self.tokyo):
            agent.settings["journal"]["max_bytes"] = "2GiB"
            agent.settings["channels"] = {"films": {"max_message": "1GiB"}}
            agent.write_config()
        start_pair(self.paris, self.tokyo)
        self.paris.settings["listen"] = [self.paris.address]  # it is found again after a restart
        self.paris.write_config()
        folder = tempfile.TemporaryDirectory(prefix="bus-film-")
        self.addCleanup(folder.cleanup)
        self.film = os.path.join(folder.name, "film")
        self.copy = os.path.join(folder.name, "copy")
        with open(self.film, "wb") as file:
            file.write(random.Random(7).randbytes(MESSAGE))

    def start_receiver(self):
        """At paris, into a file."""
        with open(self.copy, "wb") as file:
            receiver = subprocess.Popen(
                [BINARY, "receive", "films", "--count", "1", "--format", "raw"], stdout=file,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env=environment_of(self.paris.runtime))
        self.addCleanup(receiver.stderr.close)
        self.addCleanup(receiver.kill)
        self.tokyo.wait_for_status(lambda status: any(
            link["interest"] > 0 for link in status["links"]))
        return receiver

    def start_sender(self):
        sender = start_bus("send", "films", "--file", self.film, runtime=self.tokyo.runtime)
        self.addCleanup(lambda: [pipe.close() for pipe in (sender.stdout, sender.stderr)])
        self.addCleanup(sender.kill)
        return sender

    def wait_for_middle(self):
        """A part of it, and not all, is at paris."""
        status = self.paris.wait_for_status(lambda status: any(
            account["waiting"] >= 300 for account in status["accounts"]))
        self.assertLess(max(account["waiting"] for account in status["accounts"]), MESSAGE // 60_000)

    def sent_bytes(self):
        return sum(link["sent_bytes"] for link in self.tokyo.status()["links"])

    def end(self, process):
        self.assertEqual(process.wait(PATIENCE), 0,
                         process.stderr.read() if process.stderr else b"")

    def check_settled(self):
        for agent in (self.paris, self.tokyo):
            status = agent.wait_for_status(lambda status: all(
                account["waiting"] == 0 for account in status["accounts"]))
            self.assertTrue(all(account["balances"] for account in status["accounts"]))

    def test_an_outage_in_the_middle_resumes_where_it_stopped(self):
        receiver, sender = self.start_receiver(), self.start_sender()
        self.wait_for_middle()
        programs = [high_water(sender), high_water(receiver)]
        self.paris.kill()
        self.tokyo.wait_for_status(lambda status: all(
            link["state"] != "up" for link in status["links"]))
        self.paris.start()
        self.end(sender)
        self.end(receiver)
        self.assertEqual(digest(self.copy), digest(self.film))
        self.check_settled()
        sent = self.sent_bytes()
        # What was on its way when paris died goes again; nothing that paris had safe does.
        self.assertLess(sent, MESSAGE * 1.01 + 2 * WINDOW)
        agents = [high_water(agent.process) for agent in (self.paris, self.tokyo)]
        print(f"{MESSAGE / 1e6:.0f} MB: {sent / 1e6:.1f} MB over the link; resident at most: agents "
              f"{', '.join(f'{one / 1048576:.0f}' for one in agents)} MiB, sender and receiver "
              f"{', '.join(f'{one / 1048576:.0f}' for one in programs)} MiB", flush=True)
        self.assertLess(max(agents), AGENT_MEMORY_MAX)
        self.assertLess(max(programs), PROGRAM_MEMORY_MAX)

    def test_the_sender_writes_on_when_its_agent_is_back(self):
        receiver, sender = self.start_receiver(), self.start_sender()
        self.wait_for_middle()
        self.tokyo.kill()
        self.tokyo.start()
        self.end(sender)
        self.end(receiver)
        self.assertEqual(digest(self.copy), digest(self.film))
        self.check_settled()

    def test_a_receiver_that_is_killed_in_the_middle_leaves_the_whole_to_the_next(self):
        receiver, sender = self.start_receiver(), self.start_sender()
        self.wait_for_middle()
        receiver.kill()
        receiver.wait(PATIENCE)
        receiver = self.start_receiver()
        self.end(sender)
        self.end(receiver)
        self.assertEqual(digest(self.copy), digest(self.film))
        self.check_settled()

    def test_what_is_larger_than_the_channel_takes_is_refused_by_name(self):
        done = bus("send", "shorts", "--file", self.film, runtime=self.tokyo.runtime)
        self.assertEqual(done.returncode, 1, done.stderr)
        said = b" ".join(done.stderr.split())
        self.assertIn(b"a message of 150000000 bytes, and shorts takes 16777216 (the channel's "
                      b"max_message)", said)

    def test_what_comes_through_a_pipe_may_be_as_large(self):
        with open(self.film, "rb") as film:
            payload = film.read(3_000_000)
        done = bus("send", "films", stdin=payload, runtime=self.tokyo.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = bus_for(self, "receive", "films", "--count", "1", "--format", "raw",
                       runtime=self.paris.runtime)
        self.assertEqual(done.stdout, payload)


if __name__ == "__main__":
    cases.main()
