"""Messages of 200 MB: no agent on the way holds one in memory, and another consumer gets a whole
one from the beginning when the first is killed in the middle of it."""

import unittest

import cases
from apps import memory_high_water
from flow import Flow

LARGE_BYTES = 200_000_000
MEMORY_MAX = 96 * 1024 * 1024  # what windows and pipes may hold, whatever the size of a message
OPTIONS = ("--large-every", 1, "--large-size", LARGE_BYTES)


class LargeMessages(unittest.TestCase):
    def flow_of(self, kind, count):
        with Flow(self, kind=kind, producer_options=(*OPTIONS, "--count", count)) as flow:
            flow.start()
            flow.start_producer()
            flow.far.wait_for_status(lambda status: any(
                account["waiting"] >= 200 for account in status["accounts"]))
            flow.consumer.kill()
            flow.start_consumer()
            flow.producer.wait_for_word("done")
            flow.producer.end()
            flow.account()
            self.assertEqual(flow.book.got, count)
            memory = [memory_high_water(agent) for agent in (flow.near, flow.far)]
            print(f"{kind}: {count} of {LARGE_BYTES / 1e6:.0f} MB; resident at most (near, far) "
                  f"{', '.join(f'{one / 1048576:.0f}' for one in memory)} MiB", flush=True)
            for bytes_ in memory:
                self.assertLess(bytes_, MEMORY_MAX)

    def test_of_a_topic(self):
        self.flow_of("topic", 1)

    def test_of_a_queue(self):
        self.flow_of("queue", 1)


if __name__ == "__main__":
    cases.main()
