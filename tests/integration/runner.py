#!/usr/bin/env python3
"""What tests/run_tests.py selects and counts."""

import sys
import tempfile
import unittest

import cases
import run_tests


CASES = """
import sys, unittest, cases
class Three(unittest.TestCase):
    def test_good(self): pass
    def test_better(self): pass
    def test_bad(self): self.fail()
    @unittest.skip("not here")
    def test_skipped(self): pass
cases.main(int(sys.argv.pop()))
"""


def test(name, command, timeout=10, priority=0):
    return {"name": name, "cmd": command, "env": {}, "workdir": None, "timeout": timeout,
            "priority": priority}


def script(text):
    return run_tests.run(test("script", [sys.executable, "-c", text]))


class Selection(unittest.TestCase):
    def names(self, *only):
        tests = [test(path, ["/build/" + path])
                 for path in ["unit/wire/test_wire", "unit/wire_local/test_local", "sim/bus-sim"]]
        return [chosen["name"] for chosen in run_tests.select(tests, "/build", only)]

    def test_a_folder_selects_what_is_below_it_and_not_its_namesakes(self):
        self.assertEqual(self.names("unit/wire"), ["unit/wire/test_wire"])
        self.assertEqual(self.names("unit/"), ["unit/wire/test_wire", "unit/wire_local/test_local"])

    def test_an_executable_can_be_named(self):
        self.assertEqual(self.names("sim/bus-sim", "unit/wire"), ["unit/wire/test_wire", "sim/bus-sim"])

    def test_what_takes_long_begins_first(self):
        tests = [test("short", ["/build/a"]), test("long", ["/build/b"], priority=2),
                 test("longer", ["/build/c"], priority=3), test("as short", ["/build/d"])]
        chosen = run_tests.select(tests, "/build", [])
        self.assertEqual([one["name"] for one in chosen], ["longer", "long", "short", "as short"])

    def test_without_a_choice_everything_is_selected(self):
        self.assertEqual(len(self.names()), 3)


class Cases(unittest.TestCase):
    def test_cases_beside_each_other_are_counted_together(self):
        with tempfile.NamedTemporaryFile("w", suffix=".py") as script_file:
            script_file.write(CASES)
            script_file.flush()
            for beside in ("1", "2"):
                outcome = run_tests.run(test("cases", [sys.executable, script_file.name, beside]))
                self.assertEqual((outcome.passed, outcome.failed), (2, 1), outcome)


class Counting(unittest.TestCase):
    def assert_counted(self, outcome, passed, failed):
        self.assertEqual((outcome.passed, outcome.failed), (passed, failed), outcome)

    def test_a_summary_counts_and_without_one_the_exit_code(self):
        self.assert_counted(script("print('3 passed, 0 failed')"), 3, 0)
        self.assert_counted(script("print('[doctest] test cases: 5 | 4 passed | 1 failed');exit(1)"), 4, 1)
        self.assert_counted(script("pass"), 1, 0)
        self.assert_counted(script("exit(1)"), 0, 1)

    def test_an_exit_code_that_contradicts_the_summary_is_a_failure(self):
        self.assert_counted(script("print('3 passed, 0 failed'); exit(1)"), 3, 1)

    def test_a_skip_is_named_and_not_counted(self):
        skipped = script("print('not root'); exit(77)")
        self.assert_counted(skipped, 0, 0)
        self.assertIn("not root", skipped.note)

    def test_an_executable_that_was_not_built_is_one_failure_that_says_so(self):
        missing = run_tests.run(test("missing", ["/nowhere/test"]))
        self.assert_counted(missing, 0, 1)
        self.assertIn("/nowhere/test", missing.note)

    def test_what_does_not_end_is_a_failure(self):
        endless = run_tests.run(test("endless", [sys.executable, "-c", "import signal;signal.pause()"], 0.2))
        self.assert_counted(endless, 0, 1)
        self.assertIn("no end within", endless.note)


if __name__ == "__main__":
    cases.main()
