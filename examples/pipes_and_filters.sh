#!/bin/bash
# Pipes and Filters, of which one is a Content Filter and one a Content Enricher: orders lose the number
# of the credit card, which nobody behind needs, and gain the city that belongs to their zip code.
#
# Each filter is a shell command between two queues, runs on any host, and may be killed at any moment:
# a message is acknowledged when what was made of it is safe in the next queue.
#
#     bash pipes_and_filters.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

filter() {  # filter FROM TO COMMAND: two messages, then it ends
    command=$3 to=$2 bus receive "$1" --count 2 --exec '
        made=$(sh -c "$command") || exit 65
        bus send "$to" "$made"'
}

filter orders.raw orders.clean 'sed "s/ card=[0-9]*//"' &
filter orders.clean orders.full 'sed "s/zip=75001/& city=Paris/; s/zip=1000001/& city=Tokyo/"' &

bus send orders.raw 'tea zip=75001 card=4111222233334444'
bus send orders.raw 'cup zip=1000001 card=5500666677778888'
bus receive orders.full --count 2
wait
