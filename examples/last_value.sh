#!/bin/bash
# Late joiners: a display that is switched on shows at once what each sensor said last, then what
# comes live. The agent's configuration says which topics keep their last message:
#
#     "channels": { "lobby.**": { "retain": "last" } }
#
#     bash last_value.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus publish lobby.temperature 20.5
bus publish lobby.temperature 21.5
bus publish lobby.door closed

echo "the display is switched on:"
bus subscribe 'lobby.*' --last --count 2 --format json | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    print(message["channel"], message["payload"], "(retained)" if message["retained"] else "(live)")'
