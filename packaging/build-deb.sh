#!/bin/bash
# Builds the Debian packages: copies the tree to a build directory with debian/ at its top and runs
# dpkg-buildpackage there. As root it installs what is missing for that.
#
#   packaging/build-deb.sh [OUT]   source and binary packages go to OUT (default: build-deb/ in the tree)
#   BUILD=DIR         where to build (default: a temporary folder, removed afterwards)
#   VERSION=V         another version than that of debian/changelog, to try an upgrade
#   DEB_BUILD_OPTIONS as dpkg-buildpackage knows them: parallel=2 (default: all processors), nocheck
# Arguments behind OUT are given to dpkg-buildpackage. The same tree gives the same packages, byte for
# byte, wherever it is built.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
out="${1:-$root/build-deb}"
shift || true
mkdir -p "$out"
out="$(cd "$out" && pwd)"

fail() {
    echo "build-deb.sh: $1" >&2
    exit 1
}

# What git knows or would know; without git all but what builds and editors leave.
list_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . -mindepth 1 \( -name 'build*' -type d -o -name .git -o -name .cache -o \
            -name __pycache__ \) -prune -o -type f -print0
    fi | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
}

# copy_tree TO: modes and times that do not depend on who checked it out, and when.
copy_tree() {
    local epoch
    epoch=$(dpkg-parsechangelog -l "$root/packaging/debian/changelog" -S Timestamp)
    mkdir -p "$1"
    (cd "$root" && list_files | sort -z |
        tar --null --no-recursion -T - --mode=u+rw,go=rX --mtime="@$epoch" -cf -) | tar -C "$1" -xpf -
    mv "$1/packaging/debian" "$1/debian"
    if [ -n "${VERSION:-}" ]; then
        sed -i "1s/(.*)/($VERSION)/" "$1/debian/changelog"
    fi
    find "$1" -exec touch --no-dereference --date="@$epoch" {} +
    find "$1" -type d -exec chmod 0755 {} +
}

versions_agree() {
    local told
    told=$(sed -nE "s/^ +version: '(.*)',/\1/p" "$root/meson.build" | head -n 1)
    [ "$told" = "$(dpkg-parsechangelog -l "$root/packaging/debian/changelog" -S Version)" ]
}

install_build_dependencies() {
    dpkg-checkbuilddeps >/dev/null 2>&1 && return
    if [ "$(id -u)" -ne 0 ]; then
        dpkg-checkbuilddeps || fail "install these, or run: sudo apt-get build-dep $PWD"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get build-dep -y -qq --no-install-recommends "$PWD"
}

command -v dpkg-buildpackage >/dev/null || fail "dpkg-buildpackage is missing: apt-get install build-essential"
versions_agree || fail "meson.build and packaging/debian/changelog have different versions"
if [ -n "${BUILD:-}" ]; then
    work="$BUILD"
    mkdir -p "$work"
else
    work="$(mktemp -d /tmp/bus-deb-XXXXXX)"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
fi
[ ! -e "$work/messagebus" ] || fail "$work/messagebus is there already"
copy_tree "$work/messagebus"
cd "$work/messagebus"
install_build_dependencies
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=$(nproc)}"
dpkg-buildpackage -us -uc "$@"
find "$work" -maxdepth 1 -type f -exec mv -t "$out" {} +
echo "The packages are in $out"
