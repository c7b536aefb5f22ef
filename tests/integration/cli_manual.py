"""The manual pages, --help and the completion name the same subcommands, options and exit codes."""

import os
import re
import subprocess
import unittest

import cases
from command import bus

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def help_of(*command):
    return bus(*command, "--help").stdout.decode()


def long_options(text):
    return set(re.findall(r"^\s+(?:-\w,)?--([a-z-]+)", text, re.MULTILINE)) - {"help", "version"}


def documented_options(manual):
    return set(re.findall(r"^\.It Fl -([a-z-]+)", manual, re.MULTILINE))


def documented_codes(manual):
    section = manual.split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    return re.findall(r"^\.It (\d+)", section, re.MULTILINE)


def subcommands(*of):
    """Those of `bus`, or of one of its subcommands."""
    _, _, listed = help_of(*of).partition("Subcommands:")
    return re.findall(r"^  (\w[\w-]*) ", listed.split("Exit codes:")[0], re.MULTILINE)


def options_of(*command):
    return set().union(long_options(help_of(*command)),
                       *(options_of(*command, name) for name in subcommands(*command)))


class Manual(unittest.TestCase):
    def setUp(self):
        self.manual = read("packaging", "man", "bus.1")
        self.documented = documented_options(self.manual)

    def test_every_option_is_in_the_manual_and_every_one_there_exists(self):
        self.assertEqual(options_of(), self.documented)

    def test_the_manual_shows_every_subcommand(self):
        shown = re.findall(r"^\.Nm\n\.Cm (\w+)", self.manual, re.MULTILINE)
        self.assertEqual(sorted(set(shown)), sorted(subcommands()))  # one has several forms

    def test_the_overview_names_subcommands_that_there_are(self):
        named = re.findall(r"\bbus ([a-z]+)", re.sub(r"\.Xr bus.*", "", read("packaging", "man", "bus.7")))
        self.assertGreater(len(named), 8)
        self.assertEqual(set(named) - set(subcommands()), set())

    def test_completion_knows_every_subcommand_and_option(self):
        for shell in ("bus", "_bus"):  # bash, zsh
            completion = read("packaging", "completion", shell)
            for name in subcommands():
                self.assertIn(name, completion)
            for option in self.documented:
                self.assertIn(f"--{option}", completion)

    def test_exit_codes_are_the_same_in_both(self):
        codes = re.findall(r"^ +(\d+)  ", help_of(), re.MULTILINE)
        self.assertEqual(documented_codes(self.manual), codes)


class AgentsManual(unittest.TestCase):
    def test_options_and_exit_codes_are_those_of_help(self):
        manual = read("packaging", "man", "bus-agent.8")
        shown = subprocess.run([os.environ["BUS_AGENT"], "--help"], stdout=subprocess.PIPE,
                               check=True, text=True).stdout
        self.assertEqual(documented_options(manual), long_options(shown))
        status = shown.split("Exit status:")[1]
        self.assertEqual(documented_codes(manual), re.findall(r"\b(\d) ", status))


if __name__ == "__main__":
    cases.main()
