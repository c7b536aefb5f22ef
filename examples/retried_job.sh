#!/bin/bash
# A job that is tried again, by cron or by a person who is not sure, sends nothing twice.
#
# --id names what is sent. The agent knows for 24 hours how much of it it has had, so the second run
# goes on where the first one stopped: here it was interrupted after two of four lines.
#
#     bash retried_job.sh     `bus` on PATH; the agent is that of $BUS_RUNTIME
set -euo pipefail

file=$(mktemp --suffix .csv)
trap 'rm -f "$file"' EXIT
printf '%s\n' 'order-1;tea' 'order-2;cup' 'order-3;pot' 'order-4;spoon' >"$file"
job="import-$(basename "$file" .csv)"  # the same for each run on this file

echo "first run, interrupted"
head -n 2 "$file" | bus send imports --lines --id "$job"
echo "second run"
bus send imports --lines --id "$job" <"$file"

bus receive imports --count 4
