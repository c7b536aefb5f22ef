#!/bin/bash
# Two agents on this machine, a queue between them, and a kill -9 half way: does every line arrive?
#
#   bash examples/demo.sh [FILE]      each line of FILE is a message (default: a log of this machine)
#
# Set-up included: it installs missing Debian packages (as root), builds, and cleans up after itself.
#   BUILD=DIR   where to build (default: build/ in the source tree)
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
build="${BUILD:-$root/build}"
work="$(mktemp -d /tmp/bus-demo-XXXXXX)"
paris='' tokyo='' receiver='' sender=''

clean_up() {
    trap '' INT TERM
    exec 2>/dev/null  # the shell tells of each process that is killed
    for pid in $sender $receiver $tokyo $paris; do kill -KILL "$pid" || true; done
    wait || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "The demo failed: $1" >&2
    tail -n 5 "$work"/*.log >&2 2>/dev/null || true
    exit 1
}
say() { printf '%s\n' "$*"; }

# wait_until SECONDS WHAT COMMAND...: until the command succeeds.
wait_until() {
    local deadline=$((SECONDS + $1)) what="$2"
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within the time it should take"
        sleep 0.05
    done
}

build_all() {
    "$root/packaging/install-build-deps.sh"
    if [ ! -f "$build/build.ninja" ]; then
        meson setup "$build" "$root" >"$work/meson.log" || fail "meson setup"
    fi
    ninja -C "$build" agent/bus-agent tools/bus/bus >"$work/ninja.log" || fail "the build"
    rm -f "$work"/*.log  # no news, should something fail later
    PATH="$build/agent:$build/tools/bus:$PATH"
}

check_input() {
    [ -z "${1:-}" ] && return
    if [ ! -f "$1" ] || [ ! -r "$1" ] || [ ! -s "$1" ]; then
        fail "$1 is no file that can be read, or is empty"
    fi
}

# At least 100,000 lines of a log that this machine has.
write_input() {
    local log
    for log in "${1:-}" /var/log/syslog /var/log/dpkg.log /var/log/alternatives.log \
        /usr/share/perl5/perl5db.pl; do
        [ -n "$log" ] && [ -s "$log" ] && [ -r "$log" ] && break
    done
    if [ -n "${1:-}" ]; then
        cat "$log" >"$work/sent"
    else
        : >"$work/sent"
        while [ "$(wc -l <"$work/sent")" -lt 100000 ]; do
            cat "$log" >>"$work/sent"
        done
        head -n 100000 "$work/sent" >"$work/cut" && mv "$work/cut" "$work/sent"
    fi
    source_file="$log"
    # A last line without its newline is a line all the same.
    lines=$(awk 'END { print NR }' "$work/sent")
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

write_configs() {
    local port key_of_paris key_of_tokyo
    mkdir "$work/paris" "$work/tokyo"
    port=$(free_port)
    key_of_paris=$(bus keygen "$work/paris/identity.key" | awk 'END { print $NF }')
    key_of_tokyo=$(bus keygen "$work/tokyo/identity.key" | awk 'END { print $NF }')
    cat >"$work/paris/agent.json" <<JSON
{ "name": "paris", "runtime": "run", "journal": { "path": "journal.db", "min_free": "1MiB" },
  "peers": [ { "name": "tokyo", "key": "$key_of_tokyo", "address": "tcp://127.0.0.1:$port", "trust": "full" } ] }
JSON
    cat >"$work/tokyo/agent.json" <<JSON
{ "name": "tokyo", "runtime": "run", "journal": { "path": "journal.db", "min_free": "1MiB" },
  "listen": ["tcp://127.0.0.1:$port"],
  "peers": [ { "name": "paris", "key": "$key_of_paris", "trust": "full" } ] }
JSON
}

# start_agent NAME: its pid in $agent.
start_agent() {
    bus-agent --config "$work/$1/agent.json" 2>>"$work/$1.log" &
    agent=$!
    wait_until 10 "the agent of $1 starts" bus status --runtime "$work/$1/run" --connect-timeout 1
}

link_is_up() {
    bus status --json --runtime "$work/paris/run" |
        python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["links"][0]["state"] != "up")'
}
# The first half at once, the rest when tokyo's agent is dead.
feed() {
    head -n "$half" "$work/sent"
    until [ -e "$work/go_on" ] || [ ! -d "$work" ]; do sleep 0.05; done
    tail -n "+$((half + 1))" "$work/sent"
}
arrived() { wc -l <"$work/received"; }
has_arrived() { [ "$(arrived)" -ge "$1" ]; }
# All of them, and nothing more for a second: some may come twice.
is_over() {
    local before
    before=$(arrived)
    [ "$before" -ge "$lines" ] && sleep 1 && [ "$(arrived)" -eq "$before" ]
}

# Compares by the messages' ids: the sender's n-th line is its message n.
compare() {
    python3 - "$work/sent" "$work/received" <<'PYTHON'
import base64, json, sys
sent = open(sys.argv[1], "rb").read().split(b"\n")
if sent[-1] == b"":
    sent.pop()
seen, again, unmarked, wrong, out_of_order, newest = {}, 0, 0, 0, 0, 0
for line in open(sys.argv[2], encoding="utf-8"):
    message = json.loads(line)
    number = int(message["id"].split("/")[1])
    payload = (message["payload"].encode() if "payload" in message
               else base64.b64decode(message["payload_base64"]))
    wrong += payload != sent[number - 1]
    if number in seen:
        again += 1
        unmarked += not message["redelivered"] and not seen[number]
    elif not message["redelivered"]:
        out_of_order += number < newest
        newest = max(newest, number)
    seen[number] = seen.get(number, False) or message["redelivered"]
lost = len(sent) - len(seen)
print(f"Arrived:          {len(seen)} of {len(sent)} lines; lost: {lost}; not as they were sent: {wrong}.")
if again:
    print(f"Handed out again: {again}, which were in hand when the agent died; {again - unmarked} of them marked as such.")
else:
    print("Handed out again: none.")
sys.exit(1 if lost or wrong or unmarked or out_of_order else 0)
PYTHON
}

check_input "${1:-}"
say "Building ..."
build_all
write_input "${1:-}"
write_configs
began=$SECONDS
start_agent tokyo && tokyo=$agent
start_agent paris && paris=$agent
wait_until 15 "the agents link" link_is_up
say "Two agents, paris and tokyo, are linked over an encrypted connection on this machine."

: >"$work/received"
bus receive demo.lines --format json --runtime "$work/tokyo/run" >"$work/received" 2>"$work/receive.log" &
receiver=$!
half=$(((lines + 1) / 2))
feed | bus send demo.lines --lines --receipt safe --runtime "$work/paris/run" 2>"$work/send.log" &
sender=$!
say "Sending $lines lines of $source_file through a queue, from an app at paris to one at tokyo ..."
wait_until 20 "the first lines arrive" has_arrived $((lines / 20 + 1))
kill -KILL "$tokyo"
wait "$tokyo" 2>/dev/null || true
tokyo=''
say "Half way:         killed the agent of tokyo with SIGKILL while the first half was coming; $(arrived) lines had."
touch "$work/go_on"
wait "$sender" || fail "bus send: $(tail -n 1 "$work/send.log")"
sender=''
say "Meanwhile:        the sender has gone home. All its lines are safe at paris, though tokyo is down."
start_agent tokyo && tokyo=$agent
say "Restarted:        the agent of tokyo; draining starts by itself."
wait_until 40 "all lines arrive" is_over
kill -TERM "$receiver"
wait "$receiver" || true
receiver=''
if compare; then
    say "Every line arrived, as it was sent. That took $((SECONDS - began)) s."
else
    fail "what arrived is not what was sent"
fi
