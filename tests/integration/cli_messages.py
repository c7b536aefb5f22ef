"""What `bus` sends is what `bus` writes out, byte for byte, through real agents."""

import json
import os
import signal
import unittest

import cases
from agent import Agent, App, pair, start_pair
from command import bus, start_bus


class Messages(unittest.TestCase):
    def setUp(self):
        self.agent = Agent("paris")
        self.addCleanup(self.agent.__exit__, None, None, None)
        self.agent.start()

    def bus(self, *arguments, stdin=b""):
        return bus(*arguments, runtime=self.agent.runtime, stdin=stdin)

    def start(self, *arguments, **more):
        process = start_bus(*arguments, runtime=self.agent.runtime, **more)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def wait_for_consumers(self, count=1):
        self.agent.wait_for_status(
            lambda status: sum(group["consumers"] for group in status["groups"]) == count)

    def wait_until_nothing_waits(self):
        return self.agent.wait_for_status(
            lambda status: all(account["waiting"] == 0 for account in status["accounts"]))

    def test_lines_keep_their_bytes_and_their_order(self):
        text = b"one\r\n\n  two \xff\xfe\x00\nlast without a newline"
        self.assertEqual(self.bus("send", "--lines", "jobs", stdin=text).returncode, 0)
        received = self.bus("receive", "jobs", "--count", "4")
        self.assertEqual(received.stdout, text + b"\n")
        self.assertEqual(received.returncode, 0)
        self.wait_until_nothing_waits()

    def test_many_lines_come_out_as_they_went_in(self):
        text = b"".join(b"line %d\n" % number for number in range(50_000))
        self.assertEqual(self.bus("send", "--lines", "jobs", stdin=text).returncode, 0)
        self.assertEqual(self.bus("receive", "jobs", "--count", "50000").stdout, text)

    def test_without_text_all_of_standard_input_is_one_message(self):
        blob = os.urandom(300_000)
        self.assertEqual(self.bus("send", "blobs", stdin=blob).returncode, 0)
        received = self.bus("receive", "blobs", "--count", "1", "--format", "raw")
        self.assertEqual(received.stdout, blob)

    def test_json_tells_channel_and_id_and_keeps_what_is_no_text(self):
        self.bus("send", "jobs", "text")
        self.bus("send", "jobs", stdin=b"\xff")
        lines = self.bus("receive", "jobs", "--count", "2", "--format", "json").stdout.splitlines()
        first, second = map(json.loads, lines)
        self.assertEqual((first["channel"], first["payload"], first["redelivered"]),
                         ("jobs", "text", False))
        self.assertEqual(second["payload_base64"], "/w==")
        self.assertNotEqual(first["id"], second["id"])

    def test_a_publish_that_reaches_nobody_says_so_and_is_no_error(self):
        lonely = self.bus("publish", "plant7.temperature", "21")
        self.assertEqual(lonely.returncode, 0)
        self.assertIn(b"reached nobody", lonely.stderr)

    def test_that_nobody_wants_it_is_an_error_where_a_destination_is_required(self):
        lonely = self.bus("publish", "--require-destination", "plant7.temperature", "21")
        self.assertEqual(lonely.returncode, 6)
        self.assertIn(b"0 of 1 message is safe; the first that failed: no destination: nobody wants it",
                      lonely.stderr)
        self.bus("subscribe", "plant7.**", "--durable", "d", "--timeout", "0")
        for options in ([], ["--receipt", "arrived"]):
            wanted = self.bus("publish", "--require-destination", *options, "plant7.temperature", "21")
            self.assertEqual((wanted.returncode, wanted.stderr), (0, b""))
        self.assertEqual(self.bus("send", "--require-destination", "jobs", "kept").returncode, 0)
        self.assertEqual(self.bus("publish", "--require-destination", "--receipt", "none", "a", "b")
                         .returncode, 2)

    def test_a_job_that_is_tried_again_publishes_once(self):
        self.bus("subscribe", "plant.**", "--durable", "d", "--timeout", "0")
        for attempt in range(2):
            sent = self.bus("publish", "--id", "nightly", "plant.a", "report")
            self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertIn(b"1 of 1 message had been published before", sent.stderr)
        self.bus("publish", "--id", "next night", "plant.a", "another report")
        self.agent.kill()
        self.agent.start()
        self.bus("publish", "--id", "nightly", "plant.a", "report")
        got = self.bus("subscribe", "plant.**", "--durable", "d", "--timeout", "0.3")
        self.assertEqual(got.stdout, b"report\nanother report\n")

    def test_it_stays_published_when_a_consumer_had_it_at_once_and_the_agent_was_killed(self):
        reader = self.start("receive", "jobs")
        self.wait_for_consumers()
        self.assertEqual(self.bus("send", "--id", "nightly", "jobs", "one").returncode, 0)
        self.assertEqual(reader.stdout.readline(), b"one\n")
        self.agent.kill()
        self.agent.start()
        again = self.bus("send", "--id", "nightly", "jobs", "one")
        self.assertIn(b"had been published before", again.stderr)

    def test_an_import_that_is_tried_again_goes_on_where_it_stopped(self):
        lines = [b"line %d\n" % number for number in range(2_000)]
        first = self.bus("send", "--lines", "--id", "import", "jobs", stdin=b"".join(lines[:700]))
        self.assertEqual(first.returncode, 0, first.stderr)
        second = self.bus("send", "--lines", "--id", "import", "jobs", stdin=b"".join(lines))
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn(b"700 of 2,000 messages had been published before", second.stderr)
        got = self.bus("receive", "jobs", "--count", "2000", "--timeout", "5")
        self.assertEqual(got.stdout, b"".join(lines))

    def test_headers_travel_beside_the_message(self):
        self.assertEqual(self.bus(
            "send", "--key", "pump", "--correlation-id", "7", "--reply-to", "answers",
            "--content-type", "text/plain", "--header", "a=1", "--header", "b=x=y", "--priority",
            "low", "jobs", "text").returncode, 0)
        got = json.loads(self.bus("receive", "jobs", "--count", "1", "--format", "json").stdout)
        self.assertEqual(got["headers"], {"key": "pump", "correlation-id": "7", "a": "1",
                                          "reply-to": "answers", "content-type": "text/plain", "b": "x=y"})
        self.assertEqual((got["payload"], got["priority"]), ("text", "low"))
        for wrong in ("no-value", "=1"):
            self.assertEqual(self.bus("send", "--header", wrong, "jobs", "text").returncode, 2)

    def test_what_has_expired_is_not_handed_out(self):
        self.bus("send", "--expires", "1ms", "jobs", "stale")  # the next command takes longer
        self.bus("send", "--expires", "1h", "jobs", "fresh")
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"fresh\n")
        for wrong in ("0s", "-1s", "soon", "1y"):
            self.assertEqual(self.bus("send", "--expires", wrong, "jobs", "text").returncode, 2)

    def test_a_high_message_overtakes_what_waits_and_low_ones_come_as_well(self):
        for priority in ("low", "normal", "high"):
            lines = "".join(f"{priority}\n" for _ in range(7)).encode()
            self.assertEqual(self.bus("send", "--lines", "--priority", priority, "jobs", stdin=lines)
                             .returncode, 0)
        got = self.bus("receive", "jobs", "--count", "21").stdout.split()
        self.assertEqual(got[0], b"high")
        self.assertEqual(sorted(got), sorted([b"low", b"normal", b"high"] * 7))

    def test_a_subscriber_gets_what_matches_its_filter(self):
        reader = self.start("subscribe", "plant7.**", "--count", "2")
        self.wait_for_consumers()
        self.bus("publish", "plant8.temperature", "no")
        for text in ("21", "22"):
            self.assertEqual(self.bus("publish", "plant7.temperature", text).stderr, b"")
        out, _ = reader.communicate(timeout=20)
        self.assertEqual(out, b"21\n22\n")
        self.assertEqual(reader.returncode, 0)

    def test_a_durable_subscription_collects_while_nobody_reads_it(self):
        self.assertEqual(self.bus("subscribe", "a.**", "--durable", "d", "--timeout", "0")
                         .returncode, 0)
        self.bus("publish", "a.b", "kept")
        self.assertEqual(self.bus("subscribe", "a.**", "--durable", "d", "--count", "1").stdout,
                         b"kept\n")

    def test_silence_before_the_count_has_an_exit_code_of_its_own(self):
        self.bus("send", "jobs", "one")
        short = self.bus("receive", "jobs", "--count", "2", "--timeout", "0.2")
        self.assertEqual((short.returncode, short.stdout), (4, b"one\n"))
        self.assertEqual(self.bus("receive", "jobs", "--timeout", "0.1").returncode, 0)

    def test_what_could_not_be_written_out_comes_again(self):
        self.bus("send", "jobs", "precious")
        reader = self.start("receive", "jobs", "--count", "1")
        reader.stdout.close()
        self.assertEqual(reader.wait(20), 5)
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"precious\n")

    def test_interrupted_it_says_how_many_messages_are_safe(self):
        sender = self.start("send", "--lines", "jobs", stdin=-1)
        sender.stdin.write(b"one\ntwo\n")
        sender.stdin.flush()
        self.agent.wait_for_status(lambda status: sum(
            account["taken"] for account in status["accounts"]) == 2)
        sender.send_signal(signal.SIGINT)
        # Not communicate(): it closes standard input first, and the end of input is no interruption.
        self.assertEqual(sender.wait(timeout=20), 130)
        _, err = sender.communicate(timeout=20)
        self.assertRegex(err, rb"of 2 messages are safe")

    def test_an_interrupted_consumer_has_acknowledged_what_it_wrote(self):
        reader = self.start("receive", "jobs")
        self.wait_for_consumers()
        self.bus("send", "jobs", "one")
        self.assertEqual(reader.stdout.readline(), b"one\n")
        reader.send_signal(signal.SIGTERM)
        reader.communicate(timeout=20)
        self.assertEqual(reader.returncode, 130)
        self.wait_until_nothing_waits()

    def test_without_receipts_messages_still_reach_the_agent(self):
        self.assertEqual(self.bus("send", "--receipt", "none", "jobs", "one").returncode, 0)
        self.assertEqual(self.bus("receive", "jobs", "--count", "1").stdout, b"one\n")

    def test_other_clients_read_what_it_sends(self):
        self.bus("send", "jobs", "for python")
        with App(self.agent.runtime, producer=False) as app:
            app.subscribe(1, "jobs", kind="queue")
            delivery = app.delivery()
            self.assertEqual(delivery.payloads, [b"for python"])
            app.ack(delivery)

    def test_status_shows_the_queue_for_people_and_for_programs(self):
        self.bus("send", "jobs", "one")
        shown = self.bus("status")
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, rb"queue +jobs +0 +1 ")
        self.assertNotIn(b"\x1b", shown.stdout)
        status = json.loads(self.bus("status", "--json").stdout)
        self.assertEqual([group["name"] for group in status["groups"]], ["jobs"])


