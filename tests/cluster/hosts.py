"""Hosts on this machine that are real to Ray: own network address, process table, name, home, /tmp, /dev/shm and sshd.

Each hangs on one process, so the kernel cleans up: when that process ends, or the one that made it does, however it
ends, the host's processes, mounts and network cable are gone. This machine's own network and mounts are never touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "10.213.7"  # exists inside the hosts only, so it meets nobody else's
PATH = f"{sys.prefix}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
TOOLS = ("bash", "ip", "mount", "nsenter", "rsync", "setpriv", "ssh", "ssh-keygen", "sshd", "unshare")
NAMESPACES = ("--net", "--mount", "--uts", "--pid")

BOOT = r"""
set -e
hostname "$NAME"
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
for path in "$@"; do
    case $path in /tmp/*) mkdir -p "/mnt/${path#/tmp/}"; mount --rbind "$path" "/mnt/${path#/tmp/}";; esac
done
mount --move /mnt /tmp
sed "s|^root:.*|root:x:0:0:root:$HOME:/bin/bash|" /etc/passwd > "$HOME/passwd"
mount --bind "$HOME/passwd" /etc/passwd
ip link set lo up
touch "$HOME/booted"
until ip link set eth0 up 2> /dev/null; do sleep 0.05; done
ip address add "$ADDRESS/24" dev eth0
ip route add default via "$GATEWAY"
mkdir -p /run/sshd
while :; do $(command -v sshd) -D -e -f "$HOME/sshd_config" 2>> "$HOME/sshd.log" || sleep 1; done
"""

SSHD = """
HostKey {home}/.ssh/id_ed25519
AuthorizedKeysFile {home}/.ssh/id_ed25519.pub
ListenAddress {address}
PermitRootLogin prohibit-password
StrictModes no
Subsystem sftp internal-sftp
PidFile none
"""


@dataclass(frozen=True)
class Host:
    """A machine, as far as its processes can tell.

    Attributes:
        guard: the process that the host ends with; its only child is the host's process 1.
    """

    name: str
    address: str
    home: Path
    guard: subprocess.Popen[bytes]

    @property
    def first(self) -> int:
        """The host's process 1, as numbered outside."""
        return int(Path(f"/proc/{self.guard.pid}/task/{self.guard.pid}/children").read_text())

    @property
    def key(self) -> Path:
        """The key that lets one host into another."""
        return self.home / ".ssh" / "id_ed25519"

    def command(self, *words: str, **environment: str) -> list[str]:
        """The command that runs these words on this host as root, in the project's folder."""
        known = {"HOME": str(self.home), "PATH": PATH, "LANG": "C.UTF-8", **environment}
        variables = [f"{name}={value}" for name, value in known.items()]
        return ["nsenter", f"--target={self.first}", *NAMESPACES, f"--wd={ROOT}", "env", "-i", *variables, *words]

    def run(self, *words: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on this host and wait for it."""
        command = self.command(*words, **environment)
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def ip(self, *words: str) -> None:
        """Change this host's network."""
        subprocess.run(["nsenter", f"--target={self.first}", "--net", "ip", *words], check=True)

    def unplug(self) -> None:
        """End the host as a power cut does: nobody hears a word from it any more, not even that it ended."""
        self.ip("link", "set", "eth0", "down")
        self.end()

    def end(self) -> None:
        """End all that runs on the host."""
        if self.guard.poll() is not None:
            return
        children = Path(f"/proc/{self.guard.pid}/task/{self.guard.pid}/children").read_text().split()
        self.guard.kill()
        self.guard.wait()
        wait_until(lambda: not any(Path("/proc", child).exists() for child in children), f"{self.name} to end", 20)


def missing() -> str | None:
    """Why hosts can't be made here, or None."""
    if os.geteuid() != 0:
        return "making hosts needs root"
    absent = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
    if absent:
        return f"making hosts needs {', '.join(absent)} (in Debian's iproute2, openssh-server, openssh-client, rsync)"
    tried = subprocess.run(["unshare", *NAMESPACES, "--fork", "true"], capture_output=True, text=True, check=False)
    return f"no namespaces can be made here: {tried.stderr.strip()}" if tried.returncode else None


@contextmanager
def hosts(folder: Path, names: Sequence[str]) -> Iterator[list[Host]]:
    """Hosts with these names on one network, while the block runs.

    They see this machine's files, except for /tmp, /run and /dev/shm; `folder` holds their homes and is seen by all.
    """
    with ExitStack() as stack:
        made = []
        for number, name in enumerate(names, 1):
            made.append(_boot(folder, name, f"{NETWORK}.{number}"))
            stack.callback(made[-1].end)
        for host in made:
            wait_until((host.home / "booted").exists, f"{host.name} to boot: see {host.home / 'boot.log'}", 20)
        _plug(made)
        yield made


def _boot(folder: Path, name: str, address: str) -> Host:
    home = folder / name
    (home / ".ssh").mkdir(parents=True)
    (home / ".bashrc").touch()
    (folder / "cache").mkdir(exist_ok=True)
    (home / ".cache").symlink_to(
        folder / "cache"
    )  # as where homes are shared: what one host compiled, none compiles again
    for file in ("id_ed25519", "id_ed25519.pub"):
        shutil.copy(_key(folder).with_name(file), home / ".ssh" / file)
    (home / "sshd_config").write_text(SSHD.format(home=home, address=address))
    guarded = ["setpriv", "--pdeathsig=KILL", "unshare", *NAMESPACES, "--mount-proc", "--fork", "--kill-child"]
    seen = [str(folder), str(ROOT), sys.prefix, sys.base_prefix]
    known = {"NAME": name, "ADDRESS": address, "GATEWAY": f"{NETWORK}.1", "HOME": str(home), "PATH": PATH}
    with (home / "boot.log").open("wb") as log:
        command = [*guarded, "bash", "-c", BOOT, name, *seen]
        guard = subprocess.Popen(command, env=known, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return Host(name, address, home, guard)


def _key(folder: Path) -> Path:
    """One key for all hosts, made once."""
    key = folder / "id_ed25519"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def _plug(made: Sequence[Host]) -> None:
    """Cable every host to the first one, whose own eth0 is the switch."""
    switch = made[0]
    switch.ip("link", "add", "eth0", "type", "bridge")
    for host in made[1:]:
        end = ["peer", "name", "eth0", "netns", str(host.first)]
        switch.ip("link", "add", host.name, "type", "veth", *end)
        switch.ip("link", "set", host.name, "master", "eth0", "up")


def wait_until(met: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until `met()`.

    Raises:
        TimeoutError: it took longer than that.
    """
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)
