#!/usr/bin/env python3
"""libbus/README.md has each of the 65 patterns once, in the chapters of the book, and no example is
missing in it or told where there is none."""

import pathlib
import re
import unittest

import cases

CHAPTERS = {
    "Integration styles": "File Transfer, Shared Database, Remote Procedure Invocation, Messaging",
    "Messaging systems": "Message Channel, Message, Pipes and Filters, Message Router, "
                         "Message Translator, Message Endpoint",
    "Messaging channels": "Point-to-Point Channel, Publish-Subscribe Channel, Datatype Channel, "
                          "Invalid Message Channel, Dead Letter Channel, Guaranteed Delivery, "
                          "Channel Adapter, Messaging Bridge, Message Bus",
    "Message construction": "Command Message, Document Message, Event Message, Request-Reply, "
                            "Return Address, Correlation Identifier, Message Sequence, "
                            "Message Expiration, Format Indicator",
    "Message routing": "Content-Based Router, Message Filter, Dynamic Router, Recipient List, "
                       "Splitter, Aggregator, Resequencer, Composed Message Processor, "
                       "Scatter-Gather, Routing Slip, Process Manager, Message Broker",
    "Message transformation": "Envelope Wrapper, Content Enricher, Content Filter, Claim Check, "
                              "Normalizer, Canonical Data Model",
    "Messaging endpoints": "Messaging Gateway, Messaging Mapper, Transactional Client, "
                           "Polling Consumer, Event-Driven Consumer, Competing Consumers, "
                           "Message Dispatcher, Selective Consumer, Durable Subscriber, "
                           "Idempotent Receiver, Service Activator",
    "System management": "Control Bus, Detour, Wire Tap, Message History, Message Store, "
                         "Smart Proxy, Test Message, Channel Purger",
}
ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "libbus" / "README.md"
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)[^)]*\)")


def table(text):
    """chapter: its rows, each a list of cells."""
    chapters = {}
    for section in text.split("\n### ")[1:]:
        name, _, body = section.partition("\n")
        rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("| ")]
        chapters[name] = [[cell.strip() for cell in row] for row in rows[2:]]
    return chapters


class PatternsTable(unittest.TestCase):
    def setUp(self):
        self.text = README.read_text(encoding="utf-8")
        self.table = table(self.text)
        self.rows = [row for rows in self.table.values() for row in rows]

    def test_each_pattern_has_its_row(self):
        self.assertEqual({chapter: ", ".join(row[0] for row in rows)
                          for chapter, rows in self.table.items()}, CHAPTERS)
        self.assertEqual(len(self.rows), 65)

    def test_each_row_says_who_provides_it_and_how(self):
        for pattern, who, how, example in self.rows:
            self.assertIn(who, ("bus", "app", "later"), pattern)
            self.assertRegex(how, r"\w{3}", pattern)
            self.assertRegex(example, LINK, pattern)

    def test_every_link_leads_somewhere(self):
        for name, target in LINK.findall(self.text):
            path = README.parent / target
            self.assertTrue(path.exists(), target)
            if target.startswith("../examples/"):
                self.assertIn(name, (path.name, path.stem))

    def test_every_example_is_told(self):
        told = {pathlib.Path(target).name for _, target in LINK.findall(self.text)}
        examples = {path.name for path in (ROOT / "examples").iterdir()
                    if path.suffix in (".cpp", ".sh", ".py")}
        self.assertEqual(examples - told, set())


if __name__ == "__main__":
    cases.main()
