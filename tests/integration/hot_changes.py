"""A configuration that changes under a running agent: what is told, and which links stay up."""

import signal
import unittest

import cases
from agent import Agent, pair, pair_for, start_pair
from command import bus


def links(agent):
    return {link["peer"]: link["state"] for link in agent.status()["links"]}


def reload(agent, *options):
    agent.write_config()
    return bus("reload", *options, runtime=agent.runtime)


class Reload(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)
        start_pair(self.paris, self.tokyo)

    def peer(self, agent):
        return agent.settings["peers"][0]

    def wait_for_line(self, pattern, begin):
        return self.paris.wait_for_line(pattern, begin)

    def test_a_dry_run_tells_and_changes_nothing(self):
        self.peer(self.paris)["cost"] = 5
        self.paris.settings["listen"] = []
        self.paris.settings["listen"].append("tcp://127.0.0.1:1")
        told = reload(self.paris, "--dry-run")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(told.stdout.decode(),
                         "peer tokyo: cost 5, was 1\n"
                         "listen: changed, takes effect at the agent's next start\n")
        again = reload(self.paris, "--dry-run")
        self.assertEqual(again.stdout, told.stdout)

    def test_a_link_stays_up_when_its_rules_cost_rate_name_and_other_peers_change(self):
        begin = {agent: len(agent.lines) for agent in (self.paris, self.tokyo)}
        for agent in (self.paris, self.tokyo):
            peer = self.peer(agent)
            del peer["trust"]
            peer.update(publish=["a.**"], subscribe=["**"], cost=7, rate="1MiB/s",
                        name=peer["name"] + "-2", keys=[peer.pop("key")])
            if "address" in peer:
                peer["addresses"] = ["tcp://127.0.0.1:1", peer.pop("address")]
            with Agent("lima") as stranger:
                agent.add_peer("lima", stranger.public_key, "tcp://127.0.0.1:1")
            done = reload(agent)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b"peer lima: added", done.stdout)
        self.assertEqual(links(self.paris)["tokyo-2"], "up")
        self.assertEqual(links(self.tokyo)["paris-2"], "up")
        for agent, lines in begin.items():
            lost = [line for line in agent.lines[lines:] if "reconnecting" in line]
            self.assertEqual(lost, [], agent.lines)

    def test_a_signal_does_the_same_and_logs_it(self):
        begin = len(self.paris.lines)
        self.peer(self.paris)["cost"] = 5
        self.paris.write_config()
        self.paris.signal(signal.SIGHUP)
        self.paris.wait_for_line("reload: done, 1 peers", begin)
        self.assertIn("reload: peer tokyo: cost 5, was 1", "\n".join(self.paris.lines[begin:]))

    def test_mistakes_are_told_with_their_lines_and_change_nothing(self):
        self.peer(self.paris)["cost"] = 0
        self.paris.settings["relai"] = True
        refused = reload(self.paris)
        self.assertEqual(refused.returncode, 1)
        said = refused.stderr.decode()
        self.assertIn("agent.json:1: peers[0].cost: 0 is no whole number from 1 to 1000", said)
        self.assertIn('did you mean "relay"?', said)
        self.assertEqual(links(self.paris), {"tokyo": "up"})

    def test_a_file_without_peers_does_not_cut_the_agent_off(self):
        self.paris.settings["peers"] = []
        refused = reload(self.paris)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"would cut this agent off from its only one", refused.stderr)
        self.assertEqual(links(self.paris), {"tokyo": "up"})

    def test_ones_own_key_as_a_peer_is_refused(self):
        self.paris.add_peer("mirror", self.paris.public_key)
        refused = reload(self.paris)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b'the key of "mirror" is this agent\'s own', refused.stderr)

    def test_a_removed_peers_link_ends_and_an_added_ones_begins(self):
        with Agent("lima") as lima:
            self.paris.add_peer("lima", lima.public_key)
            lima.add_peer("paris", self.paris.public_key, self.paris.address)
            self.assertEqual(reload(self.paris).returncode, 0)
            lima.start()
            self.paris.wait_for_link("lima")
            begin = len(self.tokyo.lines)
            del self.paris.settings["peers"][0]
            done = reload(self.paris)
            self.assertIn(b"peer tokyo: removed", done.stdout)
            self.tokyo.wait_for_line("no longer a peer", begin)
            self.assertEqual(links(self.paris)["lima"], "up")

    def test_an_argument_that_the_request_does_not_know_is_refused(self):
        answer = self.paris.admin(
            {"type": "admin", "id": 1, "request": "reload", "dryrun": True})
        self.assertFalse(answer["ok"])
        self.assertIn("dryrun", answer["reason"])


class Ways(unittest.TestCase):
    def test_a_peer_is_found_at_the_second_of_its_addresses(self):
        paris, tokyo = pair()
        with paris, tokyo:
            paris.start()
            tokyo.add_peer("paris", paris.public_key)
            tokyo.settings["peers"][0]["addresses"] = ["tcp://127.0.0.1:1", paris.address]
            tokyo.write_config()
            tokyo.start()
            tokyo.wait_for_link("paris")

    def test_a_name_that_nobody_knows_is_told_and_the_next_address_is_tried(self):
        paris, tokyo = pair()
        with paris, tokyo:
            paris.start()
            tokyo.add_peer("paris", paris.public_key)
            tokyo.settings["peers"][0]["addresses"] = ["tcp://no-such-host.invalid:1"]
            tokyo.write_config()
            tokyo.start()
            tokyo.wait_for_line("cannot look up no-such-host.invalid: .*; next attempt in ")
            tokyo.settings["peers"][0]["addresses"].append(paris.address)
            self.assertEqual(reload(tokyo).returncode, 0)
            tokyo.wait_for_link("paris")

    def test_a_link_over_ipv6(self):
        paris, tokyo = pair()
        with paris, tokyo:
            paris.settings["listen"] = ["tcp://[::1]:0"]
            paris.write_config()
            start_pair(paris, tokyo)
            self.assertIn("tcp://[::1]:", paris.address)


if __name__ == "__main__":
    cases.main()