class BetweenHosts(unittest.TestCase):
    def test_a_receipt_for_arrival_comes_from_the_far_agent(self):
        paris, tokyo = pair()
        with paris, tokyo:
            start_pair(paris, tokyo)
            reader = start_bus("receive", "jobs", "--count", "3", runtime=paris.runtime)
            tokyo.wait_for_status(lambda status: status["links"][0]["interest"] > 0)
            sent = bus("send", "--lines", "--receipt", "arrived", "jobs", runtime=tokyo.runtime,
                       stdin=b"1\n2\n3\n")
            out, _ = reader.communicate(timeout=20)
            self.assertEqual((sent.returncode, sent.stderr), (0, b""))
            self.assertEqual((reader.returncode, out), (0, b"1\n2\n3\n"))

    def test_over_a_link_a_later_high_message_overtakes_waiting_low_ones_and_starves_none(self):
        paris, tokyo = pair()
        with paris, tokyo:
            start_pair(paris, tokyo)
            bus("subscribe", "plant.**", "--durable", "all", "--timeout", "0", runtime=tokyo.runtime)
            paris.wait_for_status(lambda status: status["links"][0]["interest"] > 0)
            tokyo.stop()
            paris.wait_for_status(lambda status: status["links"][0]["state"] != "up")
            for priority, count in (("low", 20), ("high", 5)):
                for number in range(count):  # a batch each
                    sent = bus("publish", "--priority", priority, "plant.a", f"{priority} {number}",
                               runtime=paris.runtime)
                    self.assertEqual(sent.returncode, 0)
            tokyo.start()
            got = bus("subscribe", "plant.**", "--durable", "all", "--count", "25",
                      runtime=tokyo.runtime).stdout.decode().splitlines()
            for priority, count in (("low", 20), ("high", 5)):
                self.assertEqual([text for text in got if text.startswith(priority)],
                                 [f"{priority} {number}" for number in range(count)])
            self.assertLess(got.index("high 4"), 10, got)  # four of five turns
            self.assertLess(got.index("low 0"), got.index("high 4"), got)


if __name__ == "__main__":
    cases.main()
