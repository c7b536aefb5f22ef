"""The apps of the fault tests as processes, and the book that accounts for every message.

A producer's run has a number; a message is (run, index). The book knows what was promised (its
producer has a receipt) and what was received, and complains at once about what must never happen.
"""

import itertools
import os
import re
import signal
import subprocess
import threading
import time

from command import environment_of

FOLDER = os.environ["BUS_FAULT"]
PATIENCE = 120.0  # seconds; far beyond what anything here takes: the longest is session.linger, 30 s


class Book:
    """Any thread may write into it, holding `changed`; one waits for what it says. `like`: a book of
    another reader of the same messages, whose promises are this one's too. What is not marked must
    come as it was sent."""

    def __init__(self, like=None):
        self.changed = threading.Condition()
        self.complaints = []
        self.promised = like.promised if like else {}  # run -> bytearray: 1 has a receipt
        self.received = {}  # run -> bytearray: 1 was received
        self.safe = 0       # messages with a receipt
        self.got = 0        # messages received, repeats not counted
        self.marked = 0     # deliveries marked redelivered
        self.repeated = 0   # of these, received before
        self.held = 0       # times that a producer was told to wait
        self.gaps = []
        self._newest = {}   # run -> index of its newest unmarked delivery

    @staticmethod
    def _row(rows, run, last):
        row = rows.setdefault(run, bytearray())
        if len(row) <= last:
            row.extend(bytes(max(last + 1, 2 * len(row)) - len(row)))
        return row

    def promise(self, run, first, last):
        self._row(self.promised, run, last)[first:last + 1] = b"\1" * (last + 1 - first)
        self.safe += last + 1 - first

    def receive(self, run, first, last, marked):
        row = self._row(self.received, run, last)
        count = last + 1 - first
        before = row.count(1, first, last + 1)
        row[first:last + 1] = b"\1" * count
        self.got += count - before
        if marked:
            self.marked += count
            self.repeated += before
            return
        if before:
            self.complaints.append(f"G2: {before} unmarked duplicates in {run}/{first}-{last}")
        if first <= self._newest.get(run, -1):
            self.complaints.append(f"G3: {run}/{first} came after {run}/{self._newest[run]}")
        self._newest[run] = last

    def lost(self):
        """What was promised and not received: [(run, index)]."""
        missing = []
        for run, row in self.promised.items():
            promised, received = bytes(row), bytes(self.received.get(run, b""))
            left = int.from_bytes(promised, "little") & ~int.from_bytes(received, "little")
            if left:
                rest = left.to_bytes(len(promised), "little")
                missing += [(run, at) for at, one in enumerate(rest) if one]
        return missing

    def wait_for(self, condition, what, patience=PATIENCE):
        deadline = time.monotonic() + patience
        with self.changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"still waiting for {what}: {self}")
                self.changed.wait(left)

    def wait_for_all(self):
        self.wait_for(lambda: self.got >= self.safe and not self.lost(), "what was promised")

    def __str__(self):
        missing = self.lost()
        return (f"{self.safe} promised, {self.got} received, {self.repeated} again (marked), "
                f"{len(missing)} missing {missing[:5]}, {self.complaints[:5]}")


class Program:
    """A process whose lines on standard output go into a book."""

    def __init__(self, book, runtime, *arguments):
        self.book = book
        self.words = []  # the lines that the book does not want
        self.process = subprocess.Popen(
            [os.path.join(FOLDER, arguments[0]), *map(str, arguments[1:])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment_of(runtime))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with self.process.stdout as pipe:
            for line in pipe:
                with self.book.changed:
                    if line.endswith(b"\n"):  # else it was killed while it wrote
                        self.take(line.decode().split())
                    self.book.changed.notify_all()
        with self.book.changed:
            self.words.append("gone")
            self.book.changed.notify_all()

    def take(self, words):
        raise NotImplementedError

    def wait_for_word(self, word):
        self.book.wait_for(lambda: word in self.words or "gone" in self.words, f"\"{word}\"")
        if word not in self.words:
            raise AssertionError(f"{self.process.args} ended with {self.process.wait()}")

    def kill(self):
        """SIGKILL; returns when all that it wrote is in the book."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join()

    def stop(self):
        """SIGTERM; returns when it has ended in order."""
        self.process.send_signal(signal.SIGTERM)
        self.end()

    def end(self):
        code = self.process.wait(PATIENCE)
        self._reader.join()
        if code != 0:
            raise AssertionError(f"{self.process.args} ended with {code}")


class Producer(Program):
    _runs = itertools.count(1)

    def __init__(self, book, runtime, kind, channel, *options):
        self.run = next(self._runs)
        super().__init__(book, runtime, "fault_producer", kind, channel, self.run, *options)

    def take(self, words):
        if words[0] == "safe":
            self.book.promise(self.run, int(words[1]), int(words[2]))
        elif words[0] == "held":
            self.book.held += 1
        elif words[0] in ("wanted", "done"):
            self.words.append(words[0])
        else:
            self.book.complaints.append(f"run {self.run}: {' '.join(words)}")


class Consumer(Program):
    def __init__(self, book, runtime, kind, channel, *options):
        super().__init__(book, runtime, "fault_consumer", kind, channel, *options)

    def take(self, words):
        if words[0] == "got":
            self.book.receive(*map(int, words[1:]))
        elif words[0] == "missed":
            self.book.gaps.append(tuple(map(int, words[1:])))
        elif words[0] in ("ready", "end"):
            self.words.append(words[0])
        else:
            self.book.complaints.append(f"G4: {' '.join(words)}")


def keep_address(agent):
    """The port that the system chose stays the agent's, so that it can be found after a restart."""
    agent.settings["listen"] = [agent.address]
    agent.write_config()


def memory_high_water(agent):
    """The most resident memory that the agent's process had, in bytes."""
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


def wait_until_settled(case, *agents):
    """Nothing waits anywhere, and every account balances (G5). What came of a large message whose rest
    does not come (its producer was killed, or it is a copy that a crash brought back) is dropped
    only when it has waited for 30 s (session.linger)."""
    for agent in agents:
        status = agent.wait_for_status(lambda status: all(
            account["waiting"] == 0 for account in status["accounts"]), PATIENCE)
        check_accounts(case, agent, status)


def check_accounts(case, agent, status=None):
    for account in (status or agent.status())["accounts"]:
        went = sum(account[way] for way in ("settled", "filtered", "expired", "lapsed",
                                            "dead_lettered", "purged", "moved", "waiting"))
        case.assertEqual(account["recovered"] + account["taken"], went, (agent.name, account))
        case.assertTrue(account["balances"], (agent.name, account))
