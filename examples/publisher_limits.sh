#!/bin/bash
# A publisher that may bring only so much: here two scans may wait, and a third is refused, with the
# reason, until one of them is read. The agent's configuration says so; without "at_limit" the
# publisher would wait instead. A rule in "apps" bounds what one user's programs bring in all.
#
#     "channels": { "scans.**": { "limits": { "messages": 2, "at_limit": "refuse" } } }
#
#     bash publisher_limits.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus subscription add 'scans.**' --durable archive > /dev/null   # collects while nobody reads

for page in 1 2 3; do
    if why=$(bus publish scans.desk "page $page" 2>&1); then
        echo "page $page is safe"
    else
        echo "page $page: exit $?, ${why#*refused: }"
    fi
done

echo "the archive reads $(bus subscribe 'scans.**' --durable archive --count 1)"
until bus publish scans.desk "page 3" 2> /dev/null; do sleep 0.1; done   # as soon as that is on disk
echo "page 3 is safe"
bus subscription remove archive > /dev/null
