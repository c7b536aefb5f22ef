"""What an operator does to agents under load: SIGTERM, a new configuration, a pause. Nothing is lost,
and where nothing crashed nothing comes twice unmarked."""

import signal
import unittest

import cases
from agent import Agent
from flow import Flow


class Sigterm(unittest.TestCase):
    def test_either_agent_stops_in_order_under_load_and_loses_nothing(self):
        with Flow(self) as flow:
            flow.start()
            flow.start_producer()
            for agent in (flow.near, flow.far, flow.near, flow.far):
                flow.wait_for_more(5_000)
                self.assertEqual(agent.stop(), 0, agent.lines)
                agent.start()
            flow.wait_for_more(5_000)
            flow.finish()

    def test_an_agent_stops_in_order_while_the_far_side_is_away(self):
        with Flow(self, kind="queue", producer_options=("--batch", 1)) as flow:
            flow.start()
            flow.start_producer()
            flow.wait_for_more(1_000)
            flow.far.kill()
            flow.wait_for_more_safe(1_000)
            self.assertEqual(flow.near.stop(), 0, flow.near.lines)
            flow.near.start()
            flow.wait_for_more_safe(1_000)
            flow.far.start()
            flow.finish()


class Sighup(unittest.TestCase):
    def test_peers_come_and_go_and_the_other_link_stays(self):
        with Flow(self) as flow, Agent("sydney") as sydney:
            flow.start()
            flow.start_producer()
            flow.wait_for_more(5_000)
            begin = len(flow.listener.lines)
            sydney.add_peer(flow.listener.name, flow.listener.public_key, flow.listener.address)
            flow.listener.add_peer("sydney", sydney.public_key)
            flow.listener.signal(signal.SIGHUP)
            sydney.start()
            flow.listener.wait_for_link("sydney")
            flow.wait_for_more(5_000)

            flow.listener.settings["peers"].pop()
            flow.listener.write_config()
            flow.listener.signal(signal.SIGHUP)
            sydney.wait_for_line("no longer a peer")
            status = flow.listener.status()
            self.assertEqual({link["peer"]: link["state"] for link in status["links"]},
                             {"sydney": "not configured", flow.dialler.name: "up"})
            flow.wait_for_more(5_000)
            other = [line for line in flow.listener.lines[begin:]
                     if f"link {flow.dialler.name}" in line]
            self.assertEqual(other, [], "the other link was touched")
            flow.finish()
            self.assertEqual(flow.book.marked, 0)
            self.assertEqual(flow.book.gaps, [])

    def test_a_broken_configuration_changes_nothing(self):
        with Flow(self) as flow:
            flow.start()
            flow.start_producer()
            flow.wait_for_more(1_000)
            with open(flow.near.config, "w", encoding="utf-8") as file:
                file.write('{ "name": "broken", ')
            begin = len(flow.near.lines)
            flow.near.signal(signal.SIGHUP)
            flow.near.wait_for_line("agent.json", begin)
            flow.wait_for_more(1_000)
            flow.near.write_config()
            flow.finish()
            self.assertEqual(flow.book.marked, 0)


class Pause(unittest.TestCase):
    def pause(self, flow, paused, other):
        """SIGSTOP for 3 s by the clock of the other agent, then SIGCONT."""
        until = other.status()["uptime_millis"] + 3_000
        paused.signal(signal.SIGSTOP)
        try:
            other.wait_for_status(lambda status: status["uptime_millis"] >= until)
        finally:
            paused.signal(signal.SIGCONT)
        flow.wait_for_link()
        flow.wait_for_more(5_000)

    def test_a_far_agent_that_stands_still_for_three_seconds(self):
        with Flow(self, producer_options=("--large-every", 20_000)) as flow:
            flow.start()
            flow.start_producer()
            flow.wait_for_more(5_000)
            self.pause(flow, flow.far, flow.near)
            flow.finish()
            self.assertEqual(flow.book.gaps, [])
            self.assertEqual(flow.book.repeated, 0)

    def test_a_near_agent_that_stands_still_for_three_seconds(self):
        with Flow(self, kind="queue", from_dialler=False) as flow:
            flow.start()
            flow.start_producer()
            flow.wait_for_more(5_000)
            self.pause(flow, flow.near, flow.far)
            flow.finish()
            self.assertEqual(flow.book.repeated, 0)


if __name__ == "__main__":
    cases.main()
