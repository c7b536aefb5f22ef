#!/bin/bash
# Installs the packages into two clean Debian 12 systems and lives with them: the service, messages
# within a host and between the two, an upgrade under load, a downgrade, removal and purge.
#
#   packaging/test-packages.sh [PACKAGES]   what build-deb.sh made (default: it is called first)
#   ROOT=FILE.tar   the clean system; made with mmdebstrap from this machine's own package source
#                   where it is missing (default: a new one, removed afterwards)
#   LIMIT=SECONDS   of the whole (default 3600 with a build, otherwise 600)
#   INIT=none       without systemd: the agent is run as the unit runs it. So it is anyway where
#                   systemd does not start in namespaces
# As root. All that it makes is in namespaces, a control group and a temporary folder of its own, and
# is gone at the end. The last line is "N passed, N failed".
set -euo pipefail
if [ "$(id -u)" -ne 0 ]; then
    echo "test-packages.sh: skipped, it needs root" >&2
    exit 77
fi
if [ -z "${TEST_PACKAGES_INSIDE:-}" ]; then  # mounts end with this process
    LIMIT="${LIMIT:-$([ -n "${1:-}" ] && echo 600 || echo 3600)}"
    TEST_PACKAGES_INSIDE=1 exec timeout --kill-after=30 "$LIMIT" \
        unshare --mount --propagation private "$0" "$@"
fi
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d /tmp/bus-packages-XXXXXX)"
control="$work/control"  # control groups
declare -A keeper=() init=()  # by host: who ends it when killed, and its first process
hosts=(paris tokyo)
declare -A address=([paris]=10.99.0.1 [tokyo]=10.99.0.2)
passed=0 failed=0

net_of() { echo "bus-packages-$$-$1"; }

clean_up() {
    trap '' INT TERM
    exec 2>/dev/null
    set +e
    for host in "${!keeper[@]}"; do kill -KILL "${keeper[$host]}"; done
    wait
    for host in "${hosts[@]}"; do ip netns delete "$(net_of "$host")"; done
    for host in "${hosts[@]}"; do within 5 rmdir_all "$control/$(net_of "$host")"; done
    for host in "${hosts[@]}"; do umount "$work/$host/root"; done
    umount "$control"
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

note() { printf '%s\n' "$*"; }
fail() {
    echo "test-packages.sh: $1" >&2
    exit 1
}

# check SENTENCE COMMAND...: counts, and shows what the command said if it failed. In the background,
# for only there a function ends with its first command that fails.
check() {
    local sentence="$1"
    shift
    : >"$work/figures"
    "$@" >"$work/said" 2>&1 </dev/null &
    if wait $!; then
        passed=$((passed + 1))
        note "ok      $sentence$(cat "$work/figures")"
    else
        failed=$((failed + 1))
        note "FAILED  $sentence"
        { cat "$work/said"; for host in "${!init[@]}"; do agent_log "$host" | tail -n 5; done; } 2>&1 |
            tail -n 30 | sed 's/^/        /'
    fi
}

# within SECONDS COMMAND...: until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# ---- Two clean systems -------------------------------------------------------------

# The packages that these depend on, as mmdebstrap wants them.
depends_of() {
    local deb
    for deb in "$@"; do
        dpkg-deb -f "$deb" Depends Pre-Depends | sed -E 's/^[A-Za-z-]+: //; s/\([^)]*\)//g' |
            tr ',' '\n' | cut -d'|' -f1 | tr -d ' '
    done | sort -u | grep -v -e '^$' -e '^bus-' -e '^libbus' | paste -sd,
}

own_sources() {
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | sort -u
}

# make_root TAR DEB...
make_root() {
    local tar="$1"
    shift
    command -v mmdebstrap >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap
    own_sources | mmdebstrap --quiet --variant=minbase \
        --include="systemd-sysv,iproute2,procps,$(depends_of "$@")" bookworm "$tar" -
}

# start_host NAME INIT...: with its own network, processes, mounts and control group.
start_host() {
    local name="$1" net root="$work/$1/root"
    shift
    net="$(net_of "$name")"
    if [ ! -d "$root" ]; then
        mkdir -p "$root" "$work/$name/upper" "$work/$name/work"
        mount -t overlay overlay "$root" \
            -o "lowerdir=$work/base,upperdir=$work/$name/upper,workdir=$work/$name/work"
        echo "$name" >"$root/etc/hostname"
    fi
    mkdir "$control/$net"
    # shellcheck disable=SC2016  # the inner shell's variables
    ip netns exec "$net" bash -c 'echo $$ >"$1/cgroup.procs"
        shift
        exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child bash -c "$@"' \
        enter "$control/$net" '
        set -e
        root="$1" name="$2"
        shift 2
        cd "$root"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        mount -t tmpfs -o mode=755 tmpfs run
        mount -t tmpfs -o mode=755 tmpfs dev
        for device in null zero full random urandom tty; do
            touch "dev/$device"
            mount --bind "/dev/$device" "dev/$device"
        done
        ln -s /proc/self/fd dev/fd
        mkdir dev/shm dev/pts
        mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
        ln -s pts/ptmx dev/ptmx
        mount -t tmpfs tmpfs dev/shm
        hostname "$name"
        mkdir run/old
        pivot_root . run/old
        exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            chroot . sh -c "umount -l /run/old; exec \"\$@\"" sh "$@" </dev/null
        ' host "$root" "$name" "$@" >"$work/$name/console" 2>&1 &
    keeper[$name]=$!
    within 10 first_process "$name"
}
first_process() {
    init[$1]="$(pgrep -P "${keeper[$1]}" | head -n 1)"
    [ -n "${init[$1]}" ] && [ -e "/proc/${init[$1]}/root/run" ]
}
stop_host() {
    kill -KILL "${keeper[$1]}"
    wait "${keeper[$1]}" 2>/dev/null || true
    unset "keeper[$1]"
    within 10 rmdir_all "$control/$(net_of "$1")"
}
rmdir_all() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$1" ]
}

