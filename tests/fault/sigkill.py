"""SIGKILL of either agent and of either app, at moments that a seed chooses, under load: 20 rounds.
Nothing with a receipt is lost, only marked duplicates come, first deliveries are in order, every byte
is as it was sent, and the accounts balance (G1 to G5)."""

import os
import random
import unittest

import cases
from flow import Flow

ROUNDS = 5
BESIDE = 3  # each may wait for session.linger (30 s)
SEED = int(os.environ.get("BUS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))


class Rounds:
    def rounds(self, name, most, **flow_options):
        """`most`: messages that may pass between one kill and the next."""
        chance = random.Random(f"{SEED} {name}")
        victims = ["near", "far", "producer", "consumer"]
        chance.shuffle(victims)
        victims += chance.choices(victims, k=ROUNDS - len(victims))
        print(f"BUS_FAULT_SEED={SEED}: {name}: {', '.join(victims)}", flush=True)
        with Flow(self, **flow_options) as flow:
            flow.start()
            flow.start_producer()
            for victim in victims:
                flow.wait_for_more(chance.randint(1, most))
                getattr(self, "kill_" + victim)(flow, chance, most)
            flow.wait_for_link()
            flow.wait_for_more(1)
            flow.finish()
            print(flow.book, flush=True)

    def kill_near(self, flow, *_):
        flow.near.kill()
        flow.near.start()

    def kill_far(self, flow, chance, most):
        flow.far.kill()
        flow.wait_for_more_safe(chance.randint(1, most))  # a backlog grows meanwhile
        flow.far.start()

    def kill_producer(self, flow, *_):
        flow.producer.kill()
        flow.start_producer()

    def kill_consumer(self, flow, *_):
        flow.consumer.kill()
        flow.start_consumer()


class Topic(Rounds, unittest.TestCase):
    def test_a_topic_in_full_batches(self):
        self.rounds("topic, full batches", 60_000,
                    producer_options=("--large-every", 20_000))

    def test_a_topic_in_batches_of_one_message(self):
        self.rounds("topic, single messages", 8_000, from_dialler=False,
                    producer_options=("--batch", 1))

    def test_what_a_producer_leaves_unfinished_is_cleared_away(self):
        options = ("--large-every", 1, "--large-size", 60_000_000)
        with Flow(self, producer_options=options) as flow:
            flow.start()
            flow.start_producer()
            flow.far.wait_for_status(lambda status: any(
                account["waiting"] >= 20 for account in status["accounts"]))
            flow.producer.kill()
            flow.account()


class Queue(Rounds, unittest.TestCase):
    def test_a_queue_in_full_batches(self):
        self.rounds("queue, full batches", 60_000, kind="queue", from_dialler=False,
                    producer_options=("--large-every", 20_000))

    def test_a_queue_in_batches_of_one_message(self):
        self.rounds("queue, single messages", 8_000, kind="queue", producer_options=("--batch", 1))


if __name__ == "__main__":
    cases.main(BESIDE)
