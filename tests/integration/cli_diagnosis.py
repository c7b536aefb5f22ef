"""`bus route`, `why`, `peer`, `ping` and `status`: what people ask when a message does not come."""

import json
import signal
import socket
import unittest

import zmq

import cases
from agent import Agent, App, pair_for, start_pair
from command import bus, bus_for, start_bus


class Diagnosis(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)

    def ask(self, *command, code=0):
        done = bus_for(self, *command, runtime=self.paris.runtime, code=code)
        return done.stdout.decode()

    def wait_for_interest(self, items=1):
        self.paris.wait_for_status(lambda status: status["links"][0]["interest"] == items)

    def test_route_tells_where_a_message_would_go(self):
        start_pair(self.paris, self.tokyo)
        self.assertIn("reaches nobody", self.ask("route", "plant7.temperature", code=1))
        with App(self.paris.runtime) as here, App(self.tokyo.runtime) as there:
            here.subscribe(1, "plant7.**", durable="alarms")
            there.subscribe(1, "plant7.*")
            self.wait_for_interest()
            said = self.ask("route", "plant7.temperature")
            self.assertIn("durable alarms (plant7.**): 1 consumer", said)
            self.assertIn("goes at once to\n  - tokyo (plant7.*) directly", said)
            self.assertLessEqual(max(map(len, said.splitlines())), 100)
            route = json.loads(self.ask("route", "plant7.temperature", "--json"))
            self.assertEqual(route["there"][0]["verdict"], "goes")
            self.assertIn("waits in the queue here",
                          self.ask("route", "--queue", "orders", code=1))
        refused = bus("route", "a..b", runtime=self.paris.runtime)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b'"a..b" is no channel', refused.stderr)

    def test_a_rule_in_the_way_is_named_logged_once_and_counted(self):
        start_pair(self.paris, self.tokyo)
        peer = self.paris.settings["peers"][0]
        del peer["trust"]
        peer.update(publish=["sport"], subscribe=["sport"])
        self.paris.write_config()
        self.ask("reload")
        with App(self.tokyo.runtime) as there, App(self.paris.runtime) as here:
            there.subscribe(1, "news")
            self.wait_for_interest()
            rule = 'peer tokyo may not subscribe to news: its rule "subscribe" names sport only'
            self.assertIn(rule, " ".join(self.ask("route", "news", code=1).split()))
            for _ in range(3):
                here.wait_until_safe(here.publish("news", b"x"))
            self.paris.wait_for_line(rule + "; more of this is counted: bus why news")
            self.assertEqual(sum(rule in line for line in self.paris.lines), 1)
            self.assertEqual(self.paris.status()["denials"][0]["times"], 3)
            self.assertIn(rule, " ".join(self.ask("status").split()))
            here.subscribe(1, "news", durable="mine")
            said = " ".join(self.ask("why", "mine", code=1).split())
            self.assertIn('problem rules: peer tokyo may not publish on news: '
                          'its rule "publish" names sport only', said)

    def test_why_names_what_is_missing(self):
        start_pair(self.paris, self.tokyo)
        self.assertIn("`bus subscribe news`", " ".join(self.ask("why", "news", code=1).split()))
        with App(self.paris.runtime) as here:
            here.subscribe(1, "news", durable="mine", prefetch_messages=1)
            self.assertIn("nothing is in the way", " ".join(self.ask("why", "mine").split()))
            for _ in range(2):
                here.wait_until_safe(here.publish("news", b"x"))
            said = " ".join(self.ask("why", "news", code=1).split())
            self.assertIn("1 message handed out and not acknowledged", said)
            here.ack(here.delivery())
            here.ack(here.delivery())
        self.paris.wait_for_status(lambda status: status["groups"][0]["consumers"] == 0)
        self.assertIn("no program reads it", " ".join(self.ask("why", "mine", code=1).split()))
        self.tokyo.kill()
        self.paris.wait_for_status(lambda status: status["links"][0]["state"] == "down")
        found = json.loads(self.ask("why", "mine", "--json", code=1))["findings"]
        self.assertTrue(any(one["about"] == "link tokyo" and "it is down for" in one["words"]
                            for one in found), found)

    def test_peer_wait_ends_when_the_link_is_up_or_says_why_not(self):
        self.paris.start()
        late = bus("peer", "wait", "tokyo", "--timeout", "0.3", runtime=self.paris.runtime)
        self.assertEqual(late.returncode, 1)
        self.assertIn(b"the link to tokyo is still down", late.stderr)
        stranger = bus("peer", "wait", "lima", runtime=self.paris.runtime)
        self.assertEqual(stranger.returncode, 1)
        self.assertIn(b"there is no peer lima; there are tokyo", stranger.stderr)
        waiting = start_bus("peer", "wait", "tokyo", "--timeout", "20", runtime=self.paris.runtime)
        self.tokyo.add_peer("paris", self.paris.public_key, self.paris.address)
        self.tokyo.start()
        _, said = waiting.communicate(timeout=30)
        self.assertEqual(waiting.returncode, 0, said)
        self.assertRegex(self.ask("peer", "list"), r"tokyo +up .* peer")

    def test_the_status_is_watched_while_the_agent_comes_and_goes(self):
        self.paris.start()
        running = start_bus("status", "--watch", "--interval", "0.1", "--json",
                            runtime=self.paris.runtime)
        self.addCleanup(running.kill)
        self.assertEqual(json.loads(running.stdout.readline())["name"], "paris")
        self.assertEqual(json.loads(running.stdout.readline())["name"], "paris")
        self.paris.kill()
        while running.stdout.readline() != b"null\n":
            pass
        self.paris.start()
        while running.stdout.readline() == b"null\n":
            pass
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
        self.assertEqual(running.returncode, 0)

    def test_ping_measures_now(self):
        start_pair(self.paris, self.tokyo)
        self.assertRegex(self.ask("ping", "tokyo"), r"^  1  tokyo +[0-9.]+ ms\n$")
        self.assertRegex(self.ask("ping", "tokyo", "--count", "2"), r"median +most\n +1  tokyo +2 of 2 ")
        ping = json.loads(self.ask("ping", "tokyo", "--count", "2", "--json"))
        self.assertEqual(ping["agent"], "tokyo")
        for (hop,) in ping["rounds"]:
            self.assertGreater(hop.pop("rtt_micros"), 0)
            self.assertEqual(hop, {"hop": 1, "name": "tokyo", "words": ""})
        self.assertEqual(len(ping["rounds"]), 2)
        stranger = bus("ping", "lima", runtime=self.paris.runtime)
        self.assertEqual(stranger.returncode, 1)
        self.assertIn(b"no agent lima is known here", stranger.stderr)
        self.tokyo.kill()
        self.paris.wait_for_status(lambda status: status["links"][0]["state"] == "down")
        down = bus("ping", "tokyo", runtime=self.paris.runtime)
        self.assertEqual(down.returncode, 1)
        self.assertIn(b"bus: the link to tokyo is down (", down.stderr)

    def test_a_failed_dial_is_told_with_the_address(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        self.tokyo.add_peer("paris", self.paris.public_key, nobody)
        self.tokyo.add_peer("lima", zmq.curve_keypair()[0].decode(), "tcp://no-such-host.invalid:7700")
        self.tokyo.start()
        self.tokyo.wait_for_status(lambda status: all(link["last_error"] for link in status["links"]))
        refused = f"cannot reach {nobody}: refused at once"
        for command in (("status",), ("peer", "list"), ("why", "news"), ("status", "--all")):
            said = " ".join(bus(*command, runtime=self.tokyo.runtime).stdout.decode().split())
            self.assertIn(refused if command[0] != "why" else "`bus subscribe news`", said)
        with App(self.tokyo.runtime) as here:
            here.subscribe(1, "news")
            said = " ".join(bus("why", "news", runtime=self.tokyo.runtime).stdout.decode().split())
            self.assertRegex(said, f"it has not been up since this agent started .{refused}.* ago")
            self.assertIn("cannot look up no-such-host.invalid", said)
        late = bus("peer", "wait", "paris", "--timeout", "0", runtime=self.tokyo.runtime)
        self.assertIn(refused.encode(), late.stderr)


class BehindAHub(unittest.TestCase):
    def setUp(self):
        self.hub = Agent("hub", listen=True, relay=True)
        self.spokes = [Agent("paris"), Agent("tokyo")]
        for agent in (self.hub, *self.spokes):
            self.addCleanup(agent.__exit__)
            agent.__enter__()
        for spoke in self.spokes:
            self.hub.add_peer(spoke.name, spoke.public_key)
        self.hub.start()
        for spoke in self.spokes:
            spoke.add_peer("hub", self.hub.public_key, self.hub.address)
            spoke.start()

    def test_an_agent_behind_a_hub_is_shown_with_the_way_and_with_what_is_down(self):
        paris, tokyo = self.spokes
        with App(tokyo.runtime) as there:
            there.subscribe(1, "news", durable="far")
            paris.wait_for_status(lambda status: any(
                agent["name"] == "tokyo" and agent["up"] for agent in status["agents"]))
            self.assertRegex(bus("status", runtime=paris.runtime).stdout.decode(),
                             r"tokyo +by hub, 2 hops +2 +up")
            ping = bus("ping", "tokyo", runtime=paris.runtime).stdout.decode()
            self.assertRegex(ping, r"^  1  hub +[0-9.]+ ms\n  2  tokyo +[0-9.]+ ms  [+-][0-9.]+ ms\n$")
        tokyo.kill()
        paris.wait_for_status(lambda status: any(
            agent["name"] == "tokyo" and not agent["up"] for agent in status["agents"]))
        self.assertIn("waits at hub", bus("status", runtime=paris.runtime).stdout.decode())
        done = bus("route", "news", runtime=paris.runtime)
        self.assertEqual(done.returncode, 0)
        self.assertIn("waits for\n  - tokyo (news) by hub, 2 hops: a link beyond hub is down",
                      done.stdout.decode())


class Chain(unittest.TestCase):
    """paris - hub1 - hub2 - tokyo; only tokyo wants anything."""

    def setUp(self):
        self.paris, self.hub1 = Agent("paris"), Agent("hub1", listen=True, relay=True)
        self.hub2, self.tokyo = Agent("hub2", listen=True, relay=True), Agent("tokyo")
        agents = (self.paris, self.hub1, self.hub2, self.tokyo)
        for agent in agents:
            self.addCleanup(agent.__exit__)
            agent.__enter__()
        self.hub1.add_peer("paris", self.paris.public_key)
        self.hub1.start()
        self.hub2.add_peer("hub1", self.hub1.public_key, self.hub1.address)
        self.hub1.add_peer("hub2", self.hub2.public_key)
        self.hub2.add_peer("tokyo", self.tokyo.public_key)
        self.hub1.signal(signal.SIGHUP)
        self.hub2.start()
        self.tokyo.add_peer("hub2", self.hub2.public_key, self.hub2.address)
        self.paris.add_peer("hub1", self.hub1.public_key, self.hub1.address)
        self.tokyo.start()
        self.paris.start()
        app = App(self.tokyo.runtime)
        app.__enter__()
        self.addCleanup(app.__exit__)
        app.subscribe(1, "news", durable="far")
        self.paris.wait_for_status(lambda status: any(
            agent["name"] == "tokyo" and agent["up"] for agent in status["agents"]))

    def ask(self, *command, code=0):
        done = bus_for(self, *command, runtime=self.paris.runtime, code=code)
        self.assertLessEqual(max(map(len, done.stdout.decode().splitlines())), 80)
        return done.stdout.decode()

    def test_every_hop_is_measured(self):
        self.assertRegex(self.ask("ping", "tokyo"),
                         r"^  1  hub1 +[0-9.]+ ms\n  2  hub2 +[0-9.]+ ms  [+-][0-9.]+ ms\n"
                         r"  3  tokyo +[0-9.]+ ms  [+-][0-9.]+ ms\n$")

    def test_the_hop_behind_which_nothing_answers_is_named(self):
        self.tokyo.signal(signal.SIGSTOP)
        self.addCleanup(self.tokyo.signal, signal.SIGCONT)
        self.assertRegex(self.ask("ping", "tokyo", "--timeout", "0.5", code=1),
                         r"  2  hub2 +[0-9.]+ ms .*\n  3  tokyo  no answer within 0.5 s")
        self.assertIn("tokyo no answer within 0.5 s",
                      " ".join(self.ask("status", "--all", "--timeout", "0.5").split()))
        silent = json.loads(self.ask("ping", "tokyo", "--timeout", "0.5", "--json", code=1))
        self.assertEqual(silent["rounds"][0][2], {"hop": 3, "name": "tokyo", "rtt_micros": None,
                                                  "words": "no answer within 0.5 s"})
        pinging = start_bus("ping", "tokyo", "--count", "1000", "--timeout", "0.1",
                            runtime=self.paris.runtime)
        rounds = 0
        while rounds < 2:  # then there is something to sum up
            rounds += pinging.stdout.readline().startswith(b"  1  hub1")
        pinging.send_signal(signal.SIGINT)
        said, _ = pinging.communicate(timeout=10)
        self.assertEqual(pinging.returncode, 130)
        self.assertRegex(said.decode(), r"hop  agent  answers +least +median +most\n"
                                        r"  1  hub1    2 of 2 .*\n  2  hub2 .*\n  3  tokyo   0 of 2\n$")

    def test_all_agents_tell_how_they_are(self):
        said = self.ask("status", "--all")
        for name in ("paris", "hub1", "hub2", "tokyo"):
            self.assertRegex(said, rf"(?m)^{name} +[0-9.]+ +[0-9.]+ m?s +[12] up ")
        agents = json.loads(self.ask("status", "--all", "--json"))["agents"]
        outcomes = {agent["name"]: agent["outcome"] for agent in agents}
        self.assertEqual(outcomes["paris"], "here")
        self.assertEqual(outcomes["tokyo"], "target")

    def test_who_does_not_allow_it_is_named(self):
        self.hub2.settings["peers"][0]["status"] = False
        self.hub2.write_config()
        self.hub2.signal(signal.SIGHUP)
        self.hub2.wait_for_line("peer hub1: status false, was true")
        said = " ".join(self.ask("status", "--all").split())
        self.assertIn("tokyo does not allow it: the entry for hub1 at hub2 has neither full trust", said)
        self.assertIn('peer hub1 may not ask for status: its entry has no "status": true',
                      self.hub2.wait_for_line("may not ask for status"))
        self.assertRegex(self.ask("ping", "tokyo"), r"  3  tokyo +[0-9.]+ ms")


if __name__ == "__main__":
    cases.main()
