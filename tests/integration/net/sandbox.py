"""A place where a test may build networks: the program begins again in a network, mount and process
namespace of its own. Nothing in it can be seen, or left behind, outside: however the program ends,
its processes end with it, and the namespaces, links and mounts that it made with the last of them.
"""

import os
import shutil
import subprocess
import sys

ENTERED = "BUS_NET_SANDBOX"
TOOLS = ("unshare", "nsenter", "mount", "ip", "tc", "nft")
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
NAMED_NAMESPACES = "/run/netns"
SKIPPED = 77
# What the tests ask of the kernel, in a sandbox that is thrown away.
PROBE = """set -e
test -c /dev/net/tun
ip link add probe type veth peer name other
ip link set probe up
tc qdisc add dev probe root tbf rate 50kbit burst 3000 limit 30000
nft add table ip probe
nft add chain ip probe out '{ type nat hook postrouting priority 100 ; }'
nft add rule ip probe out masquerade
nft add chain ip probe in '{ type filter hook input priority 0 ; }'
nft add rule ip probe in ct state invalid meta l4proto tcp reject with tcp reset
"""


def skip(why):
    print(why)
    sys.exit(SKIPPED)


def why_not():
    """Why no sandbox can be had here; empty if it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)} (packages util-linux, iproute2, nftables)"
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    tried = subprocess.run([*UNSHARE, "sh", "-c", PROBE], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if tried.returncode == 0:
        return ""
    words = " ".join(tried.stdout.split())
    return f"needs a kernel that grants network namespaces, nftables, tbf and tun ({words})"


def enter():
    """Call first of all: returns inside the sandbox, or ends the program with the code of a skip."""
    if os.environ.get(ENTERED):
        return furnish()
    reason = why_not()
    if reason:
        skip(reason)
    os.execvpe(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv], {**os.environ, ENTERED: "1"})


def furnish():
    os.makedirs(NAMED_NAMESPACES, exist_ok=True)
    mount("-t", "tmpfs", "tmpfs", NAMED_NAMESPACES)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def mount(*arguments):
    """Seen by this program and what it starts only."""
    subprocess.run(["mount", *arguments], check=True)
