"""The programs in examples/ do what they say."""

import os
import subprocess
import unittest

import cases
from agent import Agent

FOLDER = os.environ["BUS_EXAMPLES"]


class Examples(unittest.TestCase):
    def run_example(self, agent, name, *arguments):
        done = subprocess.run([os.path.join(FOLDER, name), *arguments], timeout=30, check=True,
                              stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "BUS_RUNTIME": agent.runtime})
        return done.stdout.splitlines()

    def test_publish_subscribe_shows_the_two_readings_of_its_plant(self):
        with Agent("paris") as agent:
            agent.start()
            self.assertEqual(self.run_example(agent, "publish_subscribe"),
                             ["plant7.temperature = 21.5", "plant7.line2.pressure = 0.98"])

    def test_queue_worker_tries_a_flaky_job_again_and_buries_an_empty_one(self):
        with Agent("paris") as agent:
            agent.start()
            for job in ("first", "flaky", ""):
                self.run_example(agent, "queue_worker", job)
            self.assertEqual(self.run_example(agent, "queue_worker"),
                             ["did first at attempt 1", "did flaky at attempt 2"])
            agent.wait_for_status(lambda status: sum(
                account["dead_lettered"] for account in status["accounts"]) == 1)

    def test_receipts_tell_how_far_each_message_got(self):
        with Agent("paris") as agent:
            agent.start()
            one, two, three = self.run_example(agent, "receipts")
            self.assertIn("one: reached", one)
            self.assertIn("two: reached", two)
            self.assertEqual(three, "three: 0 destinations")


if __name__ == "__main__":
    cases.main()
