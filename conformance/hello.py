# SPDX-License-Identifier: GPL-2.0-only
"""The guest's self-check: is everything there that a payload is promised?

Runs inside a guest, with the guest's Python alone.  Prints one ``name: value`` line for each
promise and ends with status 1 if any is broken.  One bpf(2) call creates a
BPF_MAP_TYPE_CGROUP_STORAGE map through ctypes: 16-byte key, 8-byte value, max_entries 0.
"""

import ctypes
import os
import platform
import resource
import socket
import struct
import sys
from pathlib import Path

SYS_BPF = 321
BPF_MAP_CREATE = 0
BPF_MAP_TYPE_CGROUP_STORAGE = 19


def map_create() -> str:
    """Create a map and close it; return "ok" or the errno's name and text."""
    attr = struct.pack("=IIIII", BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0).ljust(128, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF, BPF_MAP_CREATE, attr, len(attr))
    if fd < 0:
        return f"failed: {os.strerror(ctypes.get_errno())}"
    os.close(fd)
    return "ok"


def mounted(kind: str, where: str) -> str:
    """Return "ok" if a file system of this kind is mounted there."""
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
    return "ok" if [where, kind] in mounts else "failed: not mounted"


def loopback() -> str:
    """Send a datagram to 127.0.0.1 and receive it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        try:
            sender.sendto(b"hello", receiver.getsockname())
            return "ok" if receiver.recv(16) == b"hello" else "failed: other data"
        except OSError as error:
            return f"failed: {error}"


def memlock() -> str:
    """Return "ok" if locked memory is not limited."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    return "ok" if resource.getrlimit(resource.RLIMIT_MEMLOCK) == unlimited else "failed: limited"


def main() -> int:
    """Print the report; return 0 if nothing failed."""
    report = {
        "release": os.uname().release,
        "version": os.uname().version,
        "python": platform.python_version(),
        "processors": str(os.cpu_count()),
        "cgroup2": mounted("cgroup2", "/sys/fs/cgroup"),
        "bpffs": mounted("bpf", "/sys/fs/bpf"),
        "memlock": memlock(),
        "loopback": loopback(),
        "map_create": map_create(),
    }
    for name, value in report.items():
        print(f"{name}: {value}")
    return any(value.startswith("failed") for value in report.values())


if __name__ == "__main__":
    sys.exit(main())
