"""A bad line: two TUN devices, one on each of two hosts, and a thread that carries the packets from
one to the other, late, and loses some. Real TCP runs over it."""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import threading
import time

from network import Port, subnet

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
PACKET_MAX = 2048
_numbers = itertools.count(1)


def _open_tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class BadLine:
    """Use as a context manager. `delay`: seconds, each way. `loss`: the share of packets lost, each
    way, chosen by `seed`."""

    def __init__(self, one, other, delay, loss, seed):
        self.delay, self.loss = delay, loss
        self.carried = self.lost = 0
        self._chance = random.Random(seed)
        number, base = next(_numbers), subnet()
        self._devices, self.ends = [], {}
        for at, host in enumerate((one, other)):
            name = f"bad{number}{'ab'[at]}"
            self._devices.append(host.inside(lambda name=name: _open_tun(name)))
            self.ends[host] = Port(host, name, base + at + 1, 30)
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self._stopping, b"x")
        self._thread.join()
        for descriptor in (*self._devices, self._stop, self._stopping):
            os.close(descriptor)

    def _carry(self):
        under_way = []  # (when it arrives, tie-breaker, device, packet)
        order = itertools.count()
        one, other = self._devices
        towards = {one: other, other: one}
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            ready = select.select([one, other, self._stop], [], [], wait)[0]
            if self._stop in ready:
                return
            for device in ready:
                packet = os.read(device, PACKET_MAX)
                if self._chance.random() < self.loss:
                    self.lost += 1
                    continue
                heapq.heappush(under_way, (time.monotonic() + self.delay, next(order),
                                           towards[device], packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, _, device, packet = heapq.heappop(under_way)
                os.write(device, packet)
                self.carried += 1
