#!/bin/bash
# Claim Check: a film stays in a store, and the message carries the ticket to fetch it with.
#
# Worth it where few of those who get the message want what it is about, or where it is larger than a
# message may be; otherwise send it whole (large_message.cpp). The ticket is the film's own hash, so
# whoever fetches it can tell that it is the right one, and storing it twice does no harm.
#
#     bash claim_check.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail
store=$(mktemp -d)  # shared by both; an object store or a network file system
trap 'rm -rf "$store"' EXIT

check_in() {  # prints the ticket
    local ticket
    ticket=$(sha256sum <"$1" | cut -d ' ' -f 1)
    cp "$1" "$store/$ticket"
    echo "$ticket"
}

seq 1 200000 >"$store/film"
ticket=$(check_in "$store/film")
bus send films.new "$ticket" --header title='The Numbers'

export store
bus receive films.new --count 1 --exec '
    ticket=$(cat)
    echo "$ticket  $store/$ticket" | sha256sum --check --status || exit 75
    echo "$BUS_HEADER_TITLE: $(wc -c <"$store/$ticket") bytes, as they were checked in"'
