"""Runs a module's unittest cases and ends with the line that tests/run_tests.py counts."""

import concurrent.futures
import io
import sys
import unittest


def main(beside=1):
    """`beside`: so many cases at the same time, for those that mostly wait."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    wanted = sys.argv[1:]
    if wanted:
        suite = unittest.defaultTestLoader.loadTestsFromNames(wanted, sys.modules["__main__"])
    if beside == 1:
        results = [unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)]
    else:
        with concurrent.futures.ThreadPoolExecutor(beside) as pool:
            results = list(pool.map(run_one, each_of(suite)))
    failed = sum(len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
                 for result in results)
    skipped = sum(len(result.skipped) for result in results)
    print(f"{sum(result.testsRun for result in results) - failed - skipped} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def each_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each_of(test)
        else:
            yield test


def run_one(test):
    """What it says comes in one piece when it ends."""
    told = io.StringIO()
    result = unittest.TextTestRunner(stream=told, verbosity=2).run(unittest.TestSuite([test]))
    print(told.getvalue(), flush=True)
    return result
