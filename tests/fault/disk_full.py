"""A journal on a small file system that fills up while the far side is away (G7): publishers are
held back and nothing else is; the agent goes on by itself when there is room again."""

import os
import subprocess
import tempfile
import unittest

import cases
from apps import Book, Consumer, check_accounts
from flow import Flow

MIB = 1024 * 1024
BESIDE = 2


class SmallFileSystem:
    """A tmpfs of that size. Use as a context manager."""

    def __init__(self, mebibytes):
        self.path = tempfile.mkdtemp(prefix="bus-small-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "bus-test",
                               self.path], stderr=subprocess.PIPE, check=False, text=True)
        self.mounted = done.returncode == 0
        self.why_not = done.stderr.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.path], check=True)
        os.rmdir(self.path)

    def fill(self, mebibytes):
        with open(os.path.join(self.path, "filler"), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, mebibytes * MIB)

    def free(self):
        os.remove(os.path.join(self.path, "filler"))


class DiskFull(unittest.TestCase):
    def small(self):
        small = SmallFileSystem(128)
        self.addCleanup(small.__exit__)
        if not small.mounted:
            self.skipTest(f"may not mount a small file system here: {small.why_not}")
        return small

    def flow(self, small, min_free):
        flow = Flow(self, producer_options=("--size", 1000), journals={
            "tokyo": {"path": os.path.join(small.path, "journal.db"), "min_free": min_free}})
        self.addCleanup(flow.__exit__)
        return flow.start()

    def wait_until_full(self, flow):
        """The disk is full, and the producer was told to wait."""
        flow.near.wait_for_status(lambda status: status["journal"]["full"], 60)
        held = flow.book.held
        flow.book.wait_for(lambda: flow.book.held > held, "a publisher that is held back")

    def is_full(self, flow):
        return flow.near.status()["journal"]["full"]

    def check_that_it_fills_drains_and_goes_on(self, min_free):
        flow = self.flow(self.small(), min_free)
        local = Consumer(Book(), flow.near.runtime, "topic", flow.channel, "--durable", "local")
        local.wait_for_word("ready")
        local.stop()
        flow.far.stop()
        flow.start_producer()
        self.wait_until_full(flow)

        # Acknowledgements and draining go on.
        book = Book(like=flow.book)
        local = Consumer(book, flow.near.runtime, "topic", flow.channel, "--durable", "local")
        self.addCleanup(local.kill)
        book.wait_for(lambda: book.got >= flow.book.safe and not book.lost(), "the local backlog")
        self.assertTrue(self.is_full(flow))
        check_accounts(self, flow.near)

        # So do an orderly stop and a start.
        self.assertEqual(flow.near.stop(), 0, flow.near.lines)
        flow.near.start()
        self.wait_until_full(flow)

        # The far side is back: it drains, and the producer goes on by itself.
        flow.far.start()
        flow.near.wait_for_status(lambda status: not status["journal"]["full"], 60)
        flow.wait_for_more_safe(10_000)
        flow.finish()
        book.wait_for(lambda: not book.lost(), "the rest, locally")
        self.assertEqual(book.complaints, [])

    def test_a_full_disk_holds_back_publishers_only_and_the_far_side_frees_it(self):
        self.check_that_it_fills_drains_and_goes_on(min_free="0KiB")

    def test_the_room_that_min_free_leaves_to_others_is_not_touched(self):
        self.check_that_it_fills_drains_and_goes_on(min_free="24MiB")

    def test_room_that_somebody_frees_is_noticed(self):
        small = self.small()
        flow = self.flow(small, "1MiB")
        flow.far.stop()
        small.fill(40)
        flow.start_producer()
        self.wait_until_full(flow)
        flow.near.kill()
        flow.near.start()
        self.wait_until_full(flow)
        small.free()
        flow.wait_for_more_safe(10_000)
        self.wait_until_full(flow)  # of its own messages now
        flow.far.start()
        flow.finish()

    def test_a_peer_whose_disk_is_full_loses_nothing_either(self):
        small = self.small()
        flow = Flow(self, from_dialler=False, producer_options=("--size", 1000), journals={
            "tokyo": {"path": os.path.join(small.path, "journal.db"), "min_free": "1MiB"}})
        self.addCleanup(flow.__exit__)
        flow.start()
        flow.consumer.stop()
        flow.start_producer()
        flow.far.wait_for_status(lambda status: status["journal"]["full"], 60)
        flow.wait_for_more_safe(10_000)  # at home there is room
        flow.start_consumer()
        flow.far.wait_for_status(lambda status: not status["journal"]["full"], 60)
        flow.finish()


if __name__ == "__main__":
    cases.main(BESIDE)
