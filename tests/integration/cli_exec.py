"""bus receive --exec: what becomes of a message is what its command says, through real agents."""

import os
import signal
import unittest

import cases
from agent import Agent
from command import bus, start_bus


class Executing(unittest.TestCase):
    def setUp(self):
        self.agent = Agent("paris")
        self.addCleanup(self.agent.__exit__, None, None, None)
        self.agent.start()

    def bus(self, *arguments, stdin=b"", environment=None):
        return bus(*arguments, runtime=self.agent.runtime, stdin=stdin, environment=environment)

    def send(self, *texts):
        lines = "".join(f"{text}\n" for text in texts).encode()
        self.assertEqual(self.bus("send", "--lines", "jobs", stdin=lines).returncode, 0)

    def start(self, command, *arguments):
        process = start_bus("receive", "jobs", "--exec", command, *arguments,
                            runtime=self.agent.runtime)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def wait_until_nothing_waits(self):
        self.agent.wait_for_status(
            lambda status: all(account["waiting"] == 0 for account in status["accounts"]))

    def fifo(self, name):
        path = os.path.join(self.agent.folder, name)
        os.mkfifo(path)
        return path

    def test_a_command_has_the_message_and_what_stands_beside_it(self):
        blob = os.urandom(300_000)
        self.assertEqual(self.bus(
            "send", "jobs", "--key", "pump 7", "--reply-to", "answers", "--header", "x-unit=bar",
            "--header", "empty=", "--content-type", "application/octet-stream", "--priority", "high",
            stdin=blob).returncode, 0)
        done = self.bus(
            "receive", "jobs", "--count", "1", "--exec",
            "printf '%s|' \"$BUS_CHANNEL\" \"$BUS_ID\" \"$BUS_ATTEMPT\" \"$BUS_REDELIVERED\" "
            "\"$BUS_PRIORITY\" \"$BUS_KEY\" \"$BUS_REPLY_TO\" \"$BUS_HEADER_X_UNIT\" "
            "\"$BUS_HEADER_EMPTY\" \"$BUS_HEADER_CONTENT_TYPE\" \"$BUS_HEADER_OLD\"; echo; cat",
            environment={"BUS_HEADER_OLD": "of an outer job"})
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        words, _, payload = done.stdout.partition(b"\n")
        self.assertRegex(words, rb"^jobs\|[0-9a-f]{32}/1\|1\|0\|high\|pump 7\|answers\|bar\|\|"
                                rb"application/octet-stream\|\|$")
        self.assertEqual(payload, blob)
        self.wait_until_nothing_waits()

    def test_a_command_that_fails_gives_its_message_back(self):
        self.send("work")
        marker = os.path.join(self.agent.folder, "tried")
        done = self.bus("receive", "jobs", "--count", "1", "--retry-after", "10ms", "--exec",
                        f"[ -e {marker} ] || {{ touch {marker}; exit 1; }}; "
                        "echo $BUS_ATTEMPT $BUS_REDELIVERED; cat")
        self.assertEqual((done.returncode, done.stdout), (0, b"2 1\nwork"))
        self.assertIn(b"attempt 1: the command ended with code 1; it is given back", done.stderr)
        self.wait_until_nothing_waits()

    def test_a_command_ended_by_a_signal_gives_its_message_back(self):
        self.send("work")
        done = self.bus("receive", "jobs", "--count", "1", "--retry-after", "10ms", "--exec",
                        "[ $BUS_ATTEMPT = 1 ] && kill -KILL $$; cat")
        self.assertEqual((done.returncode, done.stdout), (0, b"work"))
        self.assertIn(b"was ended by signal 9", done.stderr)

    def test_what_a_command_rejects_is_a_dead_letter_with_its_last_words(self):
        self.send("bad", "worse")
        done = self.bus("receive", "jobs", "--count", "2", "--reject-on", "3", "--reject-on", "4",
                        "--exec", "echo busy >&2; echo \"no JSON: $(cat)\" >&2; "
                                  "exit $((60 + 5 * (${BUS_ID##*/} == 1) - 57 * (${BUS_ID##*/} == 2)))")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"the command ended with code 65; rejected: no JSON: bad", done.stderr)
        self.assertIn(b"the command ended with code 3; rejected: no JSON: worse", done.stderr)
        status = self.agent.wait_for_status(
            lambda status: all(account["waiting"] == 0 for account in status["accounts"]))
        self.assertEqual(sum(account["dead_lettered"] for account in status["accounts"]), 2)

    def test_a_command_that_cannot_be_started_costs_no_message(self):
        self.send("work")
        for command, code in (("no-such-program-anywhere", b"not found"), ("/etc/passwd", b"denied")):
            done = self.bus("receive", "jobs", "--exec", command)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"cannot be started", done.stderr)
            self.assertIn(code, done.stderr)
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"work\n")

    def test_so_many_run_at_a_time_and_others_get_the_rest(self):
        self.send(*range(6))
        gate = os.open(self.fifo("gate"), os.O_RDWR)
        self.addCleanup(os.close, gate)
        first = self.start(f"echo up; read go < {self.agent.folder}/gate; cat; echo",
                           "--concurrency", "2", "--count", "2")
        self.assertEqual([first.stdout.readline() for _ in range(2)], [b"up\n", b"up\n"])
        second = self.bus("receive", "jobs", "--count", "4", "--exec", "cat; echo")
        self.assertEqual(second.returncode, 0)
        os.write(gate, b"go\ngo\n")
        out, err = first.communicate(timeout=20)
        self.assertEqual((first.returncode, err), (0, b""))
        self.assertEqual(sorted((out + second.stdout).split()), [b"%d" % n for n in range(6)])
        self.wait_until_nothing_waits()

    def test_lines_of_commands_beside_each_other_stay_whole(self):
        self.send(*range(8))
        done = self.bus("receive", "jobs", "--count", "8", "--concurrency", "4", "--exec",
                        "n=$(cat); for i in 1 2 3 4 5 6 7 8 9; do printf \"$n \"; printf \"$n\\n\"; "
                        "done; printf \"$n last\"")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(sorted(lines), sorted([f"{n} {n}" for n in range(8)] * 9 +
                                               [f"{n} last" for n in range(8)]))

    def test_the_first_signal_lets_commands_finish_and_takes_no_more(self):
        self.send("one", "two")
        gate = self.fifo("gate")
        worker = self.start(f"echo started; cat {gate}; cat")
        self.assertEqual(worker.stdout.readline(), b"started\n")
        worker.send_signal(signal.SIGTERM)
        self.assertIn(b"1 command to finish", worker.stderr.readline())
        with open(gate, "w", encoding="utf-8") as file:
            file.write("go ")
        out, err = worker.communicate(timeout=20)
        self.assertEqual((worker.returncode, out), (130, b"go one"))
        self.assertIn(b"1 message done with, 0 given back", err)
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"two\n")
        self.wait_until_nothing_waits()

    def test_the_second_signal_ends_commands_and_gives_their_messages_back(self):
        self.send("one")
        worker = self.start("echo started; exec sleep 1000")
        self.assertEqual(worker.stdout.readline(), b"started\n")
        worker.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", worker.stderr.readline())
        worker.send_signal(signal.SIGINT)
        _, err = worker.communicate(timeout=20)
        self.assertEqual(worker.returncode, 130)
        self.assertIn(b"ended by signal 15", err)
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"one\n")

    def test_a_command_deaf_to_a_signal_is_killed(self):
        self.send("one")
        worker = self.start("trap '' TERM; echo started; while :; do sleep 1000; done")
        self.assertEqual(worker.stdout.readline(), b"started\n")
        worker.send_signal(signal.SIGTERM)
        self.assertIn(b"interrupted", worker.stderr.readline())
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=20)
        self.assertEqual(worker.returncode, 130)
        self.assertIn(b"ended by signal 9", err)

    def test_a_command_finds_the_same_agent(self):
        self.send("21")
        done = bus("receive", "jobs", "--runtime", self.agent.runtime, "--count", "1", "--exec",
                   f"{os.environ['BUS_TOOL']} send results \"$(cat)0\"")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.bus("receive", "results", "--count", "1").stdout, b"210\n")

    def test_a_command_outlives_the_agents_restart_and_its_message_is_not_done_twice(self):
        self.send("one")
        gate = self.fifo("gate")
        worker = self.start(f"echo started; cat {gate} >/dev/null; cat; echo", "--count", "1")
        self.assertEqual(worker.stdout.readline(), b"started\n")
        self.agent.stop()
        self.agent.start()
        self.agent.wait_for_status(
            lambda status: sum(group["consumers"] for group in status["groups"]) == 1)
        with open(gate, "w", encoding="utf-8"):
            pass
        out, _ = worker.communicate(timeout=20)
        self.assertEqual((worker.returncode, out), (0, b"one\n"))
        self.wait_until_nothing_waits()

    def test_silence_before_the_count_has_its_exit_code(self):
        self.send("one")
        done = self.bus("receive", "jobs", "--count", "2", "--timeout", "0.2", "--exec", "cat")
        self.assertEqual((done.returncode, done.stdout), (4, b"one"))

    def test_a_subscription_may_have_a_command_as_well(self):
        self.assertEqual(self.bus("subscribe", "a.**", "--durable", "d", "--timeout", "0").returncode, 0)
        self.bus("publish", "a.b", "kept")
        done = self.bus("subscribe", "a.**", "--durable", "d", "--count", "1", "--exec",
                        "echo $BUS_CHANNEL; cat")
        self.assertEqual(done.stdout, b"a.b\nkept")

    def test_options_of_a_command_need_one(self):
        for options in (["--concurrency", "2"], ["--retry-after", "1s"], ["--reject-on", "3"]):
            self.assertEqual(self.bus("receive", "jobs", *options).returncode, 2)
        self.assertEqual(self.bus("receive", "jobs", "--exec", "cat", "--format", "json").returncode, 2)


if __name__ == "__main__":
    cases.main()
