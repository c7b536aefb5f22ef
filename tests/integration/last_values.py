"""Last values: what a topic keeps for late joiners, across hosts, kills and links that are down."""

import json
import unittest

import cases
from agent import App, pair_for, start_pair
from command import bus, bus_for, start_bus, words_for

RETAINED = {"prices.**": {"retain": "last"}}


class LastValues(unittest.TestCase):
    """paris publishes and retains; tokyo has late joiners."""

    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        self.paris.settings["channels"] = RETAINED
        self.paris.write_config()

    def publish(self, *prices, channel="prices.oil"):
        for price in prices:
            bus_for(self, "publish", channel, price, runtime=self.paris.runtime)

    def join(self, agent, count=1, *more):
        done = bus("subscribe", "prices.*", "--last", "--count", str(count), "--timeout", "20",
                   "--format", "json", *more, runtime=agent.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        return [(one["payload"], one.get("retained", False)) for one in messages]

    def start_pair(self):
        start_pair(self.paris, self.tokyo)
        self.paris.settings["listen"] = [self.paris.address]  # also after a restart
        self.paris.write_config()

    def kept(self, count):
        self.paris.wait_for_status(lambda status: status["journal"]["last_values"] == count)

    def test_a_late_joiner_begins_with_the_last_of_each_channel_here_and_there(self):
        self.start_pair()
        self.publish("1", "2")
        self.publish("7", channel="prices.gold")
        for agent in (self.paris, self.tokyo):
            self.assertEqual(sorted(self.join(agent, 2)), [("2", True), ("7", True)])
        self.assertIn("2 last values", words_for(self, "status", runtime=self.paris.runtime))
        for agent in (self.paris, self.tokyo):
            self.assertTrue(all(account["balances"] for account in agent.status()["accounts"]))

    def test_the_last_one_called_safe_outlives_a_kill(self):
        self.start_pair()
        self.publish("1")
        for price in range(2, 12):
            self.publish(str(price))
            self.paris.kill()
            self.paris.start()
            self.assertEqual(self.join(self.paris), [(str(price), True)])
        self.tokyo.wait_for_link("paris")
        self.assertEqual(self.join(self.tokyo), [("11", True)])

    def test_what_all_subscribers_had_is_kept_through_a_kill_as_well(self):
        self.paris.start()
        with App(self.paris.runtime) as reader, App(self.paris.runtime) as writer:
            reader.subscribe(1, "prices.*")
            number = writer.publish("prices.oil", b"3")
            delivery = reader.delivery()
            self.assertEqual(delivery.payloads, [b"3"])
            reader.ack(delivery)
            writer.wait_until_safe(number)
            self.paris.kill()
        self.paris.start()
        self.assertEqual(self.join(self.paris), [("3", True)])

    def test_while_the_link_is_down_a_late_joiner_waits_and_gets_the_last_then(self):
        self.start_pair()
        self.paris.stop()
        display = start_bus("subscribe", "prices.*", "--last", "--count", "1", "--timeout", "20",
                            runtime=self.tokyo.runtime)
        self.tokyo.wait_for_status(lambda status: any(
            group["filter"] == "prices.*" and group["consumers"] == 1
            for group in status["groups"]))
        self.paris.start()
        self.publish("4", "5")
        out, errors = display.communicate(timeout=30)
        # By then the link may have been up: "4" is live then.
        self.assertIn(out.decode().split(), (["4"], ["5"]), errors)

    def test_a_durable_subscription_has_it_when_it_is_created_and_not_again(self):
        self.start_pair()
        self.publish("1")
        self.assertEqual(self.join(self.tokyo, 1, "--durable", "board"), [("1", True)])
        self.publish("2")
        self.assertEqual(self.join(self.tokyo, 1, "--durable", "board"), [("2", False)])

    def test_a_removed_setting_takes_its_values_along(self):
        self.paris.start()
        self.publish("1")
        self.kept(1)
        self.paris.settings["channels"] = {}
        self.paris.write_config()
        self.assertIn("retain", words_for(self, "reload", runtime=self.paris.runtime))
        self.kept(0)
        self.paris.kill()
        self.paris.start()
        self.kept(0)

    def test_what_has_expired_is_none_and_what_is_delayed_becomes_one_when_it_is_due(self):
        self.paris.start()
        for channel, price, how in (("prices.gold", "7", ("--after", "1500ms")),
                                    ("prices.oil", "brief", ("--expires", "1s"))):
            bus_for(self, "publish", channel, price, *how, runtime=self.paris.runtime)
        self.kept(1)
        self.kept(2)
        self.assertEqual(self.join(self.paris), [("7", True)])

    def test_who_may_not_have_it_is_refused_or_told(self):
        self.paris.start()
        done = bus("subscribe", "prices.*", "--last", "--group", "crew",
                   runtime=self.paris.runtime)
        self.assertEqual(done.returncode, 2, done.stderr)
        with App(self.paris.runtime) as app:
            app.send_json(type="subscribe", id=1, kind="queue", filter="prices", last=True)
            self.assertIn("only topics keep last values", app.reply("failed")["reason"])
            app.send_json(type="subscribe", id=1, kind="topic", filter="prices", last=True,
                          group="crew")
            self.assertIn("not both", app.reply("failed")["reason"])


if __name__ == "__main__":
    cases.main()
