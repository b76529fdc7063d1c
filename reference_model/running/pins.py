# SPDX-License-Identifier: GPL-2.0-only
"""Where the storage maps are pinned, read from every bpffs that is mounted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..linux.descriptors import info
from ..linux.errors import KernelError
from ..linux.syscall import Command, Pin, address, bpf, buffer
from ..uapi import BPF_F_RDONLY
from .found import Machine

_MOUNTS = Path("/proc/self/mountinfo")


def mounts(kind: str) -> Iterator[Path]:
    """Where file systems of this kind are mounted."""
    for line in _MOUNTS.read_text().splitlines():
        mine, _, rest = line.partition(" - ")
        if rest.split()[0] == kind:
            where = mine.split()[4]
            yield Path(where.encode().decode("unicode_escape"))


def read_pins(machine: Machine) -> None:
    """Add the paths of pins to the maps."""
    by_id = {found.id: found for found in machine.maps}
    for mount in mounts("bpf"):
        for path in _files(mount):
            name = buffer(os.fsencode(path) + b"\0")
            with suppress(KernelError):  # a program or a link
                fd = bpf(
                    Command.BPF_OBJ_GET, Pin(pathname=address(name), file_flags=int(BPF_F_RDONLY))
                )
                try:
                    if os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:bpf-map":
                        number = int.from_bytes(info(fd, 8)[4:], "little")
                        if number in by_id:
                            by_id[number].pins.append(path)
                finally:
                    os.close(fd)


def _files(mount: Path) -> Iterable[str]:
    for folder, _, names in os.walk(mount):
        yield from (os.path.join(folder, name) for name in names)
