"""Garbage and truncated frames on every socket: counted, answered where there is somebody, and
the agent goes on."""

import random
import socket
import unittest

import zmq

import cases
from agent import Agent, App, encode_frame


class Garbage(unittest.TestCase):
    def manage(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def setUp(self):
        self.agent = self.manage(Agent("paris", listen=True))

    def still_works(self):
        app = self.manage(App(self.agent.runtime))
        app.subscribe(1, "a")
        number = app.publish("a", b"x")
        delivery = app.delivery()
        self.assertEqual(delivery.payloads, [b"x"])
        app.ack(delivery)
        app.wait_until_safe(number)

    def test_frames_that_are_nothing_are_answered_and_counted(self):
        self.agent.start()
        app = self.manage(App(self.agent.runtime))
        frames = [b"", b"x", b"\0" * 64, b"{", b"{}", b'{"type":7}', b"\xff" * 80_000,
                  b"\x01", b"\x02" * 64, b"\x03", b"\x03\x01\x18\0\xff\xff\xff\xff"]
        for frame in frames:
            app.send(frame)
            app.reply("failed")
        self.assertEqual(self.agent.status()["io"]["malformed_local"], len(frames))
        self.still_works()

    def test_every_truncation_of_a_good_batch_is_refused(self):
        self.agent.start()
        app = self.manage(App(self.agent.runtime))
        whole = encode_frame(1, app.producer, 1, "topic", "plant7.temperature", [b"21.5", b"22"])
        for length in range(1, len(whole)):
            app.send(whole[:length])
            while not app.replies:
                app._take_one()
            reply = app.replies.popleft()
            self.assertIn(reply["type"], ("failed", "refused"), length)
            if length >= 64:
                self.assertEqual((reply["type"], reply["number"]), ("refused", 1), length)
        self.assertEqual(self.agent.status()["io"]["malformed_local"], len(whole) - 1)
        self.still_works()

    def test_flipped_bits_never_stop_the_agent(self):
        self.agent.start()
        app = self.manage(App(self.agent.runtime))
        chance = random.Random(7)
        whole = encode_frame(1, app.producer, 1, "topic", "plant7.temperature", [b"21.5", b"22"])
        for _ in range(2000):
            frame = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
            app.send(bytes(frame))
        app.send_json(type="subscribe", id=99, kind="topic", filter="z")
        while not any(reply["type"] == "subscribed" for reply in app.replies):
            app._take_one()
        self.still_works()

    def test_messages_of_many_frames_are_refused_and_the_next_is_read(self):
        self.agent.start()
        app = self.manage(App(self.agent.runtime))
        app.socket.send_multipart([b"a", b"b", b"c"])
        self.assertEqual(app.reply("failed")["code"], "malformed")
        app.subscribe(1, "a")

    def test_bytes_that_are_no_zeromq_on_all_sockets(self):
        self.agent.start()
        host, port = self.agent.address.removeprefix("tcp://").split(":")
        chance = random.Random(7)
        for _ in range(20):
            for kind, where in ((socket.AF_UNIX, f"{self.agent.runtime}/bus.sock"),
                                (socket.AF_UNIX, f"{self.agent.runtime}/admin.sock"),
                                (socket.AF_INET, (host, int(port)))):
                with socket.socket(kind) as connection:
                    connection.connect(where)
                    connection.sendall(chance.randbytes(chance.randint(1, 3000)))
        status = self.agent.wait_for_status(lambda status: status["io"]["links_accepted"] == 20 and
                                            status["io"]["link_connections"] == 0)
        self.assertEqual(status["io"]["links_handshaken"], 0)
        self.still_works()

    def test_a_frame_above_the_limit_costs_its_sender_the_connection(self):
        self.agent.start()
        app = self.manage(App(self.agent.runtime))
        monitor = app.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        app.send(b"\x01" * 200_000)
        self.assertTrue(monitor.poll(20000))
        app.socket.disable_monitor()
        monitor.close()
        self.still_works()

    def test_the_admin_socket_takes_one_command_only(self):
        self.agent.start()
        for request, code in ((b"garbage", "malformed"), (b"{}", "malformed"),
                              ({"type": "bye"}, "unknown_command")):
            answer = self.agent.admin(request)
            self.assertEqual((answer["type"], answer["code"]), ("failed", code), request)
        answer = self.agent.admin({"type": "admin", "id": 5, "request": "dance"})
        self.assertEqual((answer["ok"], answer["id"], answer["code"]),
                         (False, 5, "unknown_command"))
        self.assertEqual(self.agent.status()["io"]["malformed_admin"], 3)

    def test_a_peer_that_sends_garbage_is_counted_and_may_come_back(self):
        tokyo = self.manage(Agent("tokyo"))
        public, secret = zmq.curve_keypair()
        self.agent.add_peer("mad", public.decode())
        self.agent.add_peer("tokyo", tokyo.public_key)
        self.agent.start()
        context = self.manage(zmq.Context())
        mad = self.manage(context.socket(zmq.DEALER))
        mad.linger = 0
        mad.curve_publickey, mad.curve_secretkey = public, secret
        mad.curve_serverkey = self.agent.public_key.encode()
        mad.connect(self.agent.address)
        frames = [b"", b"x", b"\x10", b"\x01" * 64, b"\x10\x01" + b"\xff" * 200, b"\x16" * 24]
        for frame in frames:
            mad.send(frame)
        mad.send_multipart([b"a", b"b"])
        self.agent.wait_for_status(
            lambda status: status["io"]["malformed_link"] == len(frames) + 1)
        tokyo.add_peer("paris", self.agent.public_key, self.agent.address)
        tokyo.start()
        self.agent.wait_for_link("tokyo")


if __name__ == "__main__":
    cases.main()
