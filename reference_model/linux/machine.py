# SPDX-License-Identifier: GPL-2.0-only
"""What this machine offers: its kernel's release, CPUs, cgroup v2, bpffs, and what is missing.

Reads /proc and /sys; changes nothing.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from ..releases import MAINLINE, Release
from ..uapi import BPF_MAP_TYPE_CGROUP_STORAGE
from .errors import KernelError
from .syscall import Command, MapCreate, bpf

_SIGNATURE = Path("/proc/version_signature")
_PROC = Path("/proc")


def stable_release(release: str, version: str, signature: str = "") -> str:
    """The stable release of a kernel, from uname(2) and from what Ubuntu reports besides.

    Distributions call a kernel by the first release of its branch and say elsewhere what is in it.

    >>> stable_release("6.18.44", "#1 SMP PREEMPT_DYNAMIC")
    '6.18.44'
    >>> stable_release("5.10.0-32-cloud-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)")
    '5.10.223'
    >>> stable_release("5.15.0-91-generic", "#101-Ubuntu", "Ubuntu 5.15.0-91.101-generic 5.15.131")
    '5.15.131'
    """
    debian = re.search(r"Debian (\d+\.\d+(?:\.\d+)?)", version)
    ubuntu = re.search(r" (\d+\.\d+\.\d+)$", signature.strip())
    plain = re.match(r"\d+\.\d+(?:\.\d+)?", release)
    for found in (ubuntu and ubuntu[1], debian and debian[1], plain and plain[0]):
        if found:
            return found
    raise ValueError(f"not a release: {release!r}")


def running_release() -> Release:
    """The release of the kernel that runs, as the model names it; a newer one counts as latest."""
    uname = os.uname()
    if "proposal" in uname.release:
        return Release("proposal")
    signature = _SIGNATURE.read_text() if _SIGNATURE.exists() else ""
    name = stable_release(uname.release, uname.version, signature)
    newest = tuple(map(int, MAINLINE[-1].split(".")))
    if tuple(map(int, name.split(".")[:2])) > newest:
        return Release("latest")
    return Release(name)


def possible_cpus() -> tuple[int, ...]:
    """The numbers of the possible CPUs, ascending: a per-CPU value has a slot for each."""
    return cpu_list(Path("/sys/devices/system/cpu/possible").read_text())


def cpu_list(text: str) -> tuple[int, ...]:
    """The numbers in a list of the kernel.

    >>> cpu_list("0-2,5")
    (0, 1, 2, 5)
    """
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def mount_point(kind: str) -> Path | None:
    """Where a file system of this kind is mounted, writable, or None."""
    for line in (_PROC / "self/mountinfo").read_text().splitlines():
        mine, _, rest = line.partition(" - ")
        fields, source = mine.split(), rest.split()
        if source[0] == kind and "rw" in fields[5].split(","):
            where = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[4])
            return Path(where)
    return None


def virtual() -> bool:
    """Whether the CPU says that it is a virtual machine's."""
    flags = re.search(r"^flags\s*:(.*)$", (_PROC / "cpuinfo").read_text(), re.MULTILINE)
    return flags is not None and "hypervisor" in flags[1].split()


def warnings() -> int:
    """The bits of /proc/sys/kernel/tainted that mark a kernel warning (W) or oops (D)."""
    return int((_PROC / "sys/kernel/tainted").read_text()) & (1 << 9 | 1 << 7)


def missing() -> str | None:
    """What LinuxKernel needs and this machine lacks, with the fix, in a sentence; or None."""
    if sys.platform != "linux":
        return f"this is {sys.platform}: run on Linux"
    if platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
        return f"only x86-64 is supported, this is {platform.machine()}: use the guests"
    attr = MapCreate(map_type=BPF_MAP_TYPE_CGROUP_STORAGE, key_size=16, value_size=8)
    try:
        os.close(bpf(Command.BPF_MAP_CREATE, attr))
    except KernelError as error:
        return {
            "EPERM": "bpf(2) is not allowed to this user: run as root, outside of a container",
            "ENOSYS": "this kernel has no bpf(2): it needs CONFIG_BPF_SYSCALL=y",
            "EINVAL": "this kernel has no maps of cgroup storages: it needs CONFIG_CGROUP_BPF=y",
        }.get(error.name, f"bpf(2) does not make a map: {error}")
    cgroups = mount_point("cgroup2")
    if cgroups is None:
        return (
            "cgroup v2 is not mounted writable: "
            "mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
        )
    if not os.access(cgroups / "cgroup.procs", os.W_OK):
        return f"processes cannot be moved below {cgroups}: run as root, outside of a container"
    return None
