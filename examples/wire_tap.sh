#!/bin/bash
# Wire Tap and Message Store: who audits payments gets a copy of each, and nobody who publishes or
# books them notices. On a topic a tap is one more subscription; this one is durable, so that it
# misses nothing between two looks, and writes all that stands beside a message into a file.
#
#     bash wire_tap.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail
store=$(mktemp)
trap 'rm -f "$store"' EXIT

for name in example-booking example-audit; do  # they collect from now on, also while nobody reads
    bus subscription add 'payments.**' --durable "$name"
done

bus publish payments.card 100 --header terminal=7
bus publish payments.cash 20 --header terminal=9

echo "booked:"
bus subscribe 'payments.**' --durable example-booking --count 2

bus subscribe 'payments.**' --durable example-audit --count 2 --format json >"$store"
echo "audited:"
python3 - "$store" <<'PYTHON'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    print(message["payload"], "by", message["channel"], "at terminal", message["headers"]["terminal"])
PYTHON

# The books and the audit go on; this example does not.
for name in example-booking example-audit; do bus subscription remove "$name"; done
