"""The agent as a daemon: its arguments, its lock, what systemd hears."""

import os
import signal
import subprocess
import tempfile
import unittest

import cases
from agent import BINARY, Agent, NotifySocket


def run(*arguments):
    return subprocess.run([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, text=True, timeout=20)


class Arguments(unittest.TestCase):
    def test_what_is_wrong_is_said_with_its_own_exit_code(self):
        self.assertEqual(run("--config").returncode, 2)
        self.assertEqual(run("--nonsense").returncode, 2)
        missing = run("--config", "/nonexistent/agent.json")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("/nonexistent/agent.json", missing.stderr)

    def test_help_and_version(self):
        self.assertIn("Exit status", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"bus-agent \d+\.\d+\.\d+")

    def test_check_reads_and_ends(self):
        with Agent("paris") as agent:
            self.assertEqual(run("--config", agent.config, "--check").returncode, 0)
            self.assertFalse(os.path.exists(agent.runtime))
            agent.settings["heartbeet"] = 1
            agent.write_config()
            wrong = run("--config", agent.config, "--check")
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("heartbeet", wrong.stderr)

    def test_check_sums_up_and_makes_nothing(self):
        with Agent("paris") as agent:
            told = run("--config", agent.config, "--check")
            self.assertIn("ok: agent paris, listens nowhere", told.stdout)
            self.assertIn("not there yet; the first start makes it", told.stdout)
            self.assertEqual(os.listdir(agent.folder), ["agent.json"])
            key = agent.public_key
            self.assertIn(f"public key {key}", run("--config", agent.config, "--check").stdout)

    def test_a_misspelt_option_is_named_with_what_was_meant(self):
        wrong = run("--confg", "agent.json")
        self.assertEqual(wrong.returncode, 2)
        self.assertEqual(wrong.stderr, 'bus-agent: there is no option --confg; did you mean '
                                       '"--config"? (see bus-agent --help)\n')

    def test_the_public_key_stays(self):
        with Agent("paris") as agent:
            key = agent.public_key
            self.assertEqual(len(key), 40)
            self.assertEqual(agent.public_key, key)


class Start(unittest.TestCase):
    def test_two_agents_cannot_share_a_directory(self):
        with Agent("paris") as agent:
            agent.start()
            second = run("--config", agent.config)
            self.assertEqual(second.returncode, 1)
            self.assertIn("another agent runs there", second.stderr)
            agent.status()  # the first is not disturbed

    def test_a_killed_agent_leaves_nothing_in_the_way(self):
        with Agent("paris") as agent:
            agent.start()
            before = agent.status()
            agent.kill()
            agent.start()
            after = agent.status()
            self.assertEqual(after["agent"], before["agent"])
            self.assertGreater(after["incarnation"], before["incarnation"])

    def test_an_address_in_use_is_named(self):
        with Agent("paris", listen=True) as first:
            first.start()
            with Agent("tokyo") as second:
                second.settings["listen"] = [first.address]
                second.write_config()
                failed = run("--config", second.config)
                self.assertEqual(failed.returncode, 1)
                self.assertIn(first.address, failed.stderr)
                self.assertIn("another program listens there", failed.stderr)

    def test_a_runtime_path_that_is_too_long_is_refused_clearly(self):
        with Agent("paris") as agent:
            agent.settings["runtime"] = "x" * 100
            agent.write_config()
            failed = run("--config", agent.config)
            self.assertEqual(failed.returncode, 2)
            self.assertIn("runtime", failed.stderr)


class Systemd(unittest.TestCase):
    def test_it_hears_ready_watchdog_and_stopping(self):
        with Agent("paris") as agent, tempfile.TemporaryDirectory() as folder:
            systemd = NotifySocket(folder)
            self.addCleanup(systemd.close)
            agent.start(environment={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000"})
            self.assertIn("READY=1", systemd.next())
            self.assertEqual(systemd.next(), ["WATCHDOG=1"])
            self.assertEqual(systemd.next(), ["WATCHDOG=1"])
            agent.signal(signal.SIGTERM)
            said = systemd.next()
            while said == ["WATCHDOG=1"]:
                said = systemd.next()
            self.assertEqual(said, ["STOPPING=1"])
            self.assertEqual(agent.process.wait(20), 0)


if __name__ == "__main__":
    cases.main()
