#!/usr/bin/python3
"""Channel Adapter: an old till writes its sales into files, and cannot be changed.

The adapter reads the till's folder and sends each file to a queue. A file goes to the folder
`sent` when its message is safe, never before: killed at any moment, the adapter loses no sale. It
may send one twice then, so the file's name goes along as the key, by which the books can tell.

    channel_adapter.py [FOLDER]     default: a till of its own with three sales

Plain ZeroMQ, without libbus: see plain_bus.py.
"""

import pathlib
import sys
import tempfile

from plain_bus import Session


def adapt(folder, bus):
    """Sends what lies in the folder now; how many files that were."""
    sent = folder / "sent"
    sent.mkdir(exist_ok=True)
    files = sorted(folder.glob("*.sale"))
    for file in files:
        bus.send("sales", file.read_bytes(), {"key": file.name})
        file.rename(sent / file.name)
    return len(files)


def write_sales(folder):
    for number, sale in enumerate(("tea 3.20", "cup 7.00", "pot 19.90"), 1):
        (folder / f"{number}.sale").write_text(sale, encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as till, Session() as bus:
        folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else till)
        if len(sys.argv) == 1:
            write_sales(folder)
        count = adapt(folder, bus)
        left = len(list(folder.glob("*.sale")))
        print(f"{count} files sent, {left} left")

        bus.consume("sales")
        for _ in range(count):
            sale = bus.next()
            print(f"{sale.headers['key']}: {sale.payload.decode()}")
            bus.ack(sale)


if __name__ == "__main__":
    main()
