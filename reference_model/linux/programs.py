# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_LOAD and BPF_PROG_BIND_MAP on the running kernel.

Each method has the parameters, answers and errors of the interface.  A body is assembled; the
verifier's log becomes a note of the error.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from .. import changes
from ..maps import MapFd as AnyMapFd
from ..programs import ProgFd as AnyProgFd
from ..steps import CgroupOf, SetRetval, Step
from ..storages import BPF_CGROUP_STORAGE_PERCPU, BPF_CGROUP_STORAGE_SHARED
from ..uapi import (
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_LSM,
    ProgType,
)
from .assembler import program as assembled
from .btf import kernel_functions
from .deferred import alive, wait_for
from .descriptors import Map, MapFd, Maps, ProgFd, object_id, program_of, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import BindMap, Command, ProgLoad, address, bpf, buffer

_LOG = 1 << 18
"""Bytes for the verifier's log."""
_CONTEXTS = {
    BPF_PROG_TYPE_CGROUP_SKB: "sk_buff.sk",
    BPF_PROG_TYPE_CGROUP_SOCK: "sock",
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR: "bpf_sock_addr_kern.sk",
    BPF_PROG_TYPE_CGROUP_SOCKOPT: "bpf_sockopt_kern.sk",
}
"""What bpf_cast_to_kern_ctx() returns in programs of a type, and its member with the socket."""
_ATTEMPTS = 5
"""Loading fails with EAGAIN when a signal comes; libbpf tries as often."""


class ProgCommands(LinuxPart):
    """Programs."""

    def prog_load(
        self,
        prog_type: ProgType,
        body: Step | Iterable[Step] = (),
        *,
        expected_attach_type: int = 0,
        helper_flags: int = 0,
        prog_name: str = "",
        lsm_hook: str = "",
        prog_flags: int = 0,
    ) -> ProgFd:
        steps = (body,) if isinstance(body, Step) else tuple(body)
        cookies, mentioned = _maps_of(steps)
        notes = program_of(0, prog_name, prog_type, expected_attach_type, lsm_hook, cookies)
        if prog_type is BPF_PROG_TYPE_CGROUP_SOCK and not expected_attach_type:
            notes.expected_attach_type = int(BPF_CGROUP_INET_SOCK_CREATE)
        arrays = [found.object for found in mentioned if found.object.is_array]
        for array in arrays:
            self.guard.tail_calls(array, caller=notes)
        context = _CONTEXTS.get(prog_type, "")
        if not context and any(getattr(step, "cgroup", "") == CgroupOf.SOCKET for step in steps):
            raise ValueError(f"programs of type {prog_type} have no socket at hand")
        code = buffer(assembled(steps, maps=_signed, helper_flags=helper_flags, context=context))
        licence = buffer(b"GPL\0")
        attr = ProgLoad(
            prog_type=prog_type,
            insn_cnt=len(code) // 8,
            insns=address(code),
            license=address(licence),
            prog_flags=prog_flags,
            prog_name=prog_name.encode()[:16],
            expected_attach_type=expected_attach_type,
        )
        if prog_type is BPF_PROG_TYPE_LSM and lsm_hook:
            attr.attach_btf_id = kernel_functions().get(f"bpf_lsm_{lsm_hook}", 0)
        self._limit_memory(loading=True)
        try:
            fd = self._load(attr, [found.object for found in mentioned])
        finally:
            self._limit_memory()
        notes.id = object_id(fd)
        self.made["prog"][notes.id] = notes
        self.loaded.add(notes.id)
        self.retvals |= {step.number for step in steps if isinstance(step, SetRetval)}
        for found in mentioned:
            found.object.programs.add(notes.id)
        for array in arrays:
            array.owner = array.owner or notes
            array.callers.append(notes)
        made = ProgFd(notes, fd)
        self.held.descriptors.append(made)
        return made

    def _load(self, attr: Any, mentioned: list[Map]) -> int:
        """Load without a log, which is quicker; on failure once more with one."""
        try:
            return _attempt(attr)
        except KernelError as error:
            busy = error.errno == errno.EBUSY and not self.has(changes.SHARED_STORAGE)
        kinds = [found.storage_kind for found in set(mentioned) if found.storage_kind is not None]
        loaded: list[int] = []

        def settled() -> bool:
            if alive({number for found in mentioned for number in found.programs}):
                return True
            with suppress(KernelError):
                loaded.append(_attempt(attr))
            return bool(loaded)

        if busy and len(kinds) == len(set(kinds)):
            wait_for(settled)
        if loaded:
            return loaded[0]
        log = buffer(size=_LOG)
        attr.log_level, attr.log_size, attr.log_buf = 1, _LOG, address(log)
        try:
            return _attempt(attr)
        except KernelError as error:
            if log.value:
                error.add_note(log.value.decode(errors="replace").rstrip())
            raise

    def prog_bind_map(self, prog: AnyProgFd, map: AnyMapFd) -> None:
        bpf(Command.BPF_PROG_BIND_MAP, BindMap(prog_fd=word(prog), map_fd=word(map)))


def _attempt(attr: Any) -> int:
    for _ in range(_ATTEMPTS - 1):
        try:
            return bpf(Command.BPF_PROG_LOAD, attr)
        except KernelError as error:
            if error.errno != errno.EAGAIN:
                raise
    return bpf(Command.BPF_PROG_LOAD, attr)


def _signed(map: AnyMapFd) -> int:
    """The number of a map's descriptor, as an instruction holds it: -1 if it is closed."""
    number = word(map)
    return number - (1 << 32) if number >> 31 else number


def _maps_of(steps: tuple[Step, ...]) -> tuple[Maps, list[MapFd]]:
    """The ids of the storage maps that the steps use, and the descriptors that they mention."""
    cookies = {BPF_CGROUP_STORAGE_SHARED: 0, BPF_CGROUP_STORAGE_PERCPU: 0}
    mentioned: list[MapFd] = []
    for descriptor in (d for step in steps for d in step.mentions()):
        if isinstance(descriptor, MapFd):
            mentioned.append(descriptor)
            kind = descriptor.object.storage_kind
            if kind is not None:
                cookies[kind] = descriptor.id
    return (cookies[BPF_CGROUP_STORAGE_SHARED], cookies[BPF_CGROUP_STORAGE_PERCPU]), mentioned
