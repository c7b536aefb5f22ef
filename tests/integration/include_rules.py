#!/usr/bin/env python3
"""Who may include whom, checked over what the compiler really read (`ninja -t deps`).

System headers cannot be hidden by include directories, so this is also where zmq.h and sqlite3.h
are kept to their layers. Ends with "N passed, N failed", one per rule.
"""

import os
import re
import subprocess
import sys

PUBLIC = "libbus/include/bus/"
BASE, WIRE = "libbus/base/", "libbus/wire/"
SESSION, CLIENT = "libbus/session/", "libbus/client/"
CORE, LIMITS = "agent/core/", "agent/limits.h"
# Small nouns without a layer of their own: who is built on <bus/...> alone may use them too.
COMMON = [BASE + "unique_fd.h", BASE + "base64.h"]
ERROR, EXPORT = PUBLIC + "error.h", PUBLIC + "export.h"

# Folder of the source: what of our own it may read, directly or not. The first match counts.
MAY_INCLUDE = {
    BASE: [BASE],
    WIRE: [WIRE, BASE],
    SESSION: [SESSION, WIRE, BASE],
    CLIENT: [CLIENT, SESSION, WIRE, BASE, PUBLIC],
    CORE: [CORE, WIRE, BASE, LIMITS],
    # The journal implements the interface that the core states.
    "agent/journal/": ["agent/journal/", CORE, WIRE, BASE, LIMITS, ERROR, EXPORT],
    "agent/io/": ["agent/io/", CORE, WIRE, BASE, LIMITS, ERROR, EXPORT],
    "agent/observe/": ["agent/observe/", CORE, WIRE, BASE, LIMITS],
    "agent/": ["agent/", WIRE, BASE, ERROR, EXPORT],
    # Key files are the agent's, and a benchmark measures the wire itself.
    "tools/bus/keygen": ["tools/", PUBLIC, BASE, WIRE, "agent/identity.h"],
    "tools/bus/identity": ["tools/", PUBLIC, BASE, WIRE, "agent/identity.h"],
    "tools/bus/peer_add": ["tools/", PUBLIC, BASE, WIRE, "agent/config_edit.h"],
    "tools/bus/listen": ["tools/", PUBLIC, BASE, WIRE, "agent/config_edit.h"],
    "tools/bus/bench": ["tools/", PUBLIC, BASE, WIRE, "agent/identity.h"],
    "tools/": ["tools/", PUBLIC, *COMMON],
    "examples/": ["examples/", PUBLIC],
}
SYSTEM_ONLY_IN = {
    # agent*.* and main.cpp join the parts: they read it through agent/io, and never by name.
    "zmq": (re.compile(r"/usr/include/zmq\w*\.(h|hpp)$"),
            ["agent/io/", "agent/agent", "agent/main.", CLIENT, "tools/bus/keygen",
             "tools/bus/bench", "tests/"]),
    "sqlite3.h": (re.compile(r"/usr/include/sqlite3\w*\.h$"), ["agent/journal/", "tests/", "examples/"]),
}
MUTATION = BASE + "mutation.h"
STANDARD_HEADERS = "libbus/pch/standard_headers.h"
CLOCKS = re.compile(r"\b(system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday)\b")


def objects(build, root):
    """(source, [files it read], object) of each object and each precompiled header, relative to the
    source tree where they are ours. The compiler does not tell what comes from a precompiled header:
    it counts as read by each object of its target, which share a folder."""
    read_by = dict(blocks(build))
    precompiled = {os.path.dirname(output): listed for output, listed in read_by.items()
                   if output.endswith(".gch")}
    for output, listed in read_by.items():
        everything = dict.fromkeys(listed + precompiled.get(os.path.dirname(output), []))
        read = [os.path.normpath(os.path.join(build, path)) for path in everything]
        read = [os.path.relpath(path, root) if path.startswith(root + "/") else path
                for path in read]
        yield read[0], read, output


def blocks(build):
    """(output, [its dependencies]) of each compilation that ninja recorded."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    for block in listed.split("\n\n"):
        lines = block.strip().splitlines()
        output = lines[0].partition(": ")[0] if lines else ""
        if len(lines) > 1 and output.endswith((".o", ".gch")):
            yield output, [line.strip() for line in lines[1:]]


def layer_violations(sources):
    for source, read, _ in sources:
        folder = next((f for f in MAY_INCLUDE if source.startswith(f)), None)
        if folder is None:
            continue
        for path in read:
            if path == source or path.startswith("/") or path.startswith("build"):
                continue
            if path == STANDARD_HEADERS:  # what it reads in turn is checked
                continue
            if not any(path.startswith(allowed) for allowed in MAY_INCLUDE[folder]):
                yield f"{source} reads {path}"


def system_violations(sources, pattern, allowed):
    for source, read, _ in sources:
        if any(source.startswith(folder) for folder in allowed):
            continue
        for path in read:
            if pattern.search(path):
                yield f"{source} reads {path}"


def mutation_violations(sources):
    """Whoever asks for a fault must be compiled with the simulator's faults as well."""
    simulated = {source for source, _, output in sources if output.startswith("tests/sim/")}
    for source, read, _ in sources:
        if MUTATION in read and source not in simulated:
            yield f"{source} asks base/mutation.h: it belongs to the mutated sources of its meson.build"


def texts(root, folders):
    for folder in folders:
        for place, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if name.endswith((".h", ".cpp")):
                    path = os.path.join(place, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, root), file.read()


def clock_violations(root):
    for path, text in texts(root, ["libbus", "agent"]):
        if not path.startswith(BASE) and (found := CLOCKS.search(text)):
            yield f"{path} mentions {found.group()}"


def named_violations(root):
    allowed = ("agent/io/", CLIENT, "tools/bus/keygen", "tools/bus/bench")
    for path, text in texts(root, ["libbus", "agent", "tools", "examples"]):
        if re.search(r"#include\s+[<\"]zmq", text) and not path.startswith(allowed):
            yield f"{path} includes zmq"


def public_violations(root):
    for path, text in texts(root, ["libbus/include"]):
        for included in re.findall(r'#include\s+([<"][^>"]+[>"])', text):
            name = included[1:-1]
            if not name.startswith("bus/") and ("/" in name or included.startswith('"')):
                yield f"{path} includes {included}"


def main():
    root, build = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
    sources = list(objects(build, root))
    if not any(source.startswith(BASE) for source, _, _ in sources):
        sys.exit(f"{build} was not built by ninja, or its dependency log is gone: nothing to check")
    rules = {"layers": list(layer_violations(sources)),
             "faults are asked for only where the simulator has them": list(mutation_violations(sources)),
             "clocks are read in base only": list(clock_violations(root)),
             "zmq is named only where it belongs": list(named_violations(root)),
             "public headers include only the standard and each other": list(public_violations(root))}
    for name, (pattern, allowed) in SYSTEM_ONLY_IN.items():
        rules[f"{name} only where it belongs"] = list(system_violations(sources, pattern, allowed))
    for name, violations in rules.items():
        if violations:
            print(f"FAIL: {name}")
        for violation in sorted(set(violations)):
            print(f"  {violation}")
    failed = sum(bool(violations) for violations in rules.values())
    print(f"{len(rules) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
