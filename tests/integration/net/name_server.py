"""A name server for one host, on 127.0.0.1:53 of it, that keeps some questions waiting for as long as
the test likes."""

import os
import socket
import struct
import tempfile
import threading

import sandbox

OWN_ADDRESS = ("127.0.0.1", 53)
QUESTION_A = 1


def use_own_name_server():
    """All hosts of this sandbox ask 127.0.0.1, each its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:20 attempts:1\n")
    os.chmod(file.name, 0o644)
    sandbox.mount("--bind", file.name, os.path.realpath("/etc/resolv.conf"))
    os.unlink(file.name)


def _open_socket():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(OWN_ADDRESS)
    return made


def _name_and_type(question):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels), struct.unpack_from(">H", question, at + 1)[0], at + 5


class NameServer:
    """Use as a context manager. `names`: name to IPv4 address. `slow`: those that are not answered
    before release()."""

    def __init__(self, host, names, slow):
        self._names, self._slow = names, set(slow)
        self._waiting = []
        self._lock = threading.Lock()
        self.asked = threading.Event()  # for a slow one
        self._socket = host.inside(_open_socket)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.sendto(b"", OWN_ADDRESS)
        self._thread.join()
        self._socket.close()

    def release(self):
        """From now on all are answered, those who wait as well."""
        with self._lock:
            self._slow.clear()
            waiting, self._waiting = self._waiting, []
        for question, asker in waiting:
            self._answer(question, asker)

    def _serve(self):
        while True:
            question, asker = self._socket.recvfrom(512)
            if not question:
                return
            name = _name_and_type(question)[0]
            with self._lock:
                if name in self._slow:
                    self._waiting.append((question, asker))
                    self.asked.set()
                    continue
            self._answer(question, asker)

    def _answer(self, question, asker):
        name, kind, end = _name_and_type(question)
        address = self._names.get(name)
        answers = []
        if address and kind == QUESTION_A:
            answers = [struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(str(address))]
        no_such_name = 0 if address else 3
        head = struct.pack(">HHHHHH", struct.unpack_from(">H", question)[0], 0x8180 | no_such_name,
                           1, len(answers), 0, 0)
        self._socket.sendto(head + question[12:end] + b"".join(answers), asker)
