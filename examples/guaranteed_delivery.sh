#!/bin/bash
# Guaranteed Delivery: a message whose sender has gone home outlives its agent, killed with -9.
#
#     bash guaranteed_delivery.sh     `bus` and `bus-agent` on PATH; the agent is one of its own
set -euo pipefail

folder=$(mktemp -d)
export BUS_RUNTIME=$folder/run
agent=''
clean_up() {
    kill "$agent" 2>/dev/null && wait
    rm -rf "$folder"
}
trap clean_up EXIT

echo '{ "name": "here", "runtime": "run", "journal": { "path": "journal.db", "min_free": "1MiB" } }' \
    >"$folder/agent.json"
start_agent() {
    bus-agent --config "$folder/agent.json" 2>>"$folder/log" &
    agent=$!
}

start_agent
bus send orders '2 x tea'  # waits for the agent; ends when the message is safe: on disk, with fsync
echo "sent, and safe"

kill -KILL "$agent"
wait "$agent" 2>/dev/null || true
echo "the agent was killed"

start_agent
# Marked: the agent cannot know whether somebody had it just before the end.
bus receive orders --count 1 --format json |
    python3 -c 'import json, sys; m = json.load(sys.stdin); print("received:", m["payload"], "(redelivered)" * m["redelivered"])'
