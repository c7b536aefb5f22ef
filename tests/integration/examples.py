"""The programs in examples/ do what they say."""

import os
import pathlib
import subprocess
import unittest

import cases
from agent import BINARY as AGENT, Agent
from command import BINARY as TOOL

BUILT = pathlib.Path(os.environ["BUS_EXAMPLES"])
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "examples"
PATH = os.pathsep.join([os.path.dirname(TOOL), os.path.dirname(AGENT), os.environ["PATH"]])


def run_example(runtime, name, *arguments):
    """What it wrote, by lines; it must have ended well."""
    command = {".sh": ["bash", SOURCES / name], ".py": ["/usr/bin/python3", SOURCES / name]}.get(
        pathlib.Path(name).suffix, [BUILT / name])
    done = subprocess.run([*command, *arguments], timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "BUS_RUNTIME": runtime, "PATH": PATH})
    if done.returncode != 0:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


class Example(unittest.TestCase):
    """One agent for all: each example has channels of its own, and leaves nothing there."""

    agent = None

    @classmethod
    def setUpClass(cls):
        cls.agent = Agent("paris", channels={
            "lobby.**": {"retain": "last"},
            "payments": {"kind": "queue", "home": "paris"},
            "scans.**": {"limits": {"messages": 2, "at_limit": "refuse"}}}).start()
        cls.addClassCleanup(cls.agent.__exit__)

    def shows(self, name, *lines):
        self.assertEqual(run_example(self.agent.runtime, name), list(lines))

    def shows_in_any_order(self, name, *lines):
        self.assertEqual(sorted(run_example(self.agent.runtime, name)), sorted(lines))


class Channels(Example):
    def test_publish_subscribe_shows_the_two_readings_of_its_plant(self):
        self.shows("publish_subscribe", "plant7.temperature = 21.5", "plant7.line2.pressure = 0.98")

    def test_requests_are_answered_or_it_is_told_why_not(self):
        self.shows("request_reply", "tea: no price, no responders: nobody serves it", "tea: 3.20",
                   "spoon: no price, failed: not in our shop", "tea and pot: 3.20 + 19.90",
                   "pot: no price, no responders: nobody serves it")

    def test_all_carriers_are_asked_and_the_best_offer_is_taken(self):
        self.shows("scatter_gather", "no offer: ship is on holiday",
                   "2 offers, the best: 27 euros by train")

    def test_competing_consumers_share_the_work_and_none_is_idle(self):
        self.shows("competing_consumers", "12 frames rendered, 0 workers idle")

    def test_the_orders_of_a_customer_are_worked_on_one_after_the_other(self):
        self.shows("homed_queue.sh", "ada: open pay close", "bob: open pay close")

    def test_a_group_shares_the_orders_and_the_archive_has_them_all(self):
        self.shows("subscription_group.sh", "first clerk:", "tea", "pot", "second clerk:", "spoon",
                   "cup", "archive:", "tea", "pot", "spoon", "cup")

    def test_a_late_joiner_begins_with_the_last_value_of_each_channel(self):
        self.shows("last_value.sh", "the display is switched on:", "lobby.door closed (retained)",
                   "lobby.temperature 21.5 (retained)")

    def test_a_publisher_at_its_limit_is_refused_until_there_is_room(self):
        self.shows("publisher_limits.sh", "page 1 is safe", "page 2 is safe",
                   "page 3: exit 1, what waits on scans.** has reached its limit, 2 messages",
                   "the archive reads page 1", "page 3 is safe")

    def test_a_message_that_has_expired_is_not_handed_out(self):
        self.shows("message_expiration.sh", "the valve's controller restarts", "close at 18:00")

    def test_a_delayed_message_comes_when_it_is_due(self):
        self.shows("delayed_delivery.sh", "water the plants", "call Ada")

    def test_priorities_overtake_what_waits(self):
        self.shows("priority_lanes", "high: heart attack in room 9", "normal: visit in room 4",
                   "low: form 1", "low: form 2", "low: form 3")

    def test_a_large_message_arrives_whole(self):
        self.shows("large_message", "8388608 bytes of image/x-raw, every one as it was sent",
                   "the hospital's receipt: reached")

    def test_a_film_is_read_while_it_is_written(self):
        self.shows("large_stream", "the film has 12288000 bytes",
                   "3000 frames were shown, 0 of them wrong", "the studio's receipt: reached")

    def test_a_channel_adapter_sends_files_and_puts_them_away(self):
        self.shows("channel_adapter.py", "3 files sent, 0 left",
                   "1.sale: tea 3.20", "2.sale: cup 7.00", "3.sale: pot 19.90")

    def test_an_operator_gives_back_and_purges_dead_letters(self):
        self.shows("dead_letter_desk", "booked: 10 EUR", "booked: 30 USD",
                   *["dead: desk.payments, rejected by its consumer: unknown currency"] * 2,
                   "given back: 1", "booked: 20 XAU", "purged: 1")

    def test_what_died_is_given_back_from_the_shell(self):
        told = run_example(self.agent.runtime, "dead_letters.sh")
        self.assertEqual([line.partition(", ")[0] for line in told],  # no count of bytes
                         ["shipped tea to France",
                          "dead: rejected by its consumer: no way to Japan is known",
                          "dead: rejected by its consumer: no way to Mars is known",
                          "retried 1 message", "shipped cups to Japan", "purged 1 message"])

    def test_a_job_that_is_tried_again_sends_the_rest_only(self):
        self.shows("retried_job.sh", "first run, interrupted", "second run",
                   "order-1;tea", "order-2;cup", "order-3;pot", "order-4;spoon")

    def test_an_outbox_tells_each_order_once(self):
        self.shows("transactional_outbox", "relay: published 2 and crashed", "relay: published 3",
                   "told: tea", "told: cup", "told: spoon")


