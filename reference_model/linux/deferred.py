# SPDX-License-Identifier: GPL-2.0-only
"""Work that the kernel does a little later, and how its end is seen.

The model does everything before a call returns.  The kernel leaves five things for later that an
answer may show:

* ``cgroup_bpf_release()`` runs in a work item, after an RCU grace period, once a removed cgroup has
  no more sockets.  Before rmdir a program of our own is attached to a hook that nobody can pass
  just once, CGROUP_SOCK_OPS; it has a storage there, which that very function frees.  When its
  lookup fails the function has begun; it holds cgroup_mutex, and so a query of any cgroup, which
  takes the mutex, returns when it is through.
* The slot of an LSM hook becomes free when the kernel's own program there is freed, see
  ``wait_for_slots``.
* A pin that is removed lets go of its object after a grace period, and a link then detaches in a
  work item: the number of programs on its hook shows it.
* A program array that loses its last descriptor or pin is emptied in a work item.  Until then
  programs that hold the array still jump into its elements, see ``wait_until_empty``.
* Before 5.9 a map stays bound to a program until the program's memory is freed, after a grace
  period (``prog_load`` fails with EBUSY).  The ids of programs disappear at once: while a program
  with the map exists, EBUSY is the answer; otherwise the call is repeated.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..steps import Mention, Return
from ..uapi import (
    BPF_CGROUP_SOCK_OPS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SOCK_OPS,
)
from ..values import STORAGE_KEY, U64
from .assembler import program
from .btf import kernel_functions
from .descriptors import Map, MapFd, object_id
from .errors import KernelError
from .syscall import (
    Attach,
    ById,
    Command,
    Element,
    MapCreate,
    ProgLoad,
    Query,
    RawTracepoint,
    address,
    bpf,
    buffer,
    membarrier,
    on_cpu,
    privileged,
    unlimited_memory,
)
from .tree import PATIENCE, Cgroup

_HOOK = int(BPF_CGROUP_SOCK_OPS)
BPF_LSM_MAC = 27


class Sentinel:
    """A map and a program that show when the BPF state of a removed cgroup is freed."""

    def __init__(self) -> None:
        self.map, self.program = _map_and_program()

    def attach(self, cgroup: Cgroup) -> bool:
        """Watch a cgroup that is to be removed; False if its hook is taken otherwise."""
        return self._ask(Command.BPF_PROG_ATTACH, cgroup, int(BPF_F_ALLOW_MULTI))

    def detach(self, cgroup: Cgroup) -> None:
        """Watch it no more: it was not removed."""
        self._ask(Command.BPF_PROG_DETACH, cgroup)

    def there(self, cgroup_id: int) -> bool:
        """Whether the cgroup still has its storage."""
        key = buffer(cgroup_id.to_bytes(8, "little") + _HOOK.to_bytes(8, "little"))
        value = buffer(size=8)
        attr = Element(map_fd=self.map, key=address(key), value=address(value))
        try:
            bpf(Command.BPF_MAP_LOOKUP_ELEM, attr)
        except KernelError:
            return False
        return True

    def close(self) -> None:
        """Let go of both."""
        os.close(self.program)
        os.close(self.map)

    def _ask(self, command: Command, cgroup: Cgroup, flags: int = 0) -> bool:
        attr = Attach(attach_bpf_fd=self.program, attach_type=_HOOK, attach_flags=flags)
        try:
            attr.target_fd = directory = os.open(cgroup.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            bpf(command, attr)
        except KernelError:
            return False
        finally:
            os.close(directory)
        return True


def _map_and_program(lsm_hook: int = 0) -> tuple[int, int]:
    """A map, and a program that holds it: one that could be linked to an LSM hook, if given."""
    attr = MapCreate(map_type=BPF_MAP_TYPE_CGROUP_STORAGE, key_size=16, value_size=8)
    found = bpf(Command.BPF_MAP_CREATE, attr)
    notes = MapFd(Map(0, "", BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, 0), found)
    code = buffer(program((Mention(notes), Return(0)), maps=lambda _: found))
    licence = buffer(b"GPL")
    load = ProgLoad(
        prog_type=BPF_PROG_TYPE_LSM if lsm_hook else BPF_PROG_TYPE_SOCK_OPS,
        insn_cnt=len(code) // 8,
        insns=address(code),
        license=address(licence),
        expected_attach_type=BPF_LSM_MAC if lsm_hook else 0,
        attach_btf_id=lsm_hook,
    )
    try:
        return found, bpf(Command.BPF_PROG_LOAD, load)
    except BaseException:
        os.close(found)
        raise


def wait_for(done: Callable[[], bool], limit: float = PATIENCE) -> bool:
    """Ask until it is done, pausing a little longer each time; False if it is not in time."""
    deadline, pause = time.monotonic() + limit, 0.0002
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    return True


def wait_for_release(sentinel: Sentinel, cgroup_id: int, above: Path) -> None:
    """Wait until cgroup_bpf_release() of a removed cgroup has finished, as described above.

    It holds the state of all cgroups above, so the root of a tree is the last.
    """
    wait_for(lambda: not sentinel.there(cgroup_id))
    directory = os.open(above, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(KernelError):
        bpf(Command.BPF_PROG_QUERY, Query(target_fd=directory, attach_type=_HOOK))
    os.close(directory)


def wait_for_slots(root: Cgroup) -> None:
    """Wait until the slots of LSM hooks that lost their last program are free.

    The program that the kernel attached to the hook itself is freed in a work item that takes
    cgroup_mutex.  On the way there are other work items and grace periods, since 7.2 also one of
    RCU tasks.  On each CPU a program of our own takes the same way later, and shows when: its map
    goes with it.  Source: ``syscall.c:__bpf_prog_put_noref``, ``core.c:bpf_prog_free_deferred``.
    """
    with privileged():
        _wait_for_work(kernel_functions().get("bpf_lsm_socket_listen", 0))
        bpf(Command.BPF_PROG_QUERY, Query(target_fd=root.fd, attach_type=_HOOK))


def _wait_for_work(lsm_hook: int = 0) -> None:
    """Wait until each CPU has freed a program that is let go now; it may be linked to a hook."""
    gone = []
    for cpu in sorted(os.sched_getaffinity(0)):
        with on_cpu(cpu):
            gone.append(_free_map_and_program(lsm_hook))
    for number in gone:
        wait_for(partial(_map_is_gone, number))
    time.sleep(0.01)


def _free_map_and_program(lsm_hook: int) -> int:
    """Create both, link the program to an LSM hook if one is given, let them go; the map's id."""
    with unlimited_memory():
        found, prog = _map_and_program(lsm_hook)
    if lsm_hook:
        os.close(bpf(Command.BPF_RAW_TRACEPOINT_OPEN, RawTracepoint(prog_fd=prog)))
    number = object_id(found)
    os.close(found)
    os.close(prog)
    return number


def _map_is_gone(number: int) -> bool:
    with suppress(KernelError):
        os.close(bpf(Command.BPF_MAP_GET_FD_BY_ID, ById(id=number)))
        return False
    return True


def wait_until_empty() -> None:
    """Wait until program arrays that lost their last descriptor or pin have no elements.

    The work item is queued when the descriptor is closed, and a program that is freed later passes
    the same queue of each CPU.  Opening the array by its id would show its slots.  But closing
    that descriptor queues the work again, and where it is still queued, the kernel never frees the
    array.  Source: ``arraymap.c:prog_array_map_clear``.
    """
    with privileged():
        _wait_for_work()


def wait_blindly() -> None:
    """Where nothing shows the end of the work: a grace period, and time for the work items."""
    for _ in range(2):
        membarrier()
        time.sleep(0.03)


def alive(program_ids: Iterable[int]) -> bool:
    """Whether any of these programs lives."""
    for number in program_ids:
        with suppress(KernelError):
            os.close(bpf(Command.BPF_PROG_GET_FD_BY_ID, ById(id=number)))
            return True
    return False
