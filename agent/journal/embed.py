"""Makes a C++ header with a text file as a raw string: embed.py INPUT OUTPUT NAME."""

import sys

source, output, name = sys.argv[1:]
with open(source, encoding="ascii") as file:
    text = file.read()
assert ')sql"' not in text
with open(output, "w", encoding="ascii") as file:
    file.write("#pragma once\n\nnamespace bus::journal {\n\n")
    file.write(f'inline constexpr char {name}[] = R"sql(')
    # Compilers need not take more than 64 KiB in one literal.
    assert len(text) < 65536
    file.write(text)
    file.write(')sql";\n\n}  // namespace bus::journal\n')
