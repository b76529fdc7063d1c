# SPDX-License-Identifier: GPL-2.0-only
"""What a LinuxKernel holds of the machine, how it is taken, and how all of it is given back.

Every resource is noted in ``Held`` as soon as it exists, and given back by release(): at the end of
a ``with`` block, by shutdown(), when the object goes, or when Python ends.
"""

from __future__ import annotations

import errno
import os
import resource
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .. import changes
from ..interface import KernelInterface
from ..releases import Change, Release
from ..state import CAPABILITIES, Object
from . import machine
from .deferred import Sentinel, alive, wait_for_release
from .descriptors import Open, Socket
from .errors import KernelError, Missing, Unsafe
from .guard import Guard
from .outside import Outside
from .processes import Worker
from .syscall import ById, Command, bpf, capabilities, privileged, set_capabilities
from .tree import Cgroup, CgroupTree, remove_leftovers, remove_pins

_SYSCTL = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
_BITS = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}

Hook = tuple[int, int, int]
"""Cgroup id, attach type and program id."""


@dataclass
class Held:
    """What must be given back; only the process that took it does so."""

    tree: CgroupTree
    sentinel: Sentinel = field(default_factory=Sentinel)
    slots: bool = False
    """Whether programs may still be attached to LSM hooks, whose slots others will want."""
    outside: Outside = field(default_factory=Outside)
    pid: int = field(default_factory=os.getpid)
    workers: dict[Cgroup, Worker] = field(default_factory=dict)
    descriptors: list[Open | Socket | Cgroup] = field(default_factory=list)
    pins: Path | None = None
    """The directory of pins, once there is one."""
    restores: list[Callable[[], object]] = field(default_factory=list)
    """What puts settings of the process or the machine back."""

    def release(self) -> None:
        """Give everything back; what fails does not keep the rest."""
        if os.getpid() != self.pid:
            return
        closing: list[Callable[[], object]] = [worker.close for worker in self.workers.values()]
        closing += [self._closer(descriptor) for descriptor in self.descriptors]
        closing += [_closer(fd) for fd in self.outside.fds.values()]
        closing += [self._remove_pins, self._closer(self.tree.root), self._remove_cgroups]
        closing += [self.sentinel.close]
        for give_back in (*reversed(self.restores), *closing):
            with suppress(OSError):
                give_back()

    def _closer(self, descriptor: Open | Socket | Cgroup) -> Callable[[], object]:
        def close() -> None:
            if descriptor.open:
                descriptor.open = False
                os.close(descriptor.fd)

        return close

    def _remove_cgroups(self) -> None:
        """Remove all; their slots are not free before the kernel has freed the root's state."""
        watched = self.slots and self.sentinel.attach(self.tree.root)
        self.tree.remove()
        if watched:
            wait_for_release(self.sentinel, self.tree.root.id, self.tree.root.path.parent)

    def _remove_pins(self) -> None:
        if self.pins is not None:
            remove_pins(self.pins)


def _closer(fd: int) -> Callable[[], object]:
    return lambda: os.close(fd)