in_host() {
    local name="$1"
    shift
    timeout 120 nsenter --target "${init[$name]}" --mount --uts --ipc --net --pid --cgroup --root \
        -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}
# With standard input and without a limit.
pipe_into() {
    local name="$1"
    shift
    nsenter --target "${init[$name]}" --mount --uts --ipc --net --pid --cgroup --root \
        -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
as() { in_host "$1" runuser -u "$2" -- "${@:3}"; }  # as HOST USER COMMAND...
has_systemd() { [ "${INIT:-}" != none ]; }
has_booted() { in_host "$1" systemctl is-system-running 2>/dev/null | grep -q -e running -e degraded; }

connect_hosts() {
    local host
    for host in "${hosts[@]}"; do
        ip netns add "$(net_of "$host")"
        ip -n "$(net_of "$host")" link set lo up
    done
    ip -n "$(net_of paris)" link add eth0 type veth peer name eth0 netns "$(net_of tokyo)"
    for host in "${hosts[@]}"; do
        ip -n "$(net_of "$host")" address add "${address[$host]}/24" dev eth0
        ip -n "$(net_of "$host")" link set eth0 up
    done
}

start_hosts() {
    mkdir "$control"
    mount -t cgroup2 none "$control"
    connect_hosts
    if has_systemd; then
        start_host paris /lib/systemd/systemd
        if ! within 60 has_booted paris; then
            note "systemd does not start in namespaces here; the agents are run as the unit runs them"
            stop_host paris
            INIT=none
        fi
    fi
    if has_systemd; then
        start_host tokyo /lib/systemd/systemd
        within 60 has_booted tokyo || fail "the second system does not start: $(tail "$work/tokyo/console")"
    else
        for host in "${hosts[@]}"; do start_host "$host" sleep infinity; done
    fi
}

# ---- The packages ------------------------------------------------------------------

# repack VERSION TO DEB...: the same packages with another version.
repack() {
    local version="$1" to="$2" deb
    shift 2
    mkdir -p "$to"
    for deb in "$@"; do
        rm -rf "$work/unpacked"
        dpkg-deb -R "$deb" "$work/unpacked"
        sed -i "s/^Version: .*/Version: $version/" "$work/unpacked/DEBIAN/control"
        dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/unpacked" "$to" >/dev/null
    done
}

# install HOST FOLDER: as the README says, and without anybody to ask. Without systemd the agent is
# run as the unit runs it, and restarted as it is there.
install() {
    local folder="$work/$1/root/srv/packages"
    rm -rf "$folder"
    cp -r "$2" "$folder"
    has_systemd || stop_agent "$1"
    in_host "$1" sh -c 'apt-get install -y --allow-downgrades /srv/packages/*.deb' >"$work/apt" 2>&1 ||
        { cat "$work/apt"; return 1; }
    rm -rf "$folder"
    has_systemd || start_agent "$1"
}
stop_agent() {
    in_host "$1" pkill -TERM -x bus-agent && within 15 is_stopped "$1"
    return 0
}
is_stopped() { ! in_host "$1" pgrep -x bus-agent >/dev/null; }
start_agent() {
    if has_systemd; then
        in_host "$1" systemctl start bus-agent
        return
    fi
    in_host "$1" sh -c 'install -d -m 0755 -o bus-agent -g bus /run/bus-agent
        install -d -m 0700 -o bus-agent -g bus /var/lib/bus-agent'
    pipe_into "$1" setpriv --reuid=bus-agent --regid=bus --groups="$(in_host "$1" getent group bus-admin |
        cut -d: -f3)" bash -c 'umask 0077; ulimit -n 65536
        exec bus-agent --config /etc/bus-agent/agent.json' </dev/null >>"$work/$1/agent.log" 2>&1 &
    within 10 in_host "$1" bus status --connect-timeout 1 >/dev/null 2>&1
}
restart_agent() {
    if has_systemd; then
        in_host "$1" systemctl restart bus-agent
    else
        stop_agent "$1"
        start_agent "$1"
    fi
}
agent_log() {
    if has_systemd; then
        in_host "$1" journalctl --no-pager -u bus-agent
    else
        cat "$work/$1/agent.log"
    fi
}

