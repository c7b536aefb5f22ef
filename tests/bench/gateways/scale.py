#!/usr/bin/env python3
"""What a hub costs: thousands of simulated field gateways as link peers of one real agent, over
loopback. Prints a table; with --smoke it is a test of a few seconds.

    scale.py                          2,000 gateways: memory, rest, return after a restart, throughput
    scale.py --interest               100 gateways with 1,000 filters each: memory, synchronising, repair
    scale.py --smoke                  both, small
    scale.py --gateways N --rate R --seconds S
    scale.py --hold                   stays at full load until return is pressed, for a profiler

BUS_AGENT is the agent; BUS_GATEWAYS the folder of the programs `gateways` and `counter`.
"""

import argparse
import contextlib
import json
import os
import resource
import socket
import subprocess
import threading
import time

from agent import PATIENCE, Agent
from command import environment_of

FOLDER = os.environ["BUS_GATEWAYS"]
PATIENCE_OF_MANY = 120.0  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A process that says lines of JSON, the newest of which is `state`."""

    def __init__(self, name, *arguments, runtime=None):
        self.state = {}
        self._changed = threading.Condition()
        self._ready = False
        self.process = subprocess.Popen(
            [os.path.join(FOLDER, name), *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=environment_of(runtime))
        threading.Thread(target=self._read, daemon=True).start()
        self._wait(lambda: self._ready, "ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                if line == b"ready\n":
                    self._ready = True
                else:
                    self.state = json.loads(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait(self, condition, what):
        deadline = time.monotonic() + PATIENCE_OF_MANY
        with self._changed:
            while not condition():
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError(f"still waiting for {what}: {self.state}")
                self._changed.wait(1)

    def wait_for(self, what, count):
        """Seconds until the state's field has this value or a higher one."""
        begin = time.monotonic()
        self._wait(lambda: self.state.get(what, 0) >= count, f"{what} {count}")
        return time.monotonic() - begin

    def wait_until(self, condition, what):
        begin = time.monotonic()
        self._wait(lambda: condition(self.state), what)
        return time.monotonic() - begin

    def command(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()


class Hub:
    """A real agent whose peers are the gateways. Use as a context manager."""

    def __init__(self, gateways, *options):
        self.count = gateways
        self._stack = contextlib.ExitStack()
        self.agent = self._stack.enter_context(Agent("hub", listen=True, relay=True))
        self.agent.settings["journal"]["max_bytes"] = "4GiB"
        self.agent.settings["listen"] = [f"tcp://127.0.0.1:{free_port()}"]
        self.agent.write_config()
        self.fleet = self._stack.enter_context(Program(
            "gateways", gateways, "--hub", self.agent.settings["listen"][0],
            "--hub-key", self.agent.public_key,
            "--peers", os.path.join(self.agent.folder, "peers.d"), *options))
        self.agent.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def wait_for_all(self):
        return self.fleet.wait_for("synchronised", self.count)

    def resident(self):
        with open(f"/proc/{self.agent.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()


def free_port():
    """Nobody listens there now; the hub keeps it across its restarts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def disk_written(process):
    """Bytes that it caused to be written since it started."""
    with open(f"/proc/{process.pid}/io", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("write_bytes")).split()[1])


def cpu(process):
    """Seconds of processor time since it started."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Load:
    """Processor time of processes over a while, in percent of one core."""

    def __init__(self, *processes):
        self._processes = processes
        self._begin = [cpu(process) for process in processes]
        self._at = time.monotonic()

    def percent(self):
        seconds = time.monotonic() - self._at
        return [100 * (cpu(process) - begin) / seconds
                for process, begin in zip(self._processes, self._begin)]


class Table:
    def row(self, what, value):
        print(f"{what:<58} {value}", flush=True)


def measure_links(options, table):
    with Hub(options.gateways) as hub:
        table.row("gateways", hub.count)
        before = hub.resident()
        hub.fleet.command("connect")
        table.row("all linked and synchronised after", f"{hub.wait_for_all():.1f} s")
        table.row("hub: resident without links", f"{before / 2**20:.1f} MiB")
        links = hub.resident() - before
        table.row("hub: memory per link", f"{links / hub.count / 1024:.1f} KiB")

        at_rest = Load(hub.agent.process)
        time.sleep(options.rest)  # what is measured is a while in which nothing happens
        table.row(f"hub: processor at rest, over {options.rest:.0f} s",
                  f"{at_rest.percent()[0]:.1f} % of a core")

        measure_restart(hub, table)
        measure_throughput(hub, options, table)
        table.row("hub: memory per link afterwards",
                  f"{(hub.resident() - before) / hub.count / 1024:.1f} KiB")
        check_accounts(hub.agent.status())


def measure_restart(hub, table):
    dials = hub.fleet.state["dials"]
    hub.agent.kill()
    hub.fleet.wait_until(lambda state: state["open"] == 0, "the loss of all")
    begin = time.monotonic()
    hub.agent.start()
    started = time.monotonic() - begin
    hub.wait_for_all()
    table.row("hub: start with so many peers", f"{started:.2f} s")
    table.row("all back after its restart (from its start on)", f"{time.monotonic() - begin:.1f} s")
    table.row("attempts for that, per gateway",
              f"{(hub.fleet.state['dials'] - dials) / hub.count:.1f}")


def restart_under_load(hub):
    """What the gateways have not heard to be safe they send again."""
    published = hub.fleet.state["published"]
    hub.agent.kill()
    hub.agent.start()
    hub.fleet.wait_until(lambda state: state["losses"] >= 2 * hub.count, "the loss of all")
    hub.wait_for_all()
    hub.fleet.wait_for("published", published + hub.count)


def measure_throughput(hub, options, table):
    with Program("counter", "field.**", runtime=hub.agent.runtime) as counter:
        hub.fleet.command(f"publish {options.rate}")
        hub.fleet.wait_for("published", hub.count)  # each has begun
        counter.wait_for("got", hub.count)
        load = Load(hub.agent.process, hub.fleet.process, counter.process)
        written = disk_written(hub.agent.process)
        first = dict(hub.fleet.state), dict(counter.state), time.monotonic()
        if options.hold:
            input(f"hub is {hub.agent.process.pid}; return goes on: ")
        else:
            time.sleep(options.seconds)  # what is measured is a while of load
        seconds = time.monotonic() - first[2]
        published = hub.fleet.state["published"] - first[0]["published"]
        got = counter.state["got"] - first[1]["got"]
        percent = load.percent()
        written = disk_written(hub.agent.process) - written
        ages = counter.state["p50_micros"], counter.state["p99_micros"]
        if options.smoke:
            restart_under_load(hub)
        hub.fleet.command("publish 0")
        everything = hub.fleet.wait_until(
            lambda state: state["rate"] == 0 and state["acknowledged"] == state["published"],
            "acknowledgements")
        counter.wait_for("distinct", hub.fleet.state["published"])
        table.row(f"offered: {hub.count} senders of {options.rate:g} messages/s",
                  f"{hub.count * options.rate:,.0f} messages/s")
        table.row("sent; consumed at the hub",
                  f"{published / seconds:,.0f}; {got / seconds:,.0f} messages/s")
        table.row("age at the consumer, p50 / p99", f"{ages[0] / 1000:.1f} / {ages[1] / 1000:.1f} ms")
        table.row("processor: hub, gateways, consumer",
                  " / ".join(f"{one:.0f} %" for one in percent) + " of a core")
        table.row("hub: written to disk", f"{written / got:.0f} bytes per message")
        table.row("until the last acknowledgement", f"{everything:.2f} s")
        assert counter.state["distinct"] == hub.fleet.state["published"], counter.state
        assert counter.state["doubled"] == 0, counter.state
        for fault in ("refusals", "malformed", "gaps"):
            assert hub.fleet.state[fault] == 0, hub.fleet.state


def measure_interest(options, table):
    per_gateway = options.filters
    with Hub(options.gateways, "--filters", per_gateway,
             *(["--durable"] if options.durable else [])) as hub:
        total = hub.count * per_gateway
        table.row("filters", f"{total:,} of {hub.count} gateways"
                  f"{', durable' if options.durable else ''}")
        before, load = hub.resident(), cpu(hub.agent.process)
        hub.fleet.command("connect")
        table.row("synchronised after", f"{hub.wait_for_all():.2f} s")
        wait_for_interest(hub, total)
        table.row("hub: processor time for it", f"{cpu(hub.agent.process) - load:.2f} s")
        table.row("hub: memory per filter", f"{(hub.resident() - before) / total:.0f} bytes")

        load = cpu(hub.agent.process)
        begin = time.monotonic()
        resets = hub.fleet.state["resets"]
        hub.fleet.command("differ")
        hub.fleet.wait_until(lambda state: state["resets"] >= resets + hub.count and
                             state["synchronised"] == hub.count, "repair")
        table.row("each differs by one filter: repaired after", f"{time.monotonic() - begin:.2f} s")
        wait_for_interest(hub, total + hub.count)
        table.row("hub: processor time for it", f"{cpu(hub.agent.process) - load:.2f} s")

        begin = time.monotonic()
        hub.agent.kill()
        hub.fleet.wait_until(lambda state: state["open"] == 0, "the loss of all")
        begin = time.monotonic()
        hub.agent.start()
        table.row("hub: start with them in its journal", f"{time.monotonic() - begin:.2f} s")
        hub.wait_for_all()
        table.row("all back after its restart (from its start on)",
                  f"{time.monotonic() - begin:.1f} s")


def wait_for_interest(hub, total):
    hub.agent.wait_for_status(
        lambda status: sum(link["interest"] for link in status["links"]) == total, PATIENCE)


def check_accounts(status):
    for account in status["accounts"]:
        assert account["balances"], account


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateways", type=int)
    parser.add_argument("--rate", type=float, default=10, help="messages per second of each")
    parser.add_argument("--seconds", type=float, default=20, help="of load")
    parser.add_argument("--rest", type=float, default=20, help="seconds of rest")
    parser.add_argument("--filters", type=int, default=1000, help="of each gateway, with --interest")
    parser.add_argument("--durable", action="store_true", help="the filters are durable")
    parser.add_argument("--interest", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--hold", action="store_true")
    return parser.parse_args()


def main():
    options = read_options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    table = Table()
    if options.smoke:
        options.gateways, options.seconds, options.rest, options.filters = 50, 1, 1, 20
        measure_links(options, table)
        measure_interest(options, table)
        print("2 passed, 0 failed")
    elif options.interest:
        options.gateways = options.gateways or 100
        measure_interest(options, table)
    else:
        options.gateways = options.gateways or 2000
        measure_links(options, table)


if __name__ == "__main__":
    main()
