#!/bin/bash
# Installs what is missing, builds, runs every test, and ends with the line "N passed, N failed".
#   BUILD=DIR           where to build (default: build/ in the source tree)
#   MESON_OPTIONS="..." more options for `meson setup`
# Arguments are given to tests/run_tests.py.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
MESON_OPTIONS="${MESON_OPTIONS:-}"
build="${BUILD:-$root/build}"

"$root/packaging/install-build-deps.sh"
if [ -f "$build/build.ninja" ]; then
    # shellcheck disable=SC2086  # a list of options
    meson setup --reconfigure $MESON_OPTIONS "$build" "$root" >/dev/null
else
    # shellcheck disable=SC2086
    meson setup $MESON_OPTIONS "$build" "$root"
fi
ninja -C "$build"
exec python3 "$root/tests/run_tests.py" "$build" "$@"
