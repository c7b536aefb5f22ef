"""A client in a few lines of Python, from PROTOCOL.md alone."""

import unittest

import zmq

import cases
from agent import Agent, App, pair_for, start_pair


class OneAgent(unittest.TestCase):
    def setUp(self):
        self.agent = self.enterContext_(Agent("paris")).start()

    def enterContext_(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def app(self, **how):
        return self.enterContext_(App(self.agent.runtime, **how))

    def test_hello_is_answered_with_who_the_agent_is(self):
        welcome = self.app().welcome
        self.assertEqual(welcome["protocol"], 1)
        self.assertEqual(welcome["name"], "paris")
        self.assertEqual(len(welcome["agent"]), 32)
        self.assertEqual((welcome["taken"], welcome["safe"]), (0, 0))
        self.assertGreater(welcome["window"], 80 * 1024)

    def test_what_is_published_reaches_a_subscriber_and_is_safe_once_acknowledged(self):
        subscriber, publisher = self.app(), self.app()
        subscriber.subscribe(7, "plant7.**")
        number = publisher.publish("plant7.temperature", b"21.5", b"21.6")
        delivery = subscriber.delivery()
        self.assertEqual(delivery.consumer, 7)
        self.assertEqual(delivery.payloads, [b"21.5", b"21.6"])
        self.assertEqual((delivery.attempt, delivery.redelivered), (1, False))
        subscriber.ack(delivery)
        publisher.wait_until_safe(number)

    def test_a_queue_gives_each_message_to_one_consumer(self):
        one, two, sender = self.app(), self.app(), self.app()
        one.subscribe(1, "orders", kind="queue")
        two.subscribe(1, "orders", kind="queue")
        last = 0
        for order in range(20):
            last = sender.publish("orders", b"order %d" % order, kind="queue")
        taken = []
        poller = zmq.Poller()
        for app in (one, two):
            poller.register(app.socket, zmq.POLLIN)
        while len(taken) < 20:
            ready = dict(poller.poll(5000))
            self.assertTrue(ready)
            for app in (one, two):
                if app.socket in ready:
                    delivery = app.delivery()
                    taken += delivery.payloads
                    app.ack(delivery)
        self.assertEqual(sorted(taken), sorted(b"order %d" % order for order in range(20)))
        sender.wait_until_safe(last)

    def test_a_queue_keeps_what_nobody_receives_yet(self):
        sender = self.app()
        sender.wait_until_safe(sender.publish("orders", b"early", kind="queue"))
        receiver = self.app()
        receiver.subscribe(1, "orders", kind="queue")
        self.assertEqual(receiver.delivery().payloads, [b"early"])

    def test_what_is_safe_outlives_a_killed_agent(self):
        sender = self.app()
        sender.wait_until_safe(sender.publish("orders", b"a", b"b", kind="queue"))
        self.agent.kill()
        self.agent.start()
        receiver = self.app()
        receiver.subscribe(1, "orders", kind="queue")
        delivery = receiver.delivery()
        self.assertEqual(delivery.payloads, [b"a", b"b"])
        receiver.ack(delivery)
        self.agent.wait_for_status(lambda status: all(
            account["waiting"] == 0 for account in status["accounts"]))

    def test_a_frame_without_hello_is_answered_with_reset(self):
        app = self.app(hello=False)
        app.publish("plant7.temperature", b"21.5")
        self.assertIn("hello", app.reply("reset")["reason"])
        app.hello()

    def test_a_consumer_that_leaves_gives_back_what_it_has_not_acknowledged(self):
        first = App(self.agent.runtime)
        first.subscribe(1, "orders", kind="queue")
        sender = self.app()
        sender.publish("orders", b"x", kind="queue")
        self.assertEqual(first.delivery().payloads, [b"x"])
        first.__exit__()
        second = self.app()
        second.subscribe(1, "orders", kind="queue")
        again = second.delivery()
        self.assertEqual((again.payloads, again.redelivered), ([b"x"], True))

    def test_acknowledgements_sent_just_before_leaving_count(self):
        sender = self.app()
        leaving = App(self.agent.runtime)
        leaving.subscribe(1, "orders", kind="queue")
        number = sender.publish("orders", b"x", kind="queue")
        leaving.ack(leaving.delivery())
        leaving.socket.linger = 5000
        leaving.__exit__()
        sender.wait_until_safe(number)
        self.agent.wait_for_status(lambda status: status["sessions"] == 1 and all(
            account["waiting"] == 0 for account in status["accounts"]))

    def test_a_req_socket_will_do(self):
        app = self.app(kind=zmq.REQ)
        self.assertEqual(app.welcome["name"], "paris")


class TwoAgents(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        start_pair(self.paris, self.tokyo)

    def test_a_message_crosses_the_link_either_way(self):
        for here, there in ((self.paris, self.tokyo), (self.tokyo, self.paris)):
            with App(there.runtime) as subscriber, App(here.runtime) as publisher:
                subscriber.subscribe(3, "plant7.**")
                here.wait_for_status(lambda status: status["links"][0]["interest"] > 0)
                number = publisher.publish("plant7.temperature", b"21.5")
                delivery = subscriber.delivery()
                self.assertEqual(delivery.payloads, [b"21.5"])
                self.assertFalse(delivery.redelivered)
                subscriber.ack(delivery)
                publisher.wait_until_safe(number)

    def test_the_far_agent_may_be_killed(self):
        with App(self.tokyo.runtime) as receiver:
            receiver.subscribe(3, "plant7.**", durable="alarms")
            self.paris.wait_for_status(lambda status: status["links"][0]["interest"] > 0)
        self.tokyo.kill()
        with App(self.paris.runtime) as publisher:
            publisher.wait_until_safe(publisher.publish("plant7.temperature", b"1", b"2"))
        self.tokyo.start()
        with App(self.tokyo.runtime) as receiver:
            receiver.subscribe(3, "plant7.**", durable="alarms")
            self.assertEqual(receiver.delivery().payloads, [b"1", b"2"])


if __name__ == "__main__":
    cases.main()
