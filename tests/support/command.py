"""The `bus` command for tests: run to its end, or beside the test."""

import os
import subprocess

from agent import PATIENCE

BINARY = os.environ.get("BUS_TOOL", "bus")


def bus(*arguments, runtime=None, stdin=b"", environment=None):
    """Runs it to its end; stdout and stderr are bytes."""
    return subprocess.run([BINARY, *arguments], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=3 * PATIENCE, check=False,
                          env=environment_of(runtime, environment))


def bus_for(test, *arguments, runtime, code=0):
    """The same, and it must end so."""
    done = bus(*arguments, runtime=runtime)
    test.assertEqual(done.returncode, code, done.stdout + done.stderr)
    return done


def words_for(test, *arguments, runtime, code=0):
    """All that it says then, in one line."""
    done = bus_for(test, *arguments, runtime=runtime, code=code)
    return " ".join((done.stdout + done.stderr).decode().split())


def start_bus(*arguments, runtime=None, stdin=subprocess.DEVNULL):
    return subprocess.Popen([BINARY, *arguments], stdin=stdin, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment_of(runtime))


def environment_of(runtime, more=None):
    environment = {**os.environ, **(more or {})}
    environment.pop("BUS_RUNTIME", None)
    if runtime:
        environment["BUS_RUNTIME"] = runtime
    return environment