# ---- What is expected --------------------------------------------------------------

runs_as_service() {
    in_host "$1" systemctl is-active bus-agent
    in_host "$1" systemctl show bus-agent -p Type -p WatchdogUSec -p LimitNOFILE -p User -p NRestarts \
        >"$work/shown"
    diff - <(sort "$work/shown") <<'SHOWN'
LimitNOFILE=65536
NRestarts=0
Type=notify
User=bus-agent
WatchdogUSec=30s
SHOWN
}
is_sandboxed() {
    local level
    level=$(in_host "$1" systemd-analyze security --offline=true /lib/systemd/system/bus-agent.service |
        sed -nE 's/.*exposure level.*: ([0-9.]+) .*/\1/p')
    echo ": $level" >"$work/figures"
    awk -v level="$level" 'BEGIN { exit !(level != "" && level <= 2.0) }'
}
has_identity() {
    [ "$(in_host "$1" stat -c '%U %a' /etc/bus-agent/identity.key)" = "bus-agent 600" ]
}
listens_nowhere() {
    in_host "$1" ss -H -l -n -t -u >"$work/listening"
    cat "$work/listening"
    [ ! -s "$work/listening" ]
}
fails() { ! "$@"; }
# refused HOST USER SOCKET COMMAND...: in words that name the socket.
refused() {
    fails as "$1" "$2" "${@:4}" --connect-timeout 1 2>"$work/refusal"
    grep "this user may not open /run/bus-agent/$3;" "$work/refusal"
}
send_and_receive() { # on one host
    as "$1" ada bus send greetings "from $1" --receipt safe
    [ "$(as "$1" ada bus receive greetings --count 1 --timeout 10)" = "from $1" ]
}
publish_and_subscribe() {
    as "$1" ada timeout 30 bus subscribe 'plant.**' --count 1 >"$work/$1/heard" &
    local subscriber=$!
    within 10 as "$1" ada bus publish plant.temperature 21.5 --require-destination >/dev/null 2>&1
    wait "$subscriber"
    grep -q 21.5 "$work/$1/heard"
}