class Endpoints(Example):
    def test_a_durable_subscriber_gets_what_came_while_it_was_off(self):
        self.shows("durable_subscriber", "plant7.alarms.pump: overheated", "the pager is off",
                   "the pager is on again", "plant7.alarms.pump: cooled down",
                   "plant7.alarms.line2.valve: stuck")

    def test_filters_select(self):
        self.shows("message_filter", "France: [2 x tea] [1 x cup]",
                   "courier: [1 x cup] [5 x spoon]",
                   "all: [2 x tea] [1 x cup] [5 x spoon] [1 x pot]")

    def test_a_polling_consumer_takes_all_in_portions(self):
        self.shows("polling_consumer",
                   f"the numbers of all that were printed add up to {sum(range(26))}")

    def test_an_event_driven_consumer_waits_for_messages_and_a_button(self):
        self.shows("event_driven_consumer", "house.kitchen.wish: 19 degrees",
                   "house.bath.wish: 23 degrees", "off")

    def test_a_dispatcher_keeps_the_orders_of_each_customer_in_order(self):
        self.shows("message_dispatcher", "Ada: open change pay close",
                   "Edsger: open change pay close", "Grace: open change pay close")

    def test_an_idempotent_receiver_counts_once_what_comes_twice(self):
        self.shows("idempotent_receiver", "Ada: counted", "Grace: counted", "Edsger: counted",
                   "Grace, again: known already", "3 visitors")

    def test_a_payment_is_booked_once_though_the_program_crashed_after_it(self):
        lines = run_example(self.agent.runtime, "idempotent_billing")
        self.assertEqual((lines[0], lines[-1]),
                         ("booked 100, and crashed before it was acknowledged",
                          "balance: 123 euros"))
        self.assertEqual(sorted(lines[1:-1]), ["100 was booked before", "20 booked", "3 booked"])

    def test_a_command_is_a_worker(self):
        self.shows_in_any_order("exec_worker.sh", "beach.jpg at attempt 1",
                                "harbour.jpg at attempt 1", "moon.jpg at attempt 2")
        self.agent.wait_for_status(lambda status: any(
            group["name"] == "thumbnails" and group["account"]["dead_lettered"] == 1
            for group in status["groups"]))

    def test_an_old_program_answers_questions(self):
        self.shows_in_any_order("service_activator.sh", "small: 91: 7 13",
                                "large: 1000000007: 1000000007")


