"""512 MB for a far side that is away: the near agent's memory stays small, its restart is quick, and
when the far side is back everything comes through, once and in order."""

import time
import unittest

import cases
from apps import check_accounts, memory_high_water, wait_until_settled
from flow import Flow

BACKLOG_BYTES = 512_000_000
MESSAGE_BYTES = 1_000
MEMORY_MAX = 256 * 1024 * 1024


class Backlog(unittest.TestCase):
    def test_half_a_gigabyte_waits_on_disk_and_drains_completely(self):
        count = BACKLOG_BYTES // MESSAGE_BYTES
        with Flow(self, producer_options=("--size", MESSAGE_BYTES, "--count", count)) as flow:
            flow.start()
            flow.far.stop()
            begin = time.monotonic()
            flow.start_producer()
            flow.producer.wait_for_word("done")
            flow.producer.end()
            filled = time.monotonic() - begin
            self.assertEqual(flow.book.safe, count)
            status = flow.near.status()
            self.assertEqual(sum(link["backlog_messages"] for link in status["links"]), count)
            self.assertGreater(status["journal"]["live_bytes"], BACKLOG_BYTES * 0.95)
            check_accounts(self, flow.near, status)
            memory = [memory_high_water(flow.near)]

            flow.near.kill()
            begin = time.monotonic()
            flow.near.start()
            restarted = time.monotonic() - begin

            begin = time.monotonic()
            flow.far.start()
            flow.book.wait_for_all()
            drained = time.monotonic() - begin
            memory += [memory_high_water(flow.near), memory_high_water(flow.far)]
            wait_until_settled(self, flow.near, flow.far)
            flow.consumer.stop()
            flow.check()
            self.assertEqual(flow.book.got, count)
            self.assertEqual(flow.book.repeated, 0)
            self.assertEqual(flow.book.gaps, [])
            for bytes_ in memory:
                self.assertLess(bytes_, MEMORY_MAX)
            print(f"{count} messages, {BACKLOG_BYTES / 1e6:.0f} MB: every one safe in {filled:.1f} s; "
                  f"restart until ready {restarted:.2f} s; drained in {drained:.1f} s; resident at "
                  f"most (near filling, near draining, far) "
                  f"{', '.join(f'{one / 1048576:.0f}' for one in memory)} MiB", flush=True)


if __name__ == "__main__":
    cases.main()
