#!/bin/bash
# Dead Letter Channel and Invalid Message Channel, as an operator sees them: a new worker does not know
# how to ship abroad and rejects what it cannot do. Nothing is lost: each message is kept with the
# reason. When the worker has learned it, what died is given back to its queue, and what
# never will work is done away with. dead_letter_desk.cpp does the same from a program.
#
#     bash dead_letters.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

work() {  # work COUNT COUNTRIES...
    countries=" ${*:2} " bus receive shipping --count "$1" --exec '
        read -r country goods
        case "$countries" in
            *" $country "*) echo "shipped $goods to $country" ;;
            *) echo "no way to $country is known" >&2; exit 65 ;;
        esac' 2>/dev/null
}

printf '%s\n' 'France tea' 'Japan cups' 'Mars a spoon' | bus send shipping --lines
work 3 France

# A letter is there when it is on disk, which the end of a worker does not wait for.
dead() {
    bus dead list --channel shipping --json | python3 -c '
import json, sys
for letter in json.load(sys.stdin)["letters"]: print("dead:", letter["reason"])'
}
until [ "$(dead | wc -l)" -eq 2 ]; do sleep 0.05; done
dead

bus dead retry --channel shipping --reason Japan
work 1 France Japan
bus dead purge --channel shipping --reason Mars
