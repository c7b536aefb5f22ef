#!/usr/bin/env python3
"""The C++ in both README.md compiles against the public headers, warnings being errors."""

import re
import subprocess
import sys


def main():
    root, compiler = sys.argv[1], [part for part in sys.argv[2:] if "ccache" not in part]
    examples = []
    for place in ("README.md", "libbus/README.md"):
        with open(f"{root}/{place}", encoding="utf-8") as readme:
            examples += re.findall(r"```cpp\n(.*?)```", readme.read(), re.DOTALL)
    failed = 0
    for number, example in enumerate(examples, 1):
        flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-"]
        done = subprocess.run([*compiler, f"-I{root}/libbus/include", *flags], input=example,
                              text=True, check=False)
        if done.returncode != 0:
            print(f"FAIL: example {number}")
            failed += 1
    passed = len(examples) - failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