# As the manual says: each prints the line that is pasted on the other.
link_hosts() {
    local line
    in_host tokyo bus listen "tcp://${address[tokyo]}:7700"
    line=$(in_host tokyo bus identity --join)
    in_host paris bash -c "$line"
    line=$(in_host paris bus identity --join)
    in_host tokyo bash -c "$line"
    in_host paris bus peer wait tokyo --timeout 20
}
link_is_up() { in_host paris bus status --json | grep -qE '"state": ?"up"'; }
crosses() {
    as paris ada bus send over.the.link "$1" --receipt safe
    [ "$(as tokyo ada bus receive over.the.link --count 1 --timeout 20)" = "$1" ]
}

# What an upgrade must leave as it is.
fingerprint() {
    (cd "$work/$1/root" && stat -c '%n %U %G %a' etc/bus-agent etc/bus-agent/* var/lib/bus-agent/journal.db &&
        sha256sum etc/bus-agent/agent.json etc/bus-agent/identity.key etc/bus-agent/peers.d/*)
}
# A line each 2 ms, until told to end.
feed() {
    local number=0
    until [ -e "$work/enough" ]; do
        number=$((number + 1))
        echo "$number"
        [ $((number % 50)) -ne 0 ] || sleep 0.1
    done
}
upgrade_under_load() {
    local before sender receiver host
    before="$(fingerprint paris)$(fingerprint tokyo)"
    in_host paris bus subscription add 'orders.**' --durable billing
    as paris ada bus publish orders.new first --require-destination
    pipe_into tokyo runuser -u ada -- bus receive load </dev/null >"$work/received" 2>"$work/receiver" &
    receiver=$!
    feed | tee "$work/sent" |
        pipe_into paris runuser -u ada -- bus send load --lines --receipt arrived >"$work/sender" 2>&1 &
    sender=$!
    within 20 has_lines "$work/received" 500
    for host in "${hosts[@]}"; do install "$host" "$work/newer"; done
    within 20 link_is_up
    as paris ada bus publish orders.new second --require-destination
    within 20 has_lines "$work/received" $(($(wc -l <"$work/received") + 500))
    touch "$work/enough"
    wait "$sender" || { cat "$work/sender"; return 1; }
    within 30 has_all_lines
    kill -0 "$receiver" || { cat "$work/receiver"; return 1; }
    in_host tokyo pkill -TERM -u ada -x bus
    wait "$receiver" || true
    echo ": $(wc -l <"$work/sent") messages sent, $(wc -l <"$work/received") received" >"$work/figures"
    [ "$before" = "$(fingerprint paris)$(fingerprint tokyo)" ]
}
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
has_all_lines() { [ "$(sort -u "$work/received" | wc -l)" -eq "$(wc -l <"$work/sent")" ]; }
came_in_order() {
    [ "$(as paris ada bus subscribe 'orders.**' --durable billing --count 2 --timeout 10 | tr '\n' ' ')" = \
        "first second " ]
}

has_version() { in_host "$1" dpkg-query -s bus-agent | grep -x "Version: $2"; }

# As if a newer agent had written it.
set_journal_version() {
    python3 -c 'import sqlite3, sys
journal = sqlite3.connect(sys.argv[1])
before = journal.execute("PRAGMA user_version").fetchone()[0]
journal.execute(f"PRAGMA user_version = {sys.argv[2]}")
print(before)' "$work/paris/root/var/lib/bus-agent/journal.db" "$1"
}
refuses_a_newer_journal() {
    local was
    if has_systemd; then in_host paris systemctl stop bus-agent; else stop_agent paris; fi
    was=$(set_journal_version 99)
    start_agent paris && return 1
    agent_log paris | grep "start the newer bus-agent that wrote it"
    has_systemd && in_host paris systemctl stop bus-agent
    set_journal_version "$was"
    start_agent paris
}

removal_keeps() {
    as paris ada bus send kept "still here" --receipt safe
    has_systemd || stop_agent paris
    in_host paris apt-get remove -y bus-agent bus-tools
    [ -s "$work/paris/root/var/lib/bus-agent/journal.db" ]
    [ -s "$work/paris/root/etc/bus-agent/identity.key" ]
    [ -s "$work/paris/root/etc/bus-agent/agent.json" ]
    is_stopped paris
    install paris "$work/newer"
    [ "$(as paris ada bus receive kept --count 1 --timeout 20)" = "still here" ]
}

# All files, but not what dpkg, apt and the system write of themselves.
files_of() {
    (cd "$work/$1/root" && find . -xdev -mindepth 1 ! -path './var/log/*' ! -path './var/cache/*' \
        ! -path './var/lib/apt/*' ! -path './var/lib/dpkg/*' ! -path './var/lib/systemd/*' \
        ! -path './tmp/*' ! -path './var/tmp/*' ! -path './etc/*-' | sort)
}
purge_leaves_nothing() {
    has_systemd || stop_agent tokyo
    in_host tokyo apt-get purge -y bus-agent bus-tools
    is_stopped tokyo
    diff "$work/before" <(files_of tokyo)
    fails in_host tokyo getent passwd bus-agent
    fails in_host tokyo getent group bus bus-admin bus-agent
    fails in_host tokyo grep -r -l --exclude='*-' bus-agent /etc /var/lib/dpkg/status /var/lib/systemd
    [ ! -e "/proc/${init[tokyo]}/root/run/bus-agent" ]
}

# ---- The story ---------------------------------------------------------------------

packages="${1:-}"
if [ -z "$packages" ]; then
    packages="$work/packages"
    "$here/build-deb.sh" "$packages" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail "the build"; }
    note "built in $SECONDS s"
fi
debs=("$(find "$packages" -name 'bus-agent_*.deb')" "$(find "$packages" -name 'bus-tools_*.deb')")
for deb in "${debs[@]}"; do
    [ -f "$deb" ] || fail "there must be one bus-agent_*.deb and one bus-tools_*.deb in $packages"
done
version=$(dpkg-deb -f "${debs[0]}" Version)
mkdir "$work/these"
cp "${debs[@]}" "$work/these"
repack "$version+newer" "$work/newer" "${debs[@]}"
if [ ! -f "${ROOT:-}" ]; then
    ROOT="${ROOT:-$work/root.tar}"
    make_root "$ROOT" "${debs[@]}"
fi
mkdir "$work/base"
tar -C "$work/base" -xf "$ROOT"
start_hosts
note "two clean systems after $SECONDS s"
files_of tokyo >"$work/before"

for host in "${hosts[@]}"; do
    check "$host: apt installs the two packages" install "$host" "$work/these"
    in_host "$host" useradd ada -G bus
    in_host "$host" useradd olga -G bus-admin
    in_host "$host" useradd eve
done
check "there is an identity that nobody else may read" has_identity paris
if has_systemd; then
    check "the agent is a service with a watchdog and room for 65536 descriptors" runs_as_service paris
    check "the service is sandboxed at 2.0 or better" is_sandboxed paris
fi
check "it listens on no network address" listens_nowhere paris
check "a member of the group bus sends and receives at once" send_and_receive paris
check "and publishes and subscribes" publish_and_subscribe paris
check "who is in neither group does not" refused paris eve bus.sock bus send greetings hello
check "a member of the group bus does not see the status" refused paris ada admin.sock bus status
check "a member of the group bus-admin does" as paris olga bus status
check "and does not send" refused paris olga bus.sock bus send greetings hello
check "the two hosts are joined by the lines that each prints for the other" link_hosts
check "a message goes from one host to the other" crosses "hello tokyo"
check "an upgrade under load loses nothing and keeps configuration and journal" upgrade_under_load
check "the new version runs" has_version tokyo "$version+newer"
check "a durable subscription has what came before and after the upgrade" came_in_order
check "a downgrade works where the journal is the same" install tokyo "$work/these"
check "and messages go on" crosses "hello again"
check "the journal of a newer agent is refused in clear words, and left alone" refuses_a_newer_journal
check "removal keeps the journal, and what waits there comes after a new installation" removal_keeps
check "purge asks nothing and leaves nothing" purge_leaves_nothing
note "$SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
