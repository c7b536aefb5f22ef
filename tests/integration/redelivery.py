"""Messages that come again: given back, overdue, left by a dead app; and when it is enough."""

import unittest

from agent import Agent, App

DEADLINE = 1000  # milliseconds


class Redelivery(unittest.TestCase):
    def setUp(self):
        self.paris = Agent("paris", channels={"jobs": {"kind": "queue", "max_deliveries": 3}})
        self.addCleanup(self.paris.__exit__)
        self.paris.start()
        self.sender = self.app()

    def app(self, **more):
        app = App(self.paris.runtime, **more)
        self.addCleanup(app.__exit__)
        return app

    def worker(self, **terms):
        worker = self.app()
        worker.subscribe(1, "jobs", kind="queue", **terms)
        return worker

    def send(self, *payloads):
        return self.sender.publish("jobs", *payloads, kind="queue")

    def wait_for_queue(self, **counts):
        def is_so(status):
            account = status["groups"][0]["account"]
            return all(account[key] == count for key, count in counts.items())
        status = self.paris.wait_for_status(is_so)
        self.assertTrue(all(account["balances"] for account in status["accounts"]))
        return status

    def test_what_is_given_back_too_often_is_a_dead_letter(self):
        worker = self.worker()
        number = self.send(b"poison")
        for attempt in (1, 2, 3):
            delivery = worker.delivery()
            self.assertEqual((delivery.payloads, delivery.attempt), ([b"poison"], attempt))
            self.assertEqual(delivery.redelivered, attempt > 1)
            worker.nack(delivery, delay_millis=10)
        self.sender.wait_until_safe(number)
        self.wait_for_queue(dead_lettered=1, waiting=0)
        self.paris.wait_for_status(lambda status: status["journal"]["dead_letters"] == 1)

    def test_an_app_that_dies_of_a_message_takes_no_other_with_it(self):
        self.send(*[b"poison"] + [b"bread"] * 9)
        deaths, settled = 0, 0
        while settled < 9:
            app = App(self.paris.runtime)
            app.subscribe(1, "jobs", kind="queue")
            while settled < 9:
                delivery = app.delivery()
                if delivery.payloads[0] == b"poison":
                    deaths += 1
                    break
                settled += len(delivery.payloads)
                app.ack(delivery)
            app.socket.linger = 5000
            app.__exit__()
        self.assertEqual(deaths, 4)
        self.wait_for_queue(dead_lettered=1, settled=9, waiting=0)

    def test_a_deadline_takes_back_and_a_late_word_counts_for_nothing(self):
        worker = self.worker(ack_deadline_millis=DEADLINE)
        self.send(b"slow")
        late = worker.delivery()
        again = worker.delivery()
        self.assertEqual((again.payloads, again.attempt), ([b"slow"], 2))
        worker.ack(again)
        worker.ack(late)
        self.paris.wait_for_status(lambda status: status["late_acks"] == 1)
        self.wait_for_queue(settled=1, waiting=0)

    def test_one_word_acknowledges_all_so_far(self):
        worker = self.worker()
        for payload in (b"a", b"b", b"c"):
            self.send(payload)
        deliveries = [worker.delivery() for _ in range(3)]
        worker.ack(deliveries[1], through=True)
        self.wait_for_queue(settled=2, waiting=1)
        worker.ack(deliveries[2])
        self.wait_for_queue(settled=3, waiting=0)

    def test_what_was_rejected_is_kept_over_a_crash(self):
        worker = self.worker()
        number = self.send(b"bad")
        worker.reject(worker.delivery(), b"not JSON")
        self.sender.wait_until_safe(number)
        self.paris.kill()
        self.paris.start()
        self.assertEqual(self.paris.status()["journal"]["dead_letters"], 1)

    def test_terms_out_of_range_are_refused_by_name(self):
        app = self.app()
        for terms, key in (({"ack_deadline_millis": 5}, "ack_deadline_millis"),
                           ({"prefetch_messages": 0}, "prefetch_messages")):
            app.send_json(type="subscribe", id=1, kind="queue", filter="jobs", **terms)
            self.assertIn(key, app.reply("failed")["reason"])


if __name__ == "__main__":
    unittest.main()
