"""Two hosts that know nothing of each other are joined by the commands that each prints."""

import json
import os
import shlex
import unittest

import cases
from agent import Agent, App
from command import bus, bus_for, words_for


class Joining(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = Agent("paris"), Agent("tokyo")
        for agent in (self.paris, self.tokyo):
            self.addCleanup(agent.__exit__)
            agent.start()

    def line(self, agent):
        """What `bus identity --join` prints there, as words behind `bus`."""
        done = bus_for(self, "identity", "--join", runtime=agent.runtime)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        return shlex.split(done.stdout.decode())[1:]

    def peer_file(self, agent, name):
        return os.path.join(agent.folder, "peers.d", name + ".json")

    def test_two_hosts_are_joined_and_a_message_goes_across(self):
        with open(self.paris.config, "a", encoding="utf-8") as file:
            file.write("// what somebody noted here stays\n")
        self.assertIn("listening on tcp://127.0.0.1:",
                      words_for(self, "listen", "tcp://127.0.0.1:0", runtime=self.paris.runtime))
        with open(self.paris.config, encoding="utf-8") as file:
            self.assertIn("somebody noted", file.read())
        added = words_for(self, *self.line(self.tokyo), runtime=self.paris.runtime)
        fingerprint = words_for(self, "identity", runtime=self.tokyo.runtime)
        self.assertIn(added.split("fingerprint of its key: ")[1][:35], fingerprint)
        line = self.line(self.paris)
        self.assertIn("--address", line)
        bus_for(self, *line, runtime=self.tokyo.runtime)
        bus_for(self, "peer", "wait", "paris", "--timeout", "20", runtime=self.tokyo.runtime)
        self.assertIn("paris", words_for(self, "peer", "show", "paris", runtime=self.tokyo.runtime))
        with App(self.tokyo.runtime, producer=False) as there, App(self.paris.runtime) as here:
            there.subscribe(1, "orders", kind="queue")
            here.publish("orders", b"across", kind="queue")
            self.assertEqual(there.delivery().payloads, [b"across"])

    def test_a_partner_may_do_what_the_lists_say(self):
        key = self.tokyo.public_key
        words_for(self, "peer", "add", "tokyo", "--key", key, "--publish", "plant7.**",
                  "--subscribe", "prices.*", "--subscribe", "news",
                  "--address", "tcp://lima.example:7700", runtime=self.paris.runtime)
        with open(self.peer_file(self.paris, "tokyo"), encoding="utf-8") as file:
            self.assertEqual(json.load(file),
                             {"name": "tokyo", "key": key, "address": "tcp://lima.example:7700", "publish": ["plant7.**"],
                              "subscribe": ["prices.*", "news"]})

    def test_what_is_wrong_is_said_and_leaves_nothing(self):
        def refused(*options, code=1):
            return words_for(self, "peer", "add", "tokyo", *options, runtime=self.paris.runtime,
                             code=code)

        key = self.tokyo.public_key
        self.assertIn("--full (every channel)", refused("--key", key, code=2))
        self.assertIn("neither could dial", refused("--key", key, "--full"))
        self.assertIn("key", refused("--key", "short", "--full", "--address", "tcp://lima:1"))
        self.assertIn("tcp://", refused("--key", key, "--full", "--address", "lima"))
        self.assertFalse(os.path.exists(self.peer_file(self.paris, "tokyo")))
        refused("--key", key, "--full", "--address", "tcp://127.0.0.1:1", code=0)
        self.assertIn("is there already",
                      refused("--key", key, "--full", "--address", "tcp://127.0.0.1:1"))

    def test_an_address_that_cannot_be_had_changes_nothing(self):
        with open(self.paris.config, encoding="utf-8") as file:
            before = file.read()
        self.assertNotEqual(bus("listen", "tcp://192.0.2.1:7700",
                                runtime=self.paris.runtime).returncode, 0)
        self.assertNotEqual(bus("listen", 'tcp://"', runtime=self.paris.runtime).returncode, 0)
        with open(self.paris.config, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        bus_for(self, "listen", "tcp://127.0.0.1:0", runtime=self.paris.runtime)
        self.assertIn("says already",
                      words_for(self, "listen", "tcp://127.0.0.1:0", runtime=self.paris.runtime,
                                code=1))


if __name__ == "__main__":
    cases.main()
