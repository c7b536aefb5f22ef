#!/bin/bash
# Service Activator: factor(1), which is older than any message bus, answers questions on a queue.
# The answer goes where the question says (Return Address), with the question's Correlation
# Identifier, and the question is acknowledged when its answer is safe.
#
#     bash service_activator.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus send factors 91 --reply-to factors.answers --correlation-id small
bus send factors 1000000007 --reply-to factors.answers --correlation-id large

bus receive factors --count 2 --exec '
    answer=$(factor) || exit 65
    bus send "$BUS_REPLY_TO" "$answer" --correlation-id "$BUS_HEADER_CORRELATION_ID"'

bus receive factors.answers --count 2 --exec 'echo "$BUS_HEADER_CORRELATION_ID: $(cat)"'
