# SPDX-License-Identifier: GPL-2.0-only
"""The cgroups of one LinuxKernel: one directory of its own, and nothing outside it is touched.

The directory's name holds the process id, so that what a killed run left behind is recognised and
removed by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from .. import cgroups
from .errors import KernelError, Missing
from .syscall import cgroup_id

PREFIX = "cgroup_storage_model"
PATIENCE = 2.0
"""Seconds to wait for work that the kernel does a little later."""


class Cgroup(cgroups.Cgroup):
    """A directory of cgroup v2 and an open descriptor of it."""

    __slots__ = ("fd", "path")

    def __init__(self, name: str, parent: Cgroup | None, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        super().__init__(name, parent, cgroup_id(self.fd), os.fstat(self.fd).st_ino)


class CgroupTree:
    """The directory of this process below a mounted cgroup v2, and what was made in it."""

    def __init__(self, mount: Path) -> None:
        remove_leftovers(mount, remove_tree)
        for number in range(1000):
            path = mount / own_name(number)
            try:
                path.mkdir()
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise Missing(f"no cgroup can be made in {mount}: {error}: run as root") from None
        self._made = 0
        self.root = Cgroup("/", None, path)

    def mkdir(self, name: str, parent: Cgroup) -> Cgroup:
        """A new directory; KernelError says what the kernel said."""
        self._made += 1
        # Names may repeat in the model; here each directory has its own.
        label = re.sub(r"\W", "_", name)[:64] or "cgroup"
        path = parent.path / f"{self._made}-{label}"
        try:
            path.mkdir()
        except OSError as error:
            raise KernelError(error.errno or 0, "mkdir") from None
        return Cgroup(name or f"cgroup{self._made}", parent, path)

    def rmdir(self, cgroup: Cgroup) -> None:
        """Remove the directory; KernelError says what the kernel said.

        A process that has ended may still be counted for a moment (EBUSY): that is waited for.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                cgroup.path.rmdir()
                return
            except OSError as error:
                busy = error.errno == errno.EBUSY and not _children(cgroup.path)
                if not busy or time.monotonic() > deadline:
                    raise KernelError(error.errno or 0, "rmdir") from None
            time.sleep(0.002)

    def remove(self) -> None:
        """Remove everything that was made here."""
        remove_tree(self.root.path)


def own_name(number: int) -> str:
    """The name of a directory of this process, which includes the pid namespace."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except FileNotFoundError:  # a kernel without CONFIG_PID_NS has one namespace
        namespace = 0
    return f"{PREFIX}-{namespace}-{os.getpid()}-{number}"


def remove_leftovers(directory: Path, remove: Callable[[Path], None]) -> None:
    """Remove what runs of this module left in a directory and whose process is gone."""
    for path in directory.glob(own_name(0).rsplit("-", 2)[0] + "-*"):
        pid = path.name.split("-")[-2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            remove(path)


def remove_pins(path: Path) -> None:
    """Remove a directory of bpffs with the pins in it."""
    with contextlib.suppress(OSError):
        for pin in path.iterdir():
            pin.unlink()
        path.rmdir()


def remove_tree(path: Path, patience: float = PATIENCE) -> None:
    """Remove a directory of cgroups from below; what will not go in these seconds is left."""
    deadline = time.monotonic() + patience
    for child in _children(path):
        remove_tree(child, patience)
    while True:
        try:
            path.rmdir()
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                return
        time.sleep(0.005)


def _children(path: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [child for child in path.iterdir() if child.is_dir()]
    return []
