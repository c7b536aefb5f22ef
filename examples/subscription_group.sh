#!/bin/bash
# Competing Consumers on a Publish-Subscribe Channel: two billing clerks share the
# orders, while the archive gets each of them as well. The clerks may sit on any
# hosts; what is ordered before one of them comes waits where it was ordered.
#
#     bash subscription_group.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus subscription add 'shop.orders.*' --group clerks >/dev/null
bus subscription add 'shop.orders.*' --durable archive >/dev/null

for order in tea pot spoon cup; do
    bus publish shop.orders.eu "$order"
done

echo "first clerk:"
bus subscribe 'shop.orders.*' --group clerks --count 2
echo "second clerk:"
bus subscribe 'shop.orders.*' --group clerks --count 2
echo "archive:"
bus subscribe 'shop.orders.*' --durable archive --count 4

bus subscription remove clerks >/dev/null
bus subscription remove archive >/dev/null
