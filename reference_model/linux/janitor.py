# SPDX-License-Identifier: GPL-2.0-only
"""Removes the cgroups and pins of this process however it ends, also by SIGKILL.

A process that ends in the ordinary way gives everything back by itself, see ``state``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .machine import mount_point
from .tree import PREFIX, remove_pins, remove_tree

PATIENCE = 60.0
"""Seconds to wait for the end of processes in a cgroup; nobody waits for this process meanwhile."""


@contextmanager
def janitor() -> Iterator[None]:
    """Within the block another process waits for the end of this one, and then tidies up.

    Enter it before the first LinuxKernel: the other process holds nothing that is opened later.
    """
    waiting, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        _wait_and_remove(waiting, held, os.getppid())
    os.close(waiting)
    try:
        yield
    finally:
        os.close(held)
        os.waitpid(pid, 0)


def _wait_and_remove(waiting: int, held: int, parent: int) -> None:
    try:
        os.setsid()  # so that Ctrl-C in a terminal does not reach it
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(held)
        os.read(waiting, 1)  # returns at the end of the parent, or of the block
        _remove("cgroup2", parent, partial(remove_tree, patience=PATIENCE))
        _remove("bpf", parent, remove_pins)
    finally:
        os._exit(0)


def _remove(kind: str, pid: int, remove: Callable[[Path], None]) -> None:
    mount = mount_point(kind)
    for path in mount.glob(f"{PREFIX}-*-{pid}-*") if mount is not None else ():
        remove(path)
