#!/bin/bash
# Control Bus and Test Message: two hosts, looked at and tested over the bus itself.
#
# Every agent answers its operators as JSON, here and, where its configuration allows it, over the bus
# to others; a ping is a test message that each agent on the way answers.
#
#     bash control_bus.sh     `bus` and `bus-agent` on PATH; the agents are two of its own
set -euo pipefail

folder=$(mktemp -d)
agents=()
clean_up() {
    kill "${agents[@]}" 2>/dev/null && wait
    rm -rf "$folder"
}
trap clean_up EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$folder/paris" "$folder/tokyo"
key_of_paris=$(bus keygen "$folder/paris/identity.key" | awk 'END { print $NF }')
key_of_tokyo=$(bus keygen "$folder/tokyo/identity.key" | awk 'END { print $NF }')
start_agent() {  # start_agent NAME WHERE_TO_LISTEN PEER
    cat >"$folder/$1/agent.json" <<JSON
{ "name": "$1", "runtime": "run", "journal": { "path": "journal.db", "min_free": "1MiB" },
  "listen": [$2], "peers": [$3] }
JSON
    bus-agent --config "$folder/$1/agent.json" 2>>"$folder/$1/log" &
    agents+=($!)
}
start_agent paris "\"tcp://127.0.0.1:$port\"" \
    "{ \"name\": \"tokyo\", \"key\": \"$key_of_tokyo\", \"trust\": \"full\" }"
start_agent tokyo '' \
    "{ \"name\": \"paris\", \"key\": \"$key_of_paris\", \"trust\": \"full\", \"address\": \"tcp://127.0.0.1:$port\" }"

export BUS_RUNTIME=$folder/paris/run
bus peer wait tokyo --timeout 20

bus send orders '2 x tea'
bus status --json | python3 -c '
import json, sys
status = json.load(sys.stdin)
for link in status["links"]:
    print("link to", link["peer"], "is", link["state"])
print("messages waiting:", sum(account["waiting"] for account in status["accounts"]))'

bus ping tokyo --json | python3 -c '
import json, sys
hops = json.load(sys.stdin)["rounds"][0]
print("the test message came back from", hops[-1]["name"])'

bus receive orders --runtime "$folder/tokyo/run" --count 1
