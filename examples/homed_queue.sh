#!/bin/bash
# Message groups: orders of one customer are worked on one after the other, those of different
# customers side by side, by as many workers as there are, on whatever hosts. One agent keeps the
# queue; every host that sends to it or consumes it says so in its configuration:
#
#     "channels": { "payments": { "kind": "queue", "home": "hub" } }
#
#     bash homed_queue.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME, and is the home
set -euo pipefail

for step in open pay close; do
    for customer in ada bob; do
        bus send payments "$step $customer" --header "key=$customer"
    done
done

# Two workers: a customer stays with one of them, and each of its steps waits for the one before.
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
bus receive payments --count 6 --concurrency 2 \
    --exec "read -r step who || true; echo \"\$step \$who\" >> $folder/done"
for customer in ada bob; do
    echo "$customer: $(grep "$customer" "$folder/done" | cut -d' ' -f1 | paste -sd' ')"
done
