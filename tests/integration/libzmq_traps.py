"""What libzmq does to those who do not know it (FACTS: traps A to D), done to an agent."""

import os
import signal
import socket
import struct
import threading
import unittest

import zmq

import cases
from agent import Agent, App, pair, start_pair


def raw_greeting(path):
    """A connection that has got as far as its greeting and says no more."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


class Traps(unittest.TestCase):
    def manage(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def test_a_claimed_routing_id_does_not_meet_the_next_automatic_one(self):
        # Unseeded, the first automatic ids of every ROUTER are 6b8b4567 and those that follow it.
        agent = self.manage(Agent("paris")).start()
        context = self.manage(zmq.Context())
        for offset in range(64):
            claimer = self.manage(context.socket(zmq.DEALER))
            claimer.linger = 0
            claimer.routing_id = b"\0" + struct.pack(">I", 0x6b8b4567 + offset)
            claimer.connect(f"ipc://{agent.runtime}/bus.sock")
            claimer.send(b'{"type":"hello","protocol":[1,1],"app":"claimer"}')
            self.assertTrue(claimer.poll(20000))
        for _ in range(64):
            self.manage(App(agent.runtime))
        self.assertTrue(agent.alive)
        self.assertEqual(agent.status()["sessions"], 128)

    def test_without_descriptors_strangers_are_turned_away_and_the_agent_lives(self):
        agent = self.manage(Agent("paris")).start(descriptors=80)
        before = self.manage(App(agent.runtime))
        path = f"{agent.runtime}/bus.sock"
        crowd = [self.manage(raw_greeting(path)) for _ in range(150)]
        agent.wait_for_line("descriptors")
        agent.wait_for_line("out of file descriptors")
        self.assertEqual(before.subscribe(1, "a")["id"], 1)
        for connection in crowd:
            connection.close()
        after = self.manage(App(agent.runtime))
        after.publish("a", b"x")
        self.assertEqual(before.delivery().payloads, [b"x"])
        self.assertGreater(agent.status()["io"]["connections_refused"], 0)
        self.assertEqual(agent.stop(), 0)

    def test_a_storm_of_connections_does_not_block_on_the_monitor(self):
        # Each makes three events; a monitor that is not drained blocks after about 2,000.
        agent = self.manage(Agent("paris")).start()
        path = f"{agent.runtime}/bus.sock"
        for _ in range(1500):
            raw_greeting(path).close()
        app = self.manage(App(agent.runtime))
        app.subscribe(1, "a")
        app.publish("a", b"x")
        self.assertEqual(app.delivery().payloads, [b"x"])
        agent.wait_for_status(lambda status: status["io"]["local_connections"] <= 1)

    def test_a_dialler_comes_back_after_a_protocol_error(self):
        paris, tokyo = (self.manage(agent) for agent in pair())
        with socket.create_server(("127.0.0.1", 0)) as impostor:
            port = impostor.getsockname()[1]
            tokyo.add_peer("paris", paris.public_key, f"tcp://127.0.0.1:{port}")
            tokyo.start()
            for _ in range(2):  # and it has tried again after the first
                connection, _ = impostor.accept()
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100)
                connection.close()
            tokyo.wait_for_line("link paris: ")
        paris.settings["listen"] = [f"tcp://127.0.0.1:{port}"]
        paris.write_config()
        paris.start()
        tokyo.wait_for_link("paris")

    def test_a_dialler_comes_back_after_its_key_was_refused(self):
        paris, tokyo = Agent("paris", listen=True), Agent("tokyo")
        self.manage(paris)
        self.manage(tokyo)
        paris.start()
        tokyo.add_peer("paris", paris.public_key, paris.address)
        tokyo.start()
        self.assertIn(tokyo.public_key, paris.wait_for_line("is no peer's"))
        self.assertIn("link paris:", tokyo.wait_for_line("refuses our key"))
        self.assertGreater(paris.status()["io"]["strangers_refused"], 0)
        self.assertEqual(paris.status()["links"], [])
        paris.add_peer("tokyo", tokyo.public_key)
        paris.signal(signal.SIGHUP)
        paris.wait_for_line("reload: done")
        tokyo.wait_for_link("paris")
        paris.wait_for_link("tokyo")

    def test_a_dialler_finds_a_peer_that_was_killed_and_started_again(self):
        paris, tokyo = (self.manage(agent) for agent in pair())
        start_pair(paris, tokyo)
        paris.settings["listen"] = [paris.address]
        paris.write_config()
        begin = len(tokyo.lines)
        paris.kill()
        tokyo.wait_for_line("link paris: .*lost", begin)
        tokyo.wait_for_line("link paris: cannot reach", begin)
        paris.start()
        tokyo.wait_for_link("paris")
        paris.wait_for_link("tokyo")

    def test_two_agents_that_dial_each_other_keep_one_link_and_use_it(self):
        paris, tokyo = self.manage(Agent("paris", listen=True)), self.manage(Agent("tokyo", listen=True))
        for agent in (paris, tokyo):
            agent.start()
        paris.add_peer("tokyo", tokyo.public_key, tokyo.address)
        tokyo.add_peer("paris", paris.public_key, paris.address)
        for agent in (paris, tokyo):
            agent.signal(signal.SIGHUP)
            agent.wait_for_line("reload: done")
        paris.wait_for_link("tokyo")
        tokyo.wait_for_link("paris")
        for agent in (paris, tokyo):
            agent.wait_for_status(lambda status: status["io"]["link_connections"] + sum(
                link["dialled"] for link in status["links"]) == 1)
        here, there = self.manage(App(paris.runtime)), self.manage(App(tokyo.runtime))
        there.subscribe(1, "a")
        paris.wait_for_status(lambda status: status["links"][0]["interest"] > 0)
        for number in range(100):
            here.publish("a", b"%d" % number)
        for number in range(100):
            delivery = there.delivery()
            self.assertEqual(delivery.payloads, [b"%d" % number])
            there.ack(delivery)
        here.wait_until_safe(100)

    def test_a_wrong_server_key_fails_the_handshake_on_both_sides(self):
        paris, tokyo, stranger = (self.manage(Agent(name, listen=name == "paris"))
                                  for name in ("paris", "tokyo", "stranger"))
        paris.add_peer("tokyo", tokyo.public_key)
        paris.start()
        tokyo.add_peer("paris", stranger.public_key, paris.address)
        tokyo.start()
        self.assertIn("configured one", tokyo.wait_for_line("link paris: "))
        paris.wait_for_line("encrypted for another key")
        self.assertGreater(paris.status()["io"]["handshakes_failed"], 0)
        self.assertEqual(paris.status()["io"]["strangers_refused"], 0)

    def test_a_removed_peer_is_told_and_not_heard_any_more(self):
        paris, tokyo = (self.manage(agent) for agent in pair())
        start_pair(paris, tokyo)
        paris.settings["peers"] = []
        paris.add_peer("another", self.manage(Agent("another")).public_key)  # nobody at all is refused
        paris.signal(signal.SIGHUP)
        paris.wait_for_line("reload: done")
        self.assertNotIn("up", [link["state"] for link in paris.status()["links"]])
        tokyo.wait_for_line("no longer a peer")

    def test_what_a_removed_peer_says_on_a_connection_that_it_keeps_is_counted_and_nothing_else(self):
        paris = self.manage(Agent("paris", listen=True))
        public, secret = zmq.curve_keypair()
        paris.add_peer("mad", public.decode())
        paris.start()
        mad = self.manage(self.manage(zmq.Context()).socket(zmq.DEALER))
        mad.linger = 0
        mad.curve_publickey, mad.curve_secretkey = public, secret
        mad.curve_serverkey = paris.public_key.encode()
        mad.connect(paris.address)
        mad.send(b"before")
        paris.wait_for_status(lambda status: status["io"]["malformed_link"] == 1)
        paris.settings["peers"][0]["key"] = zmq.curve_keypair()[0].decode()
        paris.write_config()
        paris.signal(signal.SIGHUP)
        paris.wait_for_line("reload: done")
        mad.send(b"after")
        status = paris.wait_for_status(lambda status: status["io"]["revoked_frames"] == 1)
        self.assertEqual(status["io"]["malformed_link"], 1)

    def test_a_bad_file_changes_nothing(self):
        paris, tokyo = (self.manage(agent) for agent in pair())
        start_pair(paris, tokyo)
        with open(paris.config, "w", encoding="utf-8") as file:
            file.write("{ nonsense")
        paris.signal(signal.SIGHUP)
        self.assertIn("agent.json:1", paris.wait_for_line("the old configuration stays"))
        paris.wait_for_link("tokyo")

    def test_names_are_looked_up_away_from_the_sockets(self):
        paris, tokyo = (self.manage(agent) for agent in pair())
        paris.start()
        tokyo.add_peer("paris", paris.public_key,
                       paris.address.replace("127.0.0.1", "localhost"))
        tokyo.add_peer("nowhere", self.manage(Agent("other")).public_key, "tcp://no-such-host.invalid:7700")
        tokyo.start()
        tokyo.wait_for_link("paris")
        tokyo.wait_for_line("link nowhere: cannot look up no-such-host.invalid")


class Stopping(unittest.TestCase):
    def manage(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def test_sigterm_under_load_ends_with_0_and_what_was_safe_is_there(self):
        agent = self.manage(Agent("paris")).start()
        sender = self.manage(App(agent.runtime))
        sender.socket.sndhwm = 0
        stopped = threading.Event()
        numbers = 0
        while numbers < 2000:
            numbers = sender.publish("orders", *[b"x" * 100] * 20, kind="queue")
            if numbers == 500:
                sender.wait_until_safe(1)
                agent.signal(signal.SIGTERM)
                stopped.set()
        self.assertTrue(stopped.is_set())
        self.assertEqual(agent.process.wait(20), 0)
        while sender.socket.poll(0):
            sender._take_one()
        safe = sender.safe_through
        self.assertGreaterEqual(safe, 1)
        agent.start()
        receiver = self.manage(App(agent.runtime))
        receiver.subscribe(1, "orders", kind="queue")
        got = 0
        while got < safe * 20:
            delivery = receiver.delivery()
            got += len(delivery.payloads)
            receiver.ack(delivery)

    def test_sigterm_while_idle(self):
        agent = self.manage(Agent("paris")).start()
        self.assertEqual(agent.stop(), 0)
        agent.wait_for_line("all that was in flight is safe")
        self.assertFalse(os.path.exists(f"{agent.runtime}/bus.sock"))


if __name__ == "__main__":
    cases.main()