class Routing(Example):
    def test_a_router_sends_orders_to_their_departments(self):
        self.shows("content_based_router", "orders.book: Moby Dick", "orders.music: Kind of Blue")

    def test_items_are_split_priced_and_put_together_again(self):
        self.shows_in_any_order("composed_message_processor", "order 1: 11 euros",
                                "order 2: 3 euros", "order 3: 8 euros")

    def test_a_resequencer_restores_the_order(self):
        self.shows("resequencer", *(f"page {number}" for number in range(1, 6)))

    def test_a_slip_leads_through_the_offices_and_the_history_tells(self):
        self.shows_in_any_order(
            "routing_slip", "a bench in the garden: office.stamp office.sign ",
            "a tower: office.fire office.stamp office.sign ")

    def test_answers_find_their_questions(self):
        self.shows("return_address", "2 kg to Lima: 6 euros", "9 kg to Oslo: 27 euros")

    def test_a_normalizer_makes_one_form_of_three(self):
        self.shows("normalizer.py", '{"station": "oslo", "celsius": -3.5}',
                   '{"station": "lima", "celsius": 20.0}', '{"station": "bern", "celsius": 10.0}')

    def test_orders_pass_through_two_filters(self):
        self.shows("pipes_and_filters.sh", "tea zip=75001 city=Paris", "cup zip=1000001 city=Tokyo")

    def test_a_claim_check_brings_the_film(self):
        self.shows("claim_check.sh", "The Numbers: 1288895 bytes, as they were checked in")

    def test_a_tap_has_a_copy_of_every_payment(self):
        self.shows("wire_tap.sh", "example-booking collects payments.** from now on",
                   "example-audit collects payments.** from now on",
                   "booked:", "100", "20", "audited:",
                   "100 by payments.card at terminal 7", "20 by payments.cash at terminal 9",
                   "example-booking is removed: 0 messages, 0 B",
                   "example-audit is removed: 0 messages, 0 B")


class WithAgentsOfTheirOwn(unittest.TestCase):
    def test_queue_worker_tries_a_flaky_job_again_and_buries_an_empty_one(self):
        with Agent("paris") as agent:
            agent.start()
            for job in ("first", "flaky", ""):
                run_example(agent.runtime, "queue_worker", job)
            self.assertEqual(run_example(agent.runtime, "queue_worker"),
                             ["did first at attempt 1", "did flaky at attempt 2"])
            agent.wait_for_status(lambda status: sum(
                account["dead_lettered"] for account in status["accounts"]) == 1)

    def test_receipts_tell_how_far_each_message_got(self):
        with Agent("paris") as agent:
            agent.start()
            one, two, three = run_example(agent.runtime, "receipts")
            self.assertIn("one: reached", one)
            self.assertIn("two: reached", two)
            self.assertEqual(three, "three: 0 destinations")

    def test_a_bridge_joins_two_buses(self):
        with Agent("office") as office, Agent("factory") as factory:
            office.start()
            factory.start()
            self.assertEqual(
                run_example("", "messaging_bridge", office.runtime, factory.runtime),
                ["the factory has order-17: 500 screws, with the id it had in the office"])

    def test_a_guaranteed_message_outlives_a_killed_agent(self):
        self.assertEqual(run_example("", "guaranteed_delivery.sh"),
                         ["sent, and safe", "the agent was killed", "received: 2 x tea (redelivered)"])

    def test_two_hosts_are_looked_at_and_tested_over_the_bus(self):
        *told, received = run_example("", "control_bus.sh")
        self.assertEqual(told[-3:], ["link to tokyo is up", "messages waiting: 1",
                                     "the test message came back from tokyo"])
        self.assertEqual(received, "2 x tea")


class All(unittest.TestCase):
    def test_every_example_is_run_here(self):
        told_elsewhere = {"demo.sh", "plain_bus.py"}  # the README's; a part of other examples
        with open(__file__, encoding="utf-8") as file:
            here = file.read()
        names = {path.name if path.suffix != ".cpp" else path.stem
                 for path in SOURCES.iterdir() if path.suffix in (".cpp", ".py", ".sh")}
        self.assertGreater(len(names), 20)
        self.assertEqual([name for name in names - told_elsewhere if f'"{name}"' not in here], [])


if __name__ == "__main__":
    cases.main()
