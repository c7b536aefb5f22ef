"""`bus subscription` and the configuration: durable subscriptions before, beside and after their programs."""

import json
import unittest

import cases
from agent import Agent, App, pair_for, start_pair
from command import bus, start_bus, words_for


class Subscriptions(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris")
        self.addCleanup(self.paris.__exit__)
        self.paris.start()

    def ask(self, *command, code=0, of=None):
        return words_for(self, *command, runtime=(of or self.paris).runtime, code=code)

    def add(self, name="billing", filter_="orders.**"):
        return self.ask("subscription", "add", filter_, "--durable", name)

    def listed(self, of=None):
        done = bus("subscription", "list", "--json", runtime=(of or self.paris).runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {one["name"]: one for one in json.loads(done.stdout)}

    def publish(self, *payloads):
        with App(self.paris.runtime) as here:
            for payload in payloads:
                here.wait_until_safe(here.publish("orders.eu", payload))

    def read(self, count):
        with App(self.paris.runtime) as reader:
            reader.subscribe(1, "orders.**", durable="billing")
            payloads = []
            for _ in range(count):
                delivery = reader.delivery()
                payloads += delivery.payloads
                reader.ack(delivery)
            self.paris.wait_for_status(
                lambda status: status["groups"][0]["waiting_messages"] == 0)
            return payloads

    def crash(self):
        self.paris.kill()
        self.paris.start()

    def test_it_collects_before_its_program_comes_for_the_first_time(self):
        self.assertEqual(self.add(), "billing collects orders.** from now on")
        self.publish(b"1", b"2")
        self.crash()
        self.assertEqual(self.add(), "billing collects orders.**, as before")
        self.assertEqual(self.listed()["billing"]["waiting_messages"], 2)
        self.assertIn("billing durable orders.** collecting 0 2", self.ask("subscription", "list"))
        self.assertEqual(self.read(2), [b"1", b"2"])
        self.assertIn("stands with another filter, orders.**", self.ask(
            "subscription", "add", "orders.eu", "--durable", "billing", code=1))

    def test_a_pause_is_on_disk_when_the_command_ends(self):
        self.add()
        self.assertIn("is paused", self.ask("subscription", "pause", "billing"))
        self.crash()
        self.publish(b"1")
        with App(self.paris.runtime) as reader:
            reader.subscribe(1, "orders.**", durable="billing")
            self.assertEqual(self.listed()["billing"]["state"], "paused")
            self.assertIn("durable, paused billing", self.ask("status"))
            self.assertIn("it is paused", self.ask("why", "billing", code=1))
            self.assertEqual(len(reader.deliveries), 0)
            self.assertIn("hands out again", self.ask("subscription", "resume", "billing"))
            self.assertEqual(reader.delivery().payloads, [b"1"])

    def test_a_purge_tells_first_and_leaves_the_subscription(self):
        self.add()
        self.publish(b"1", b"22")
        self.crash()
        self.assertIn("would be purged: 2 messages",
                      self.ask("subscription", "purge", "billing", "--dry-run"))
        self.assertEqual(self.listed()["billing"]["waiting_messages"], 2)
        self.assertIn("is purged: 2 messages", self.ask("subscription", "purge", "billing"))
        self.crash()
        self.publish(b"3")
        self.assertEqual(self.read(1), [b"3"])
        status = self.paris.wait_for_status(lambda status: status["journal"]["live_bytes"] == 0)
        self.assertTrue(all(account["balances"] for account in status["accounts"]))

    def test_a_removal_ends_it_and_its_consumers_hear_of_it(self):
        self.add()
        self.publish(b"1")
        with App(self.paris.runtime) as reader:
            reader.subscribe(7, "orders.**", durable="billing")
            delivery = reader.delivery()
            said = self.ask("subscription", "remove", "billing", "--dry-run")
            self.assertIn("would be removed: 1 message", said)
            self.assertIn("1 consumer", said)
            self.assertIn("is removed", self.ask("subscription", "remove", "billing"))
            failed = reader.reply("failed")
            self.assertEqual((failed["id"], failed["code"]), (7, "not_found"))
            self.assertIn("removed by an operator", failed["reason"])
            reader.ack(delivery)
            self.paris.wait_for_status(lambda status: status["late_acks"] == 1)
        self.crash()
        self.assertEqual(self.listed(), {})
        self.assertIn('there is no durable subscription and no group "billing"',
                      self.ask("subscription", "remove", "billing", code=1))

    def test_a_program_that_reads_it_with_libbus_ends_and_says_why(self):
        self.add()
        self.publish(b"1")
        reading = start_bus("subscribe", "orders.**", "--durable", "billing",
                            runtime=self.paris.runtime)
        self.assertEqual(reading.stdout.readline(), b"1\n")
        self.ask("subscription", "remove", "billing")
        _, said = reading.communicate(timeout=20)
        self.assertEqual(reading.returncode, 1)
        self.assertIn(b"removed by an operator", said)

    def test_the_configuration_declares_and_never_ends_one(self):
        self.paris.settings["subscriptions"] = {"billing": {"filter": "orders.**"}}
        self.paris.write_config()
        self.assertIn("subscription billing: declared, filter orders.**", self.ask("reload"))
        self.publish(b"1")
        self.assertTrue(self.listed()["billing"]["configured"])
        self.assertIn("the configuration declares", self.ask(
            "subscription", "remove", "billing", code=1))
        del self.paris.settings["subscriptions"]
        self.paris.write_config()
        self.assertIn("no longer declared; it stays, with what it has", self.ask("reload"))
        self.crash()
        self.assertEqual(self.listed()["billing"]["waiting_messages"], 1)
        self.assertIn("is removed: 1 message", self.ask("subscription", "remove", "billing"))

    def test_a_message_that_is_wrong_says_what_is(self):
        self.assertIn('"orders.>" is no valid filter: for all that is left write **', self.ask(
            "subscription", "add", "orders.>", "--durable", "billing", code=1))
        self.assertIn('"a b" is no subscription name', self.ask(
            "subscription", "add", "orders", "--durable", "a b", code=1))


class AcrossHosts(unittest.TestCase):
    def test_it_says_where_it_is_known_and_who_is_out_of_reach(self):
        paris, tokyo = pair_for(self)
        start_pair(paris, tokyo)
        add = ["subscription", "add", "news", "--durable"]
        self.assertIn("known at tokyo", words_for(self, *add, "near", runtime=paris.runtime))
        with App(tokyo.runtime) as there:
            there.wait_until_safe(there.publish("news", b"1"))
        paris.wait_for_status(lambda status: any(
            group["waiting_messages"] == 1 for group in status["groups"]))
        tokyo.kill()
        paris.wait_for_status(lambda status: status["links"][0]["state"] == "down")
        said = words_for(self, *add, "far", runtime=paris.runtime)
        self.assertIn("unreachable, told when they are back: tokyo", said)


if __name__ == "__main__":
    cases.main()
