#!/bin/bash
# Message Expiration: "open the valve" must not open it long after it was wanted.
#
# The message lives for one second, counted from the call, on whatever host it is by then and also
# while hosts are without power. Nobody is handed it later. The order to close has no such end.
#
#     bash message_expiration.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus send valve7 'open' --expires 1s --receipt none
bus send valve7 'close at 18:00'

echo "the valve's controller restarts"
sleep 1.1

bus receive valve7 --count 1
