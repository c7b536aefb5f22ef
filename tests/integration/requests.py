"""Requests and replies with real agents and the bus command: near, far, nobody, too late, gone."""

import json
import signal
import unittest

from agent import pair_for, start_pair
from cases import main
from command import bus_for, start_bus, words_for

NOBODY, UNANSWERED, FAILED = 6, 4, 1


class Requests(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        start_pair(self.paris, self.tokyo)

    def start(self, agent, *arguments):
        process = start_bus(*arguments, runtime=agent.runtime)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def serve(self, agent, command, *more):
        """A responder that both agents know of."""
        responder = self.start(agent, "serve", "quotes", "--exec", command, *more)
        agent.wait_for_status(lambda status: any(
            group["type"] == "service" and group["consumers"] > 0 for group in status["groups"]))
        other = self.tokyo if agent is self.paris else self.paris
        other.wait_for_status(lambda status: status["agents"][0]["interest"] > 0)
        return responder

    def ask(self, agent, *more, code=0):
        return bus_for(self, "request", "quotes", *more, runtime=agent.runtime, code=code).stdout.decode()

    def words(self, agent, *more, code):
        return words_for(self, "request", "quotes", *more, runtime=agent.runtime, code=code)

    def test_a_responder_answers_its_host_and_others(self):
        responder = self.serve(self.tokyo, "tr a-z A-Z")
        self.assertEqual(self.ask(self.paris, "eurusd"), "EURUSD\n")
        self.assertEqual(self.ask(self.tokyo, "eurusd"), "EURUSD\n")
        responder.send_signal(signal.SIGINT)
        self.assertIn(b"2 messages done with", responder.communicate()[1])
        self.assertEqual(self.paris.status()["journal"]["live_bytes"], 0)

    def test_one_that_comes_where_another_was_is_found(self):
        self.serve(self.tokyo, "echo far").kill()
        self.paris.wait_for_status(lambda status: status["agents"][0]["interest"] == 0)
        self.assertIn("nobody serves it", self.words(self.paris, "?", code=NOBODY))
        self.serve(self.paris, "echo near")
        self.assertEqual(self.ask(self.tokyo, "?", "--format", "raw"), "near\n")

    def test_nobody_serves_it(self):
        self.assertIn("quotes: nobody serves it", self.words(self.paris, "?", code=NOBODY))

    def test_the_responders_error_is_the_requesters(self):
        self.serve(self.tokyo, "echo no such pair >&2; exit 3")
        self.assertIn("quotes: no such pair", self.words(self.paris, "?", code=FAILED))

    def test_a_deadline_ends_the_waiting(self):
        self.serve(self.tokyo, "cat > /dev/null; sleep 60")
        self.assertIn("no answer within 0.2 s", self.words(self.paris, "?", "--timeout", "0.2", code=UNANSWERED))

    def test_a_responder_that_dies_at_work_is_told_of(self):
        responder = self.serve(self.tokyo, "cat > /dev/null; sleep 60")
        asker = self.start(self.paris, "request", "quotes", "?")
        self.tokyo.wait_for_status(lambda status: status["groups"][0]["unacknowledged"] == 1)
        responder.kill()
        self.assertIn(b"it may have been carried out", asker.communicate()[1])
        self.assertEqual(asker.returncode, FAILED)

    def test_all_of_them_answer(self):
        self.serve(self.tokyo, "echo far")
        self.serve(self.paris, "echo near")
        lines = self.ask(self.paris, "?", "--many", "2", "--format", "json").splitlines()
        self.assertEqual(sorted(json.loads(line)["payload"] for line in lines), ["far\n", "near\n"])

    def test_interrupted_it_says_what_is_unknown(self):
        self.serve(self.tokyo, "cat > /dev/null; sleep 60")
        asker = self.start(self.paris, "request", "quotes", "?", "--timeout", "60")
        self.tokyo.wait_for_status(lambda status: status["groups"][0]["unacknowledged"] == 1)
        asker.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted: the request may have been carried out", asker.communicate()[1])
        self.assertEqual(asker.returncode, 130)


if __name__ == "__main__":
    main()
