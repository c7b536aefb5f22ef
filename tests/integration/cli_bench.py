"""`bus bench` measures what it says, leaves nothing behind, and finds nothing lost."""

import json
import os
import select
import signal
import tempfile
import unittest

import cases
from agent import PATIENCE
from command import bus, start_bus

AGENT = ["--agent", os.environ["BUS_AGENT"]]


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.addCleanup(folder.cleanup)
        self.where = ["--dir", folder.name]
        self.folder = folder.name

    def bench(self, *arguments):
        done = bus("bench", "--json", *AGENT, *self.where, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.folder), [])
        return json.loads(done.stdout)

    def test_throughput_and_latency_stand_beside_the_raw_pipes(self):
        report = self.bench("--size", "100", "--seconds", "0.3", "--rounds", "1", "--rate", "500")
        for key in ("messages_per_second", "share_of_raw_pipe", "cpu_seconds_per_million"):
            self.assertGreater(report[key], 0, key)
        self.assertGreaterEqual(report["journal_bytes_per_payload_byte"], 0)
        for key in ("latency_us", "raw_pipe_latency_us"):
            ordered = [report[key][rank] for rank in ("p50", "p99", "p999")]
            self.assertEqual(ordered, sorted(ordered))
            self.assertGreater(ordered[0], 0)
        self.assertEqual((report["lost"], report["duplicates"]), (0, 0))
        self.assertEqual([run["batch"] for run in report["runs"]], ["full", "single"])

    def test_an_outage_loses_nothing_and_drains(self):
        report = self.bench("--only", "outage", "--outage", "0.3", "--seconds", "0.3", "--size", "100")
        self.assertEqual((report["lost"], report["duplicates_unmarked"]), (0, 0))
        self.assertEqual(report["outage"]["not_safe"], 0)
        for key in ("journaled_messages_per_second", "share_of_fdatasync_loop",
                    "drain_messages_per_second"):
            self.assertGreater(report[key], 0, key)

    def test_best_effort_within_one_host_counts_what_comes_and_what_is_lost(self):
        report = self.bench("--local", "--best-effort", "--size", "100", "--seconds", "0.3", "--rounds", "1",
                            "--only", "throughput", "--offered", "20000")
        self.assertTrue(report["local"])
        self.assertEqual({run["mode"] for run in report["runs"]}, {"best-effort"})
        for run in report["runs"]:
            self.assertEqual(run["messages"] + run["lost"], 6_000)
            self.assertGreater(run["messages"], 5_000)
            self.assertGreater(run["raw_pipe_messages_per_second"], 0)
        self.assertEqual(report["duplicates"], 0)

    def test_an_outage_needs_a_far_agent(self):
        wrong = bus("bench", *AGENT, *self.where, "--local", "--outage", "1")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn(b"without --local", wrong.stderr)

    def test_a_backlog_is_drained_after_a_restart(self):
        report = self.bench("--only", "backlog", "--backlog", "4MB", "--seconds", "0.2", "--size", "100")
        self.assertEqual((report["lost"], report["duplicates_unmarked"]), (0, 0))
        self.assertEqual(report["backlog"]["messages"], 40_000)
        self.assertGreater(report["backlog"]["restart_seconds"], 0)
        self.assertGreater(report["backlog"]["resident_bytes"], 0)

    def test_interrupted_it_takes_its_processes_and_its_folder_with_it(self):
        agent = AnnouncedAgent()
        self.addCleanup(agent.remove)
        bench = start_bus("bench", "--agent", agent.program, *self.where, "--seconds", "60")
        agent.wait_for_start()
        self.assertNotEqual(os.listdir(self.folder), [])
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=30)
        self.assertEqual(bench.returncode, 130)
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(processes_that_mention(self.folder), [])


class AnnouncedAgent:
    """A program that writes to a pipe and then becomes the agent."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.program = os.path.join(self._folder.name, "agent")
        pipe = os.path.join(self._folder.name, "started")
        os.mkfifo(pipe)
        # Open for writing too, so that the first writer never waits and its end is not ours.
        self._started = os.open(pipe, os.O_RDWR)
        with open(self.program, "w", encoding="utf-8") as script:
            script.write(f"#!/bin/sh\necho started > '{pipe}'\nexec '{os.environ['BUS_AGENT']}' \"$@\"\n")
        os.chmod(self.program, 0o755)

    def wait_for_start(self):
        ready, _, _ = select.select([self._started], [], [], PATIENCE)
        assert ready, "no agent was started"

    def remove(self):
        os.close(self._started)
        self._folder.cleanup()


def processes_that_mention(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if folder.encode() in file.read():
                    found.append(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


if __name__ == "__main__":
    cases.main()
