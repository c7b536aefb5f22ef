"""An agent's key changes while messages flow, and a key is revoked while it is in use."""

import os
import threading
import time
import unittest

import cases
from agent import PATIENCE, App, pair_for, start_pair
from command import bus


def identity(agent, *words):
    done = bus("identity", *words, runtime=agent.runtime)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def keys(agent):
    told = agent.admin({"type": "admin", "id": 1, "request": "identity"})["identity"]
    return [key for key in (told["public_key"], told["next_public_key"]) if key]


def set_keys(agent, of, listed):
    """`agent` knows the peer `of` by these keys from now on."""
    peer = next(peer for peer in agent.settings["peers"] if peer["name"] == of)
    peer.pop("key", None)
    peer["keys"] = listed
    agent.write_config()
    done = bus("reload", runtime=agent.runtime)
    assert done.returncode == 0, done.stderr


class Flow:
    """Numbered messages from one agent's app to another's, until told to end."""

    def __init__(self, source, sink):
        self.sink = App(sink.runtime, producer=False)
        self.topic = f"from.{source.name}"
        self.sink.subscribe(1, self.topic, durable="flow")
        self.source = App(source.runtime)
        source.wait_for_status(lambda status: any(  # the interest has spread
            link["interest"] > 0 for link in status["links"]))
        self.over = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self._publish)
        self.got = []
        self.again = 0

    def __enter__(self):
        self.source.publish(self.topic, b"0")
        self._take()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.source.__exit__()
        self.sink.__exit__()

    def _publish(self):
        while not self.over.wait(0.002):
            self.sent += 1
            self.source.wait_until_safe(self.source.publish(self.topic, b"%d" % self.sent))

    def _take(self):
        delivery = self.sink.delivery()
        self.got += [int(payload) for payload in delivery.payloads]
        self.again += delivery.redelivered
        self.sink.ack(delivery)

    def wait_for_more(self, count=50):
        until = len(self.got) + count
        while len(self.got) < until:
            self._take()

    def finish(self):
        """Nothing was lost, doubled or marked, and all came in order."""
        self.over.set()
        self.thread.join()
        while self.got[-1] < self.sent:
            self._take()
        assert self.got == list(range(self.sent + 1)), "lost, doubled or out of order"
        assert self.again == 0, f"{self.again} marked"


class KeyChange(unittest.TestCase):
    def setUp(self):
        self.paris, self.tokyo = pair_for(self)  # tokyo dials paris
        start_pair(self.paris, self.tokyo)

    def links_up(self):
        self.paris.wait_for_link("tokyo")
        self.tokyo.wait_for_link("paris")

    def test_the_listening_agent_gets_another_key_under_traffic(self):
        old = keys(self.paris)[0]
        with Flow(self.tokyo, self.paris) as there, Flow(self.paris, self.tokyo) as back:
            told = identity(self.paris, "rotate", "--overlap", "1h")
            current, new = keys(self.paris)
            self.assertEqual(current, old)
            self.assertIn(new, told)
            there.wait_for_more()
            set_keys(self.tokyo, "paris", [old, new])
            there.wait_for_more()
            back.wait_for_more()
            identity(self.paris, "drop")
            self.assertEqual(keys(self.paris), [new])
            self.links_up()
            there.wait_for_more()
            set_keys(self.tokyo, "paris", [new])
            there.wait_for_more()
            back.wait_for_more()
            there.finish()
            back.finish()

    def test_the_dialling_agent_gets_another_key_under_traffic(self):
        old = keys(self.tokyo)[0]
        with Flow(self.tokyo, self.paris) as there, Flow(self.paris, self.tokyo) as back:
            identity(self.tokyo, "rotate", "--overlap", "1h")
            _, new = keys(self.tokyo)
            set_keys(self.paris, "tokyo", [old, new])
            there.wait_for_more()
            begin = len(self.tokyo.lines)
            identity(self.tokyo, "drop")
            self.tokyo.wait_for_line("link paris: up", begin)
            set_keys(self.paris, "tokyo", [new])
            there.wait_for_more()
            back.wait_for_more()
            there.finish()
            back.finish()

    def test_the_old_key_is_dropped_by_itself_and_a_restart_in_between_does_no_harm(self):
        old = keys(self.paris)[0]
        identity(self.paris, "rotate", "--overlap", "3s")
        new = keys(self.paris)[1]
        set_keys(self.tokyo, "paris", [old, new])
        self.paris.settings["listen"] = [self.paris.address]
        self.paris.write_config()
        self.paris.stop()
        begin = len(self.paris.lines)
        self.paris.start()
        if len(keys(self.paris)) == 2:  # otherwise its time ended before the start
            self.paris.wait_for_line("identity: the old key was dropped", begin)
        self.assertEqual(keys(self.paris), [new])
        self.assertEqual(self.paris.public_key, new)
        self.links_up()

    def test_an_old_key_is_dropped_on_its_day_though_the_file_cannot_be_written(self):
        identity(self.paris, "rotate", "--overlap", "2s")
        new = keys(self.paris)[1]
        begin = len(self.paris.lines)
        # Root ignores file modes: the file is not there to be replaced.
        os.rename(f"{self.paris.folder}/identity.key", f"{self.paris.folder}/moved.key")
        self.paris.wait_for_line("the old key stays in the file and is not used", begin)
        self.assertEqual(keys(self.paris), [new])

    def test_during_the_overlap_a_dialler_that_knows_one_key_is_linked_within_seconds(self):
        old = keys(self.paris)[0]
        identity(self.paris, "rotate", "--overlap", "1h")
        new = keys(self.paris)[1]
        for listed in ([new], [old], [old, new], [new, old]):
            begin = len(self.tokyo.lines)
            set_keys(self.tokyo, "paris", [listed[0]])
            set_keys(self.tokyo, "paris", listed)
            began = time.monotonic()
            self.links_up()
            self.assertLess(time.monotonic() - began, PATIENCE / 2, self.tokyo.lines[begin:])

    def test_a_revoked_key_stops_on_a_live_connection_also_when_it_dialled(self):
        stranger = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
        begin = len(self.tokyo.lines)
        set_keys(self.paris, "tokyo", [stranger])
        self.tokyo.wait_for_line("revoked", begin)
        self.paris.wait_for_status(lambda status: status["links"][0]["state"] != "up")
        set_keys(self.paris, "tokyo", [self.tokyo.public_key])
        self.tokyo.signal(1)
        self.links_up()
        begin = len(self.paris.lines)
        set_keys(self.tokyo, "paris", [stranger])
        self.paris.wait_for_line("revoked", begin)
        self.tokyo.wait_for_status(lambda status: status["links"][0]["state"] != "up")

    def test_there_is_one_roll_over_at_a_time_and_the_only_key_is_not_dropped(self):
        refused = bus("identity", "drop", runtime=self.paris.runtime)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"one key only", refused.stderr)
        identity(self.paris, "rotate", "--overlap", "7d")
        refused = bus("identity", "rotate", "--overlap", "7d", runtime=self.paris.runtime)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"has a next key already", refused.stderr)
        wrong = bus("identity", "rotate", "--overlap", "soon", runtime=self.paris.runtime)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn(b'"soon" is no time; write it like 7d', wrong.stderr)

    def test_the_file_of_a_stopped_agent_is_changed_in_place(self):
        self.paris.stop()
        file = f"{self.paris.folder}/identity.key"
        for words in (["show"], ["rotate", "--overlap", "1h"], ["drop"], ["show"]):
            done = bus("identity", *words, "--file", file)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(self.paris.public_key, done.stdout.decode())


if __name__ == "__main__":
    cases.main()
