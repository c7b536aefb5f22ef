#!/usr/bin/env python3
"""Runs the tests that meson knows of and counts test cases, not executables.

A doctest executable counts as many as its summary says; a script that ends with a line
"N passed, N failed" counts as that; anything else is one test, judged by its exit code. An exit
code that contradicts the summary (a crash, a timeout, a leak found at exit) is one failure more.
Exit code 77 is a skip: not counted, but named.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time

DOCTEST = re.compile(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
COUNTED = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.MULTILINE)
FAILED_CASE = re.compile(r"^(?:TEST CASE:\s+|FAIL(?:ED)?:\s+)(.+)$", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SKIPPED = 77


@dataclasses.dataclass
class Outcome:
    name: str
    passed: int
    failed: int
    seconds: float
    output: str
    note: str = ""


def count(output, code):
    """(passed, failed) of one executable."""
    found = DOCTEST.findall(output) or COUNTED.findall(output)
    if not found:
        return (1, 0) if code == 0 else (0, 1)
    passed, failed = map(int, found[-1])
    return passed, max(failed, 1) if code != 0 else failed


def run(test):
    begin = time.monotonic()
    limit = test["timeout"] or None
    note = ""
    try:
        done = subprocess.run(test["cmd"], env={**os.environ, **test["env"]}, cwd=test["workdir"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=limit, check=False)
        code, raw = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, raw, note = -1, late.stdout or b"", f"no end within {limit} s"
    except OSError as missing:
        code, raw, note = -1, b"", f"cannot be run (built?): {missing}"
    output = COLOUR.sub("", raw.decode(errors="replace"))
    if code == SKIPPED:
        passed, failed, note = 0, 0, "skipped: " + (output.strip().splitlines() or ["?"])[-1]
    else:
        passed, failed = count(output, code)
        if code < 0 and not note:
            note = f"ended by signal {-code}"
    return Outcome(test["name"], passed, failed, time.monotonic() - begin, output, note)


def report(outcome):
    note = f"  ({outcome.note})" if outcome.note else ""
    print(f"{outcome.name:<32} {outcome.passed:>4} passed {outcome.failed:>3} failed "
          f"{outcome.seconds:6.1f} s{note}", flush=True)
    if outcome.failed:
        print(outcome.output[-20000:], flush=True)


def select(tests, build, only):
    """Those whose executable is one of `only`, or below one of these folders of the build; those that
    meson gives a higher priority first: they take long, and nothing should wait for them alone."""
    def wanted(test):
        path = pathlib.Path(os.path.relpath(test["cmd"][0], build))
        return not only or any(path.is_relative_to(folder) for folder in only)
    return sorted(filter(wanted, tests), key=lambda test: -test["priority"])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("build", help="meson's build directory, built")
    options.add_argument("--only", nargs="*", default=[], metavar="FOLDER",
                         help="executables below these folders of the build directory, or named")
    arguments = options.parse_args()
    build = os.path.abspath(arguments.build)
    listed = subprocess.run(["meson", "introspect", "--tests", build], check=True,
                            stdout=subprocess.PIPE).stdout
    tests = select(json.loads(listed), build, arguments.only)

    # Together they wait as long as they compute: three keep two cores busy.
    slots = os.cpu_count() * 3 // 2
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(slots) as pool:
        beside = [pool.submit(run, test) for test in tests if test["is_parallel"]]
        for done in concurrent.futures.as_completed(beside):
            outcomes.append(done.result())
            report(outcomes[-1])
    for test in tests:
        if not test["is_parallel"]:
            outcomes.append(run(test))
            report(outcomes[-1])

    failing = [outcome for outcome in outcomes if outcome.failed]
    if failing:
        print("\nFailing:")
    for outcome in failing:
        names = dict.fromkeys(FAILED_CASE.findall(outcome.output)) or [outcome.note or "exit code"]
        for name in names:
            print(f"  {outcome.name}: {name.strip()}")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    if passed + failed == 0:
        print("No test ran.", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
