#!/bin/bash
# Competing workers without a line of code for the bus: a shell command for each message, which has
# it on standard input, two at a time. How the command ends decides:
#
#     0     done: acknowledged, after its output was written
#     65    never will work: to the dead letters, with its last words as the reason
#     else  given back and tried again later, here or by another worker
#
#     bash exec_worker.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus send thumbnails --lines <<'EOF_JOBS'
beach.jpg
invoice.pdf
harbour.jpg
moon.jpg
EOF_JOBS

make_thumbnail='
    read -r picture
    case $picture in
        *.pdf) echo "$picture is no picture" >&2; exit 65 ;;
        moon*) [ "$BUS_ATTEMPT" -gt 1 ] || { echo "no memory now" >&2; exit 75; } ;;
    esac
    echo "$picture at attempt $BUS_ATTEMPT"'
bus receive thumbnails --exec "$make_thumbnail" --concurrency 2 --retry-after 100ms --count 4
