#!/bin/bash
# Delayed delivery: a reminder is sent now and comes later, whoever is there by then; its sender has gone
# home. It is not one of the 65 patterns, and yet what many write a timer for. Until it is due this
# host's agent keeps it, across restarts; here it is overtaken by what is sent after it.
#
#     bash delayed_delivery.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

bus send reminders 'call Ada' --after 2s
bus send reminders 'water the plants'

bus receive reminders --count 2
