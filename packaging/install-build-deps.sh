#!/bin/bash
# Installs the Debian packages of build-deps.txt that are missing. As root it does so by itself;
# otherwise it says what to run. Called by tests/run.sh, examples/demo.sh and .ci/run.
set -euo pipefail
list="$(dirname "$0")/build-deps.txt"

missing=()
while read -r package; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done < <(grep -v -e '^#' -e '^$' "$list")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Packages are missing. Run this and try again:" >&2
    echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
