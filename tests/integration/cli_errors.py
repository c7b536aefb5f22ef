"""What `bus` says and returns when it cannot do what it was asked: always what to do next."""

import grp
import os
import signal
import stat
import subprocess
import tempfile
import unittest

import zmq

import cases
from agent import PATIENCE, Agent
from command import BINARY, bus, start_bus


class Errors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_without_an_agent_every_command_says_where_it_looked(self):
        for command in (["publish", "a", "x"], ["send", "a", "x"], ["subscribe", "a"],
                        ["receive", "a"], ["status"]):
            with self.subTest(command[0]):
                done = bus(*command, "--runtime", self.folder, "--connect-timeout", "0.2")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(f"no agent answers in {self.folder}".encode(), done.stderr)
                self.assertIn(b"is bus-agent running?", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
    def test_a_user_who_may_not_open_a_socket_is_told_whose_it_is(self):
        with Agent("paris") as agent:
            agent.start()
            os.chmod(agent.folder, 0o755)
            os.chmod(agent.runtime, 0o755)
            group = grp.getgrgid(os.getegid()).gr_name
            for socket, command in (("bus.sock", ["publish", "a", "x"]), ("admin.sock", ["status"])):
                done = subprocess.run(
                    [BINARY, *command, "--runtime", agent.runtime, "--connect-timeout", "0.2"],
                    user=65534, group=65534, extra_groups=[], stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(f'this user may not open {agent.runtime}/{socket}; members of the '
                              f'group "{group}" may', " ".join(done.stderr.decode().split()))

    def test_the_command_line_is_checked(self):
        for command in ([], ["publish"], ["receive", "q", "--count", "-1"],
                        ["receive", "q", "--format", "xml"], ["send", "q", "x", "--lines"],
                        ["send", "q", "x", "--receipt", "perhaps"], ["status", "--frobnicate"]):
            with self.subTest(command):
                self.assertEqual(bus(*command).returncode, 2)

    def test_what_is_wrong_in_the_command_line_is_named_in_one_line(self):
        for command, words in ((["publish"], "bus publish: TOPIC is required"),
                               ([], "which subcommand? There are publish, subscribe,"),
                               (["--frob"], "bus: there is no option --frob; which subcommand?"),
                               (["--runtime", "x"], "bus: what belongs to a command comes behind "
                                'it, as in "bus publish --runtime DIR"; which subcommand?'),
                               (["peer"], "bus peer: which subcommand? There are list, show, wait,"),
                               (["peer", "remove"], "bus peer remove: NAME is required"),
                               (["identity", "--join", "show"],
                                "bus: identity: --join stands alone"),
                               (["peer", "rejoin", "a", "b"],
                                'bus peer rejoin: "b" is one word too many'),
                               (["--runtime", "run", "status"],
                                'bus status: what belongs to a command comes behind it, as in "bus '
                                'status --runtime DIR"'),
                               (["publish", "t", "two", "words"],
                                '"words" is one word too many; put a TEXT of several words in quotes'),
                               (["receive", "q", "--cuont", "1"],
                                "there is no option --cuont; did you mean --count?"),
                               (["receive", "q", "--count", "1.5"],
                                '--count: "1.5" is no whole number above 0'),
                               (["receive", "q", "--timeout", "soon"],
                                '--timeout: "soon" is no number from 0 up'),
                               (["send", "q", "x", "--receipt", "perhaps"],
                                '--receipt: "perhaps" is none of arrived, consumed, none, safe')):
            with self.subTest(command):
                done = bus(*command)
                self.assertEqual(done.returncode, 2)
                said = done.stderr.decode()
                self.assertIn(words, said)
                self.assertRegex(said, r"^bus[^\n]* --help\)\n$")

    def test_help_names_what_a_command_takes_by_its_name_alone(self):
        told = bus("send", "--help").stdout.decode()
        self.assertRegex(told, r"(?m)^  QUEUE REQUIRED +Tokens")
        self.assertRegex(told, r"(?m)^  TEXT Excludes: --lines --file\s+The message")

    def test_a_bad_channel_or_filter_is_named_with_the_rule_though_there_is_no_agent(self):
        for command, words in (
                (["publish", "a..b", "x"], '"a..b" is no name of a channel: there is no token at character 3'),
                (["receive", "a.*"], '"a.*" is no name of a queue: * at character 3 belongs into a filter'),
                (["subscribe", "a.>"], '"a.>" is no filter: for all that is left write ** in place of >'),
                (["subscribe", "a."], '"a." is no filter: it ends with a dot: did your shell take the >?'),
                (["subscribe", "a", "--durable", "x y"], '"x y" is no name of a subscription: ')):
            with self.subTest(command):
                done = bus(*command, "--runtime", self.folder)
                self.assertEqual(done.returncode, 1)
                said = done.stderr.decode()
                self.assertIn(words, said)
                self.assertIn("tokens of A-Z a-z 0-9 _ - joined by dots", said)

    def test_interrupted_while_the_agent_does_not_answer_it_ends_at_once(self):
        with zmq.Context() as context, context.socket(zmq.ROUTER) as silent:
            silent.linger = 0
            silent.bind(f"ipc://{self.folder}/bus.sock")
            waiting = start_bus("receive", "q", "--connect-timeout", "600", runtime=self.folder)
            self.assertTrue(silent.poll(PATIENCE * 1000), "it said no hello")
            waiting.send_signal(signal.SIGINT)
            _, said = waiting.communicate(timeout=PATIENCE)
            self.assertEqual(waiting.returncode, 130, said)

    def test_a_mistyped_subcommand_is_recognised(self):
        done = bus("publsh", "a", "b")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"did you mean publish?", done.stderr)

    def test_an_unknown_subcommand_runs_the_program_of_that_name(self):
        program = self.path("bus-hello")
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho \"hello $*\"\nexit 7\n")
        os.chmod(program, 0o755)
        done = bus("hello", "--there", "you",
                   environment={"PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stdout), (7, b"hello --there you\n"))

    def test_keygen_makes_a_key_that_an_agent_takes_and_never_overwrites_one(self):
        key = self.path("identity.key")
        made = bus("keygen", key)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        public = made.stdout.decode().split()[-1]
        self.assertEqual(len(public), 40)
        with Agent("paris", identity=key) as agent:
            self.assertEqual(agent.public_key, public)
        with open(key, "rb") as file:
            before = file.read()
        again = bus("keygen", key)
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"never overwritten", again.stderr)
        with open(key, "rb") as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    cases.main()
