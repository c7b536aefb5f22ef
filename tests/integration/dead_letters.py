"""`bus dead`: what was rejected is listed, shown, retried, purged, and goes on where its channel says."""

import json
import struct
import unittest

import cases
from agent import Agent, App
from command import bus, bus_for, start_bus, words_for

REASON = b"no such customer"
REJECTED = "rejected by its consumer: no such customer"


def reject(app, delivery):
    app.send(struct.pack("<BBHIQIIBBHI", 3, 1, 24, 1, delivery.tag, delivery.first,
                         len(delivery.payloads), 2, 0, len(REASON), 0) + REASON)


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris")
        self.addCleanup(self.paris.__exit__)
        self.paris.start()

    def ask(self, *command, code=0):
        return words_for(self, "dead", *command, runtime=self.paris.runtime, code=code)

    def json(self, *command, code=0):
        done = bus_for(self, "dead", *command, "--json", runtime=self.paris.runtime, code=code)
        return json.loads(done.stdout)

    def letters(self, *options):
        return self.json("list", *options)["letters"]

    def reject(self, queue, *payloads, stay=True):
        """Sends them one by one to a consumer that rejects them; they stay, or go on."""
        before = self.paris.status()["journal"]["dead_letters"]
        with App(self.paris.runtime) as here, App(self.paris.runtime, producer=False) as consumer:
            consumer.subscribe(1, queue, kind="queue")
            for payload in payloads:
                here.publish(queue, payload, kind="queue")
                reject(consumer, consumer.delivery())
        kept = before + len(payloads) if stay else 0
        self.paris.wait_for_status(lambda status: status["journal"]["dead_letters"] == kept)

    def received(self, queue, count):
        done = bus("receive", queue, "--count", str(count), "--timeout", "20", "--format", "json",
                   runtime=self.paris.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def balanced(self):
        return all(account["balances"] for account in self.paris.status()["accounts"])

    def test_rejected_listed_shown_retried_consumed(self):
        self.reject("orders", b"one", b"two")
        first, second = self.letters()
        self.assertEqual((first["channel"], first["kind"], first["name"], first["messages"]),
                         ("orders", "queue", "orders", 1))
        self.assertEqual(first["reason"], REJECTED)
        self.assertIn("orders queue orders 1", self.ask("list"))
        self.assertIn(REJECTED, self.ask("list", "--totals"))
        shown = self.json("show", str(second["id"]))
        self.assertEqual(shown["contents"][0]["payload"], {"bytes": 3, "text": "two"})
        self.assertTrue(shown["contents"][0]["intact"])
        self.assertIn("two", self.ask("show", str(second["id"])))

        self.assertIn("would be retried 1 message", self.ask("retry", str(first["id"]), "--dry-run"))
        self.assertEqual(len(self.letters()), 2)
        self.assertIn("retried 1 message", self.ask("retry", str(first["id"])))
        self.assertEqual([letter["id"] for letter in self.letters()], [second["id"]])
        (message,) = self.received("orders", 1)
        self.assertEqual((message["payload"], message["redelivered"]), ("one", True))
        self.assertIn(f"there is no dead letter {first['id']}",
                      self.ask("show", str(first["id"]), code=1))
        self.assertTrue(self.balanced())

    def test_a_kill_leaves_a_dead_letter_or_a_message(self):
        self.reject("orders", *(b"%d" % n for n in range(40)))
        running = []
        for _ in range(2):
            self.ask("retry", "--all", "--dry-run")
            self.assertEqual(self.json("retry", "--all")["messages"], 0 if running else 40)
            running.append(True)
            self.paris.kill()
            self.paris.start()
        self.assertEqual(self.letters(), [])
        messages = self.received("orders", 40)
        self.assertEqual({message["payload"] for message in messages}, {str(n) for n in range(40)})
        self.assertTrue(all(message["redelivered"] for message in messages))
        self.assertTrue(self.balanced())

    def test_a_kill_in_the_middle_of_a_retry_leaves_each_as_one_or_the_other(self):
        count = 120
        self.reject("orders", *(b"%d" % n for n in range(count)))
        self.assertEqual(len(self.letters("--limit", "1000")), count)
        for killed_at in (20, 40):
            retrying = start_bus("dead", "retry", "--all", "--rate", "100",
                                 runtime=self.paris.runtime)
            self.paris.wait_for_status(
                lambda status: status["journal"]["dead_letters"] <= count - killed_at)
            self.paris.kill()
            retrying.kill()
            retrying.communicate()
            self.paris.start()
        left = self.letters("--limit", "1000")
        self.assertGreater(len(left), 0)
        waiting = count - len(left)
        self.assertEqual(sum(group["account"]["waiting"] for group in self.paris.status()["groups"]
                             if group["name"] == "orders"), waiting)
        back = self.received("orders", waiting)
        self.assertEqual(self.json("retry", "--all")["messages"], len(left))
        back += self.received("orders", len(left))
        self.assertEqual(sorted(int(message["payload"]) for message in back), list(range(count)))
        self.assertEqual(self.letters(), [])
        self.assertTrue(self.balanced())

    def test_dead_letters_outlive_a_kill_and_are_purged_by_filter(self):
        self.reject("orders.eu", b"1", b"2")
        self.reject("orders.us", b"3", b"4")
        self.paris.kill()
        self.paris.start()
        self.assertEqual(len(self.letters()), 4)
        self.assertEqual(len(self.letters("--channel", "orders.eu", "--queue")), 2)
        self.assertEqual(self.letters("--reason", "too old"), [])
        self.assertIn("which? Give IDs", self.ask("purge", code=2))
        self.assertIn("would be purged 2 messages",
                      self.ask("purge", "--channel", "*.us", "--dry-run"))
        self.assertEqual(self.json("purge", "--channel", "*.us")["messages"], 2)
        self.assertEqual({letter["channel"] for letter in self.letters()}, {"orders.eu"})
        self.assertEqual(self.paris.status()["journal"]["dead_letters"], 2)
        self.assertIn("is no valid filter", self.ask("list", "--channel", "a..b", code=1))

    def test_a_rate_is_kept(self):
        self.reject("orders", *(b"%d" % n for n in range(6)))
        with App(self.paris.runtime, producer=False) as consumer:
            consumer.subscribe(1, "orders", kind="queue")
            self.assertEqual(self.json("retry", "--all", "--rate", "20")["messages"], 6)
            for _ in range(6):
                consumer.ack(consumer.delivery())

    def test_a_subscription_that_is_gone_is_named(self):
        with App(self.paris.runtime) as here:
            here.subscribe(1, "news", durable="alarms")
            here.publish("news", b"x")
            reject(here, here.delivery())
            self.paris.wait_for_status(lambda status: status["journal"]["dead_letters"] == 1)
            here.send_json(type="unsubscribe", id=1, forget=True)
            here.reply("unsubscribed")
        said = self.ask("retry", "--all", code=1)
        self.assertIn("1 message stays: there is no durable subscription alarms any more", said)
        self.assertEqual(len(self.letters()), 1)

    def test_it_goes_on_where_its_channel_says_also_what_lies_there(self):
        self.reject("orders", b"early")
        self.paris.settings["channels"] = {
            "orders": {"kind": "queue", "dead_letter_to": "orders.dead"}}
        self.paris.write_config()
        self.assertIn("channels queue orders: dead_letter_to orders.dead, was none",
                      words_for(self, "reload", runtime=self.paris.runtime))
        self.reject("orders", b"late", stay=False)
        messages = self.received("orders.dead", 2)
        self.assertEqual([message["payload"] for message in messages], ["early", "late"])
        for message in messages:
            headers = message["headers"]
            self.assertEqual(headers["x-dead-reason"], REJECTED)
            self.assertEqual(headers["x-dead-channel"], "orders")
            self.assertRegex(headers["x-dead-id"], "^[0-9a-f]{32}/[0-9]+$")
            self.assertIn("x-dead-time", headers)
            self.assertIn("x-dead-attempts", headers)
        self.assertEqual(self.letters(), [])
        self.paris.kill()
        self.paris.start()
        self.assertEqual(self.letters(), [])
        self.assertTrue(self.balanced())


if __name__ == "__main__":
    cases.main()
