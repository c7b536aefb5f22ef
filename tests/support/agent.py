"""Private agents for tests, and an app that speaks BUS-LOCAL/1 without libbus.

Everything is awaited by events: an agent by its "ready" line, a log line by the log. A state is
asked for again when the log has grown, at the latest after ASK_AGAIN, until it is so or a deadline
that only a failing test reaches.
"""

import collections
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import zmq

BINARY = os.environ.get("BUS_AGENT", "bus-agent")
PATIENCE = 20.0  # seconds; far beyond what anything here takes
ASK_AGAIN = 0.02  # seconds; not every change of state has a line in the log
STATUS = {"type": "admin", "id": 1, "request": "status"}


class Agent:
    """One bus-agent in a folder of its own. Use as a context manager. `prefix`: a command that runs
    it, elsewhere say, and has its process id."""

    def __init__(self, name, listen=False, prefix=(), **settings):
        self.name = name
        self.prefix = prefix
        self.folder = tempfile.mkdtemp(prefix=f"bus-{name}-")
        os.chmod(self.folder, 0o755)
        self.config = os.path.join(self.folder, "agent.json")
        self.runtime = os.path.join(self.folder, "run")
        self.settings = {
            "name": name, "runtime": "run",
            "journal": {"path": "journal.db", "max_bytes": "64MiB", "min_free": "1MiB"},
            **({"listen": ["tcp://127.0.0.1:0"]} if listen else {}), **settings}
        self.process = None
        self.lines = []
        self._more = threading.Condition()
        self.write_config()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Configuration

    def write_config(self):
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(self.settings, file)

    @property
    def public_key(self):
        """Makes the identity if there is none."""
        done = subprocess.run([BINARY, "--config", self.config, "--public-key"],
                              stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout.strip()

    def add_peer(self, name, key, *addresses):
        peer = {"name": name, "key": key, "trust": "full"}
        if addresses:
            peer.update({"address": addresses[0]} if len(addresses) == 1 else
                        {"addresses": addresses})
        self.settings.setdefault("peers", []).append(peer)
        self.write_config()

    # ---- The process

    def start(self, descriptors=None, environment=None):
        """Starts it and waits until it is ready. `descriptors`: a hard limit."""
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        begin = len(self.lines)
        self.process = subprocess.Popen(
            [*self.prefix, BINARY, "--config", self.config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=limit, env={**os.environ, **(environment or {})})
        threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True).start()
        self.wait_for_line(r": ready, ", begin)
        return self

    def _read(self, pipe):
        for raw in pipe:
            with self._more:
                self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                self._more.notify_all()
        pipe.close()
        with self._more:
            self._more.notify_all()

    def wait_for_line(self, pattern, begin=0):
        """The first line of the log from `begin` on that matches."""
        deadline = time.monotonic() + PATIENCE
        with self._more:
            while True:
                for line in self.lines[begin:]:
                    if re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None and not self._more.wait(0.2):
                    raise AssertionError(f"{self.name}: no line {pattern!r} in\n" +
                                         "\n".join(self.lines))
                self._more.wait(min(left, 0.2))

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        return self.process.wait(PATIENCE)

    @property
    def alive(self):
        return self.process.poll() is None

    # ---- What it says of itself

    @property
    def address(self):
        """Where it listens for peers; it must be running."""
        line = self.wait_for_line("listening on ")
        return re.search(r"listening on (tcp://\S+)", line).group(1)

    def admin(self, request):
        """The answer, as an object."""
        with self._admin_socket() as ask:
            return ask(request)

    @contextlib.contextmanager
    def _admin_socket(self):
        """A function that asks on a connection of its own."""
        with zmq.Context() as context, context.socket(zmq.REQ) as admin:
            admin.linger = 0
            admin.connect(f"ipc://{self.runtime}/admin.sock")

            def ask(request):
                admin.send(request if isinstance(request, bytes) else json.dumps(request).encode())
                if not admin.poll(PATIENCE * 1000):
                    raise AssertionError(f"{self.name}: no answer to {request!r}")
                return json.loads(admin.recv())
            yield ask

    def status(self):
        return self.admin(STATUS)["status"]

    def wait_for_status(self, condition, patience=PATIENCE):
        """Asks until the status satisfies `condition`; returns that status."""
        deadline = time.monotonic() + patience
        with self._admin_socket() as ask:
            while True:
                lines = len(self.lines)
                status = ask(STATUS)["status"]
                if condition(status):
                    return status
                if time.monotonic() > deadline:
                    raise AssertionError(f"{self.name}: {json.dumps(status, indent=1)}\n" +
                                         "\n".join(self.lines))
                with self._more:
                    self._more.wait_for(lambda: len(self.lines) > lines, ASK_AGAIN)

    def wait_for_link(self, peer):
        return self.wait_for_status(lambda status: any(
            link["peer"] == peer and link["state"] == "up" for link in status["links"]))


def pair():
    """Two agents that know each other; tokyo dials paris. Not started."""
    paris, tokyo = Agent("paris", listen=True), Agent("tokyo")
    paris.add_peer("tokyo", tokyo.public_key)
    return paris, tokyo


def pair_for(test):
    """The same, gone when the test ends."""
    agents = pair()
    for agent in agents:
        test.addCleanup(agent.__exit__)
    return agents


def start_pair(paris, tokyo):
    paris.start()
    tokyo.add_peer("paris", paris.public_key, paris.address)
    tokyo.start()
    paris.wait_for_link("tokyo")
    tokyo.wait_for_link("paris")


# ---- An app, after PROTOCOL.md ---------------------------------------------------------------

ENVELOPE = struct.Struct("<BBHHHQQQQIIQQ")
HEADER = struct.Struct("<IBBBBHHI16sQQQQIIII")
MAGIC = 0x31535542
UNSEALED = 1
KINDS = {"topic": 0, "queue": 1}

Delivery = collections.namedtuple("Delivery", "tag consumer attempt redelivered first payloads")
Receipts = collections.namedtuple("Receipts", "safe_through records")


def encode_frame(number, producer, sequence, kind, channel, payloads, mode=0, flags=UNSEALED):
    """Envelope and batch as an app without a hash function sends them."""
    body = b"".join(struct.pack("<IIH", 2 + len(payload), 0, 0) + payload for payload in payloads)
    name = channel.encode()
    header = HEADER.pack(MAGIC, 1, KINDS[kind], 1, mode, flags, HEADER.size + len(name),
                         len(payloads), producer, sequence, sequence, 0, 0, len(body), len(name),
                         0, 0)
    envelope = ENVELOPE.pack(1, 1, ENVELOPE.size, 0, 0, 0, 0, number, 0, 0, len(payloads), 0, 0)
    return envelope + header + name + body


def decode_delivery(frame):
    (_, _, length, flags, attempt, _, _, tag, _, first, count, consumer, _) = \
        ENVELOPE.unpack_from(frame)
    batch = frame[length:]
    body = batch[struct.unpack_from("<H", batch, 10)[0]:]
    payloads = []
    for _ in range(count):
        size, _, headers = struct.unpack_from("<IIH", body)
        payloads.append(body[10 + headers:8 + size])
        body = body[8 + size:]
    assert not body, "bytes are left over"
    return Delivery(tag, consumer, attempt, bool(flags & 2), first, payloads)


def decode_receipts(frame):
    _, _, size, count, through = struct.unpack_from("<BBHIQ", frame)
    return Receipts(through, [struct.unpack_from("<QBBH", frame, 16 + i * size)
                              for i in range(count)])


class App:
    """A session on an agent's bus.sock. Use as a context manager."""

    def __init__(self, runtime, producer=True, hello=True, kind=zmq.DEALER):
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.connect(f"ipc://{runtime}/bus.sock")
        self.producer = os.urandom(16) if producer else None
        self.number = 0
        self.sequence = 1
        self.deliveries = collections.deque()
        self.receipts = collections.deque()
        self.safe_through = 0
        self.replies = collections.deque()
        if hello:
            self.welcome = self.hello()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.context.term()

    def send(self, frame):
        self.socket.send(frame)

    def send_json(self, **command):
        self.socket.send(json.dumps(command).encode())

    def hello(self):
        command = {"type": "hello", "protocol": [1, 1], "app": "test"}
        if self.producer:
            first, second = struct.unpack("<QQ", self.producer)
            command["producer"] = f"{first:016x}{second:016x}"
        self.send_json(**command)
        return self.reply("welcome")

    def subscribe(self, identity, filter_, kind="topic", **more):
        self.send_json(type="subscribe", id=identity, kind=kind, filter=filter_, **more)
        return self.reply("subscribed")

    def publish(self, channel, *payloads, kind="topic"):
        """Sends one guaranteed batch; its number."""
        self.number += 1
        self.send(encode_frame(self.number, self.producer, self.sequence, kind, channel, payloads))
        self.sequence += len(payloads)
        return self.number

    def ack(self, delivery, through=False):
        self.rule(delivery, 0, flags=1 if through else 0)

    def nack(self, delivery, delay_millis=0):
        self.rule(delivery, 1, delay_millis=delay_millis)

    def reject(self, delivery, reason=b""):
        self.rule(delivery, 2, reason=reason)

    def extend(self, delivery):
        self.rule(delivery, 3)

    def rule(self, delivery, verdict, flags=0, delay_millis=0, reason=b""):
        self.send(struct.pack("<BBHIQIIBBHI", 3, 1, 24, 1, delivery.tag, delivery.first,
                              len(delivery.payloads), verdict, flags, len(reason), delay_millis) +
                  reason)

    def _take_one(self):
        if not self.socket.poll(PATIENCE * 1000):
            raise AssertionError("the agent says nothing")
        frame = self.socket.recv()
        if frame[:1] == b"{":
            self.replies.append(json.loads(frame))
        elif frame[0] == 1:
            self.deliveries.append(decode_delivery(frame))
        else:
            assert frame[0] == 2, frame[:16]
            receipts = decode_receipts(frame)
            self.safe_through = max(self.safe_through, receipts.safe_through)
            self.receipts.append(receipts)

    def reply(self, type_):
        """The next control frame, which must be of this type; data is kept for later."""
        while not self.replies:
            self._take_one()
        reply = self.replies.popleft()
        assert reply["type"] == type_, reply
        return reply

    def next_reply(self, type_):
        """The next control frame of this type; others before it are passed over."""
        while True:
            while not self.replies:
                self._take_one()
            reply = self.replies.popleft()
            if reply["type"] == type_:
                return reply

    def delivery(self):
        while not self.deliveries:
            self._take_one()
        return self.deliveries.popleft()

    def wait_until_safe(self, number):
        while self.safe_through < number:
            self._take_one()


class NotifySocket:
    """What systemd would be told."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def next(self):
        return self.socket.recv(4096).decode().splitlines()

    def close(self):
        self.socket.close()
