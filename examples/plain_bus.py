"""A client of the agent without libbus: ZeroMQ, JSON and one binary frame.

libbus/PROTOCOL.md says what every byte means; this is the part of it that guaranteed
messages of up to 64 KiB need while the agent is there. A client for more would also send
again what is not safe when the agent comes back, which libbus does.

    with Session() as bus:
        bus.send("orders", b"2 x tea", {"key": "order-17"})
        bus.consume("orders")
        delivery = bus.next()
        bus.ack(delivery)
"""

import collections
import json
import os
import struct

import zmq

ENVELOPE = struct.Struct("<BBHHHQQQQIIQQ")
HEADER = struct.Struct("<IBBBBHHI16sQQQQIIII")
MAGIC, UNSEALED, NORMAL = 0x31535542, 1, 1  # unsealed: the agent makes the checksums
KINDS = {"topic": 0, "queue": 1}
PATIENCE_MILLIS = 10_000

Delivery = collections.namedtuple("Delivery", "tag index headers payload")


class Session:
    def __init__(self):
        runtime = os.environ.get("BUS_RUNTIME", "/run/bus-agent")
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = PATIENCE_MILLIS
        self.socket.connect(f"ipc://{runtime}/bus.sock")
        self.producer = os.urandom(16)
        self.sequence = self.safe = 0
        self.channel_sequences = collections.Counter()
        self.waiting = collections.deque()
        first, second = struct.unpack("<QQ", self.producer)
        self._command(type="hello", protocol=[1, 1], app="plain_bus",
                      producer=f"{first:016x}{second:016x}")
        self._until(lambda reply: reply and reply["type"] == "welcome")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._command(type="bye")
        self.socket.close()

    def publish(self, topic, payload, headers=None):
        self._publish("topic", topic, payload, headers or {})

    def send(self, queue, payload, headers=None):
        """Returns when the message is safe: on disk, or with all its destinations."""
        self._publish("queue", queue, payload, headers or {})

    def consume(self, channel, kind="queue"):
        """From now on next() yields what comes on this queue, or on topics that match."""
        self._command(type="subscribe", id=1, kind=kind, filter=channel)
        self._until(lambda reply: reply and reply["type"] == "subscribed")

    def next(self):
        self._until(lambda _: self.waiting)
        return self.waiting.popleft()

    def ack(self, delivery):
        self.socket.send(struct.pack("<BBHI", 3, 1, 24, 1) + struct.pack(
            "<QIIBBHI", delivery.tag, delivery.index, 1, 0, 0, 0, 0))

    # ---- The frames

    def _command(self, **command):
        self.socket.send(json.dumps(command).encode())

    def _publish(self, kind, channel, payload, headers):
        self.sequence += 1  # one message a batch, so it numbers the batches as well
        self.channel_sequences[kind, channel] += 1
        name = channel.encode()
        coded = b"".join(struct.pack("<B", len(key)) + key.encode() +
                         struct.pack("<H", len(value)) + value.encode()
                         for key, value in headers.items())
        body = struct.pack("<IIH", 2 + len(coded) + len(payload), 0, len(coded)) + coded + payload
        self.socket.send(
            ENVELOPE.pack(1, 1, ENVELOPE.size, 0, 0, 0, 0, self.sequence, 0, 0, 1, 0, 0) +
            HEADER.pack(MAGIC, 1, KINDS[kind], NORMAL, 0, UNSEALED, HEADER.size + len(name), 1,
                        self.producer, self.sequence, self.channel_sequences[kind, channel],
                        0, 0, len(body), len(name), 0, 0) + name + body)
        self._until(lambda _: self.safe >= self.sequence)

    def _until(self, done):
        """Takes frames until `done`, which sees each control frame, or None, is satisfied."""
        reply = None
        while not done(reply):
            if not self.socket.poll(PATIENCE_MILLIS):
                raise TimeoutError("the agent says nothing")
            frame = self.socket.recv()
            reply = json.loads(frame) if frame[:1] == b"{" else None
            if reply and reply["type"] in ("failed", "refused", "reset"):
                raise RuntimeError(reply["reason"])
            if frame[0] == 1:
                self.waiting.extend(messages_of(frame))
            elif frame[0] == 2:
                self.safe = max(self.safe, struct.unpack_from("<Q", frame, 8)[0])


def messages_of(frame):
    """The messages of a delivery, each with its place in the batch: what an ack names."""
    envelope = ENVELOPE.unpack_from(frame)
    tag, first, count = envelope[7], envelope[9], envelope[10]
    batch = frame[envelope[2]:]
    at = struct.unpack_from("<H", batch, 10)[0]
    for index in range(first, first + count):
        size, _, header_bytes = struct.unpack_from("<IIH", batch, at)
        headers, begin, end = {}, at + 10, at + 10 + header_bytes
        while begin < end:
            key_end = begin + 1 + batch[begin]
            length = struct.unpack_from("<H", batch, key_end)[0]
            headers[batch[begin + 1:key_end].decode()] = \
                batch[key_end + 2:key_end + 2 + length].decode()
            begin = key_end + 2 + length
        yield Delivery(tag, index, headers, batch[end:at + 8 + size])
        at += 8 + size