class LinuxState(KernelInterface):
    """The running kernel and the caller; see LinuxKernel for the parameters."""

    def __init__(
        self,
        *,
        memlock: int | None = None,
        unprivileged_bpf_disabled: int | None = None,
        allow_unsafe: bool = False,
        release: Release | None = None,
        runs_nothing: bool = False,
    ) -> None:
        lacking = machine.missing()
        if lacking:
            raise Missing(lacking)
        if allow_unsafe and not machine.virtual():
            raise Unsafe("allow_unsafe=True, but this is not a virtual machine")
        self.release = release or machine.running_release()
        """The release of the model that the running kernel corresponds to."""
        self.running = os.uname().release
        """The release that uname(2) reports."""
        self.has: Callable[[Change], bool] = self.release.has
        """Whether the records say that this release contains a change."""
        self.cpus = machine.possible_cpus()
        """Numbers of the possible CPUs, ascending."""
        self.capabilities = CAPABILITIES
        """The caller's capabilities, of those that user() can take away."""
        self.guard = Guard(self.release, lifted=allow_unsafe or runs_nothing)
        self._allow_unsafe = allow_unsafe
        self._warnings = machine.warnings()
        mount = machine.mount_point("cgroup2")
        assert mount is not None, "machine.missing() looked for it"
        self.held = Held(CgroupTree(mount))
        self._shutdown = weakref.finalize(self, self.held.release)
        try:
            self.held.outside.open()
        except OSError:
            self.shutdown()
            raise Missing("the loopback interface is down: ip link set lo up") from None
        self.sentinel = self.held.sentinel
        self.root = self.held.tree.root
        """The cgroup of this object: what the model calls the root."""
        self.cgroup_ids = {self.root.id}
        """The ids of all cgroups that this object ever made."""
        self.slots_settled = False
        """Whether the slots of LSM hooks that lost their last program are surely free."""
        self.slots_until = 0.0
        """Until when such a slot may become free by itself."""
        self.retvals: set[int] = set()
        """The errnos that loaded programs choose with bpf_set_retval()."""
        self.loaded: set[int] = set()
        """The ids of the programs that were loaded, as far as they are known to live."""
        self.made: dict[str, dict[int, Object]] = {"map": {}, "prog": {}, "link": {}}
        """Notes on all objects that were ever created here, by their ids."""
        self._direct: set[Hook] = set()
        """What was attached directly, as far as the guard needs it."""
        self._pinned: dict[str, Open] = {}
        """What is pinned, by the names that were given."""
        self._watched: set[Cgroup] = set()
        """Removed cgroups that the sentinel saw go, and whose BPF state may still be there."""
        rlimit = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        self.held.restores.append(lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, rlimit))
        self._memlock: int | None = None
        self._set_unprivileged(unprivileged_bpf_disabled)
        self.memlock = memlock

    def shutdown(self) -> None:
        """Give back everything: processes, descriptors, pins, cgroups, settings; again: nothing."""
        self._shutdown()

    # -- the caller ---------------------------------------------------------------------------

    @contextmanager
    def user(self, *capabilities_left: str) -> Iterator[None]:
        # Takes the others out of the thread's effective set, CAP_PERFMON with them.
        unknown = set(capabilities_left) - CAPABILITIES
        if unknown:
            raise ValueError(f"unknown {sorted(unknown)}: known are {sorted(CAPABILITIES)}")
        saved, names = capabilities(), self.capabilities
        gone = sum(1 << bit for name, bit in _BITS.items() if name not in capabilities_left)
        set_capabilities(saved[0] & ~gone, *saved[1:])
        self.capabilities = frozenset(capabilities_left)
        try:
            yield
        finally:
            set_capabilities(*saved)
            self.capabilities = names

    @property
    def unprivileged_bpf_disabled(self) -> int:
        """The sysctl kernel.unprivileged_bpf_disabled: 0, 1 or 2."""
        return int(_SYSCTL.read_text())

    def _set_unprivileged(self, wanted: int | None) -> None:
        before = self.unprivileged_bpf_disabled
        if wanted is None or wanted == before or (wanted == 2 and before == 1):
            return
        if not self._allow_unsafe:
            self.shutdown()
            reason = f"kernel.unprivileged_bpf_disabled is {before} and should be {wanted}"
            raise Unsafe(reason, "would change it for everybody")
        try:
            _SYSCTL.write_text(str(wanted))
        except OSError as error:
            if error.errno != errno.EINVAL or wanted != 2:
                raise
            _SYSCTL.write_text("1")  # before 5.13 there is no 2, and a 1 cannot be changed any more
        else:
            self.held.restores.append(lambda: _SYSCTL.write_text(str(before)))

    @property
    def memlock(self) -> int | None:
        """RLIMIT_MEMLOCK in bytes for maps and their storages; None: unlimited.

        Before 5.11, where it counts: the limit of this process.  The model counts no programs, so
        what they take is added to it.
        """
        return self._memlock

    @memlock.setter
    def memlock(self, limit: int | None) -> None:
        self._memlock = limit
        self._limit_memory()

    def _limit_memory(self, *, loading: bool = False) -> None:
        """Set the limit for what comes next; while a program is loaded there is none."""
        if self.has(changes.MEMCG_ACCOUNTING):
            return
        soft = hard = resource.RLIM_INFINITY
        if self._memlock is not None and not loading:
            with privileged():  # only such a caller gets programs by their ids
                soft = self._memlock + self._uncounted()
        if resource.getrlimit(resource.RLIMIT_MEMLOCK) != (soft, hard):
            try:
                resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))
            except ValueError:  # it takes CAP_SYS_RESOURCE to raise the hard limit
                hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
                soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
                resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))

    def _uncounted(self) -> int:
        """Bytes that the programs of this object and the sentinel's map take."""
        self.loaded = {number for number in self.loaded if alive([number])}
        taken = _locked(self.sentinel.map) + _locked(self.sentinel.program)
        for number in self.loaded:
            with suppress(KernelError):
                fd = bpf(Command.BPF_PROG_GET_FD_BY_ID, ById(id=number))
                taken += _locked(fd)
                os.close(fd)
        return taken

    def fail_next(self, allocation: str) -> None:
        raise NotImplementedError(
            f"the running kernel cannot be made to fail the allocation {allocation!r}: "
            "that would take fault injection (CONFIG_FAILSLAB)"
        )

    # -- the kernel itself --------------------------------------------------------------------

    def check_invariants(self) -> None:
        new = machine.warnings() & ~self._warnings
        assert not new, f"the kernel warned: tainted {new}; see dmesg"

    def _pin_directory(self) -> Path:
        """The directory of this object in bpffs; Missing if bpffs is not mounted."""
        if self.held.pins is None:
            mount = machine.mount_point("bpf")
            if mount is None:
                raise Missing("bpffs is not mounted: mount -t bpf bpf /sys/fs/bpf")
            remove_leftovers(mount, remove_pins)
            directory = mount / self.held.tree.root.path.name
            directory.mkdir()
            self.held.pins = directory
        return self.held.pins


def _locked(fd: int) -> int:
    """Bytes of RLIMIT_MEMLOCK that a map or program takes: from its fdinfo."""
    lines = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("memlock:")), 0)
