"""Hosts and the lines between them: network namespaces, veth pairs, a bridge, and what can go wrong
with a line. Everything lives in the sandbox and ends with it."""

import ctypes
import ipaddress
import itertools
import os
import re
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
NETLINK_NETFILTER = 12
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


class Host:
    """A network namespace with a name of its own. Files are shared by all."""

    def __init__(self, name):
        self.name = f"{name}-{next(_numbers)}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    @property
    def prefix(self):
        """Before a command, it makes that command run on this host."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--"]

    def run(self, *command):
        return run(*self.prefix, *command)

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def nft(self, *words):
        return self.run("nft", " ".join(words))

    def forward(self):
        """It passes on packets that are for others."""
        self.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")

    def inside(self, make):
        """What `make()` returns when a thread of this host calls it: a socket, say, which stays there."""
        result = []

        def enter():
            with open(f"/run/netns/{self.name}", "rb") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            result.append(make())
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if not result:
            raise AssertionError(f"{self.name}: nothing could be made there")
        return result[0]


class Port:
    """A host's end of a line: a device and its address."""

    def __init__(self, host, device, address, prefix_length):
        self.host, self.device, self.address = host, device, address
        # IPv6 would first ask for a second whether somebody else has the address.
        at_once = ("nodad",) if address.version == 6 else ()
        host.ip("addr", "add", f"{address}/{prefix_length}", "dev", device, *at_once)
        host.ip("link", "set", device, "up")

    def down(self):
        self.host.ip("link", "set", self.device, "down")

    def up(self):
        self.host.ip("link", "set", self.device, "up")

    def lose_arriving(self, how="drop"):
        """What arrives here is dropped in silence, or `how` nftables says it."""
        self.host.nft("add table inet fault;",
                      "add chain inet fault arriving { type filter hook input priority 0 ; };",
                      f"add rule inet fault arriving iifname {self.device}", how)

    def reset_arriving(self):
        """TCP that arrives here is answered with a reset."""
        self.lose_arriving("meta l4proto tcp reject with tcp reset")

    def heal(self):
        self.host.nft("delete table inet fault")

    def limit_leaving(self, rate):
        """So many bits per second leave, "50kbit"; 4 s of them may wait."""
        number, unit = re.fullmatch(r"(\d+)(k|m)bit", rate).groups()
        bits = int(number) * {"k": 1_000, "m": 1_000_000}[unit]
        self.host.run("tc", "qdisc", "add", "dev", self.device, "root", "tbf", "rate", rate,
                      "burst", "3000", "limit", str(bits // 2))


def subnet(version=4):
    """The address of a network of four that nobody else has; two hosts fit."""
    return ipaddress.ip_address("10.0.0.0" if version == 4 else "fd00::") + 4 * next(_numbers)


class Line:
    """A cable between two hosts. `ends[host]` is a host's port. `version`: of IP."""

    def __init__(self, one, other, version=4):
        number, base = next(_numbers), subnet(version)
        devices = f"l{number}a", f"l{number}b"
        run("ip", "link", "add", devices[0], "netns", one.name, "type", "veth",
            "peer", "name", devices[1], "netns", other.name)
        length = base.max_prefixlen - 2
        self.ends = {host: Port(host, device, base + at + 1, length)
                     for at, (host, device) in enumerate(zip((one, other), devices))}

    def __iter__(self):
        return iter(self.ends.values())


class Switch:
    """A bridge that any number of hosts are plugged into. `ends[host]` is a host's port."""

    def __init__(self, *hosts):
        self.bridge = Host("switch")
        self.bridge.ip("link", "add", "bridge", "type", "bridge")
        self.bridge.ip("link", "set", "bridge", "up")
        self.ends = {host: self._plug(host, at + 1) for at, host in enumerate(hosts)}

    def _plug(self, host, place):
        device = f"s{next(_numbers)}"
        run("ip", "link", "add", device, "netns", self.bridge.name, "type", "veth",
            "peer", "name", device, "netns", host.name)
        self.bridge.ip("link", "set", device, "master", "bridge", "up")
        return Port(host, device, ipaddress.ip_address("172.16.0.0") + place, 24)

    def cut(self, one, other):
        """What these two send each other is dropped in silence; other traffic is not."""
        for host, peer in ((one, other), (other, one)):
            self.ends[host].lose_arriving(f"ip saddr {self.ends[peer].address} drop")

    def mend(self, *hosts):
        for host in hosts:
            self.ends[host].heal()


class Nat:
    """A host between an inside and an outside, as homes and plants have it: who is inside can call
    whoever is outside, and nobody the other way round."""

    def __init__(self, inside, outside):
        self.host = Host("nat")
        self.host.forward()
        self.inner, self.outer = Line(inside, self.host), Line(self.host, outside)
        inside.ip("route", "add", "default", "via", str(self.inner.ends[self.host].address))
        self._begin(20_000)

    def _begin(self, first_port):
        outer = self.outer.ends[self.host].device
        self.host.nft(
            "add table ip nat;",
            "add chain ip nat leaving { type nat hook postrouting priority 100 ; };",
            f"add rule ip nat leaving oifname {outer} meta l4proto tcp",
            f"masquerade to :{first_port}-{first_port + 999};",
            "add chain ip nat through { type filter hook forward priority 0 ; };",
            f"add rule ip nat through iifname {outer} ct state != established drop")

    def restart(self):
        """It forgets every connection; those that go on do so from another port."""
        self.host.nft("delete table ip nat")
        self.host.inside(forget_connections)
        self._begin(30_000)


def forget_connections():
    """Empties the connection tracking of the namespace that the caller is in."""
    delete_all, request_and_acknowledge = 1 << 8 | 2, 1 | 4
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netfilter:
        netfilter.settimeout(10)
        netfilter.send(struct.pack("=IHHIIBBH", 20, delete_all, request_and_acknowledge, 1, 0,
                                   socket.AF_INET, 0, 0))
        error = struct.unpack_from("=i", netfilter.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))
    return True
