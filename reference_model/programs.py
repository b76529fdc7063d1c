# SPDX-License-Identifier: GPL-2.0-only
"""Programs: which types may use a cgroup storage, what the loader and the verifier check.

Modelled: ``kernel/bpf/syscall.c:bpf_prog_load``, ``bpf_prog_load_check_attach``,
``bpf_prog_attach_check_attach_type``; ``kernel/bpf/verifier.c`` as far as it looks at the maps;
``kernel/bpf/local_storage.c:bpf_cgroup_storage_assign``.  Left out: the verifier proper, EXT
programs, and the maps that stayed busy forever (before 5.5, with patched instructions).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from . import changes, errors, lsm
from .cgrp_storage import CgrpStorageMap, CgrpUse
from .maps import Map, MapFd, StorageMap
from .parts import KernelPart
from .prog_arrays import ProgArray
from .releases import Change
from .state import Descriptor, Object, changing, valid_name
from .steps import (
    Access,
    BitVerdict,
    Call,
    CgroupOf,
    CgrpStep,
    Guard,
    Location,
    Return,
    Run,
    SetRetval,
    Step,
    TailCall,
    Verdict,
)
from .uapi import (
    BPF_CGROUP_DEVICE,
    BPF_CGROUP_GETSOCKOPT,
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET4_GETPEERNAME,
    BPF_CGROUP_INET4_GETSOCKNAME,
    BPF_CGROUP_INET4_POST_BIND,
    BPF_CGROUP_INET6_BIND,
    BPF_CGROUP_INET6_CONNECT,
    BPF_CGROUP_INET6_GETPEERNAME,
    BPF_CGROUP_INET6_GETSOCKNAME,
    BPF_CGROUP_INET6_POST_BIND,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SETSOCKOPT,
    BPF_CGROUP_SOCK_OPS,
    BPF_CGROUP_SYSCTL,
    BPF_CGROUP_UDP4_RECVMSG,
    BPF_CGROUP_UDP4_SENDMSG,
    BPF_CGROUP_UDP6_RECVMSG,
    BPF_CGROUP_UDP6_SENDMSG,
    BPF_CGROUP_UNIX_CONNECT,
    BPF_CGROUP_UNIX_GETPEERNAME,
    BPF_CGROUP_UNIX_GETSOCKNAME,
    BPF_CGROUP_UNIX_RECVMSG,
    BPF_CGROUP_UNIX_SENDMSG,
    BPF_F_RDONLY_PROG,
    BPF_F_SLEEPABLE,
    BPF_F_WRONLY_PROG,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SK_MSG,
    BPF_PROG_TYPE_SK_SKB,
    BPF_PROG_TYPE_SOCK_OPS,
    BPF_PROG_TYPE_SOCKET_FILTER,
    BPF_PROG_TYPE_XDP,
    AttachType,
    ProgType,
)
from .values import Field

_ADDRESS = BPF_PROG_TYPE_CGROUP_SOCK_ADDR
_SLEEPABLE = int(BPF_F_SLEEPABLE)
_RDONLY_PROG, _WRONLY_PROG = int(BPF_F_RDONLY_PROG), int(BPF_F_WRONLY_PROG)

ATTACH_TYPES: dict[AttachType, tuple[ProgType, Change | None]] = {
    BPF_CGROUP_INET_INGRESS: (BPF_PROG_TYPE_CGROUP_SKB, None),
    BPF_CGROUP_INET_EGRESS: (BPF_PROG_TYPE_CGROUP_SKB, None),
    BPF_CGROUP_INET_SOCK_CREATE: (BPF_PROG_TYPE_CGROUP_SOCK, None),
    BPF_CGROUP_SOCK_OPS: (BPF_PROG_TYPE_SOCK_OPS, None),
    BPF_CGROUP_DEVICE: (BPF_PROG_TYPE_CGROUP_DEVICE, None),
    BPF_CGROUP_INET4_BIND: (_ADDRESS, None),
    BPF_CGROUP_INET6_BIND: (_ADDRESS, None),
    BPF_CGROUP_INET4_CONNECT: (_ADDRESS, None),
    BPF_CGROUP_INET6_CONNECT: (_ADDRESS, None),
    BPF_CGROUP_INET4_POST_BIND: (BPF_PROG_TYPE_CGROUP_SOCK, None),
    BPF_CGROUP_INET6_POST_BIND: (BPF_PROG_TYPE_CGROUP_SOCK, None),
    BPF_CGROUP_UDP4_SENDMSG: (_ADDRESS, None),
    BPF_CGROUP_UDP6_SENDMSG: (_ADDRESS, None),
    BPF_CGROUP_SYSCTL: (BPF_PROG_TYPE_CGROUP_SYSCTL, changes.SYSCTL_PROGRAMS),
    BPF_CGROUP_UDP4_RECVMSG: (_ADDRESS, changes.RECVMSG_HOOKS),
    BPF_CGROUP_UDP6_RECVMSG: (_ADDRESS, changes.RECVMSG_HOOKS),
    BPF_CGROUP_GETSOCKOPT: (BPF_PROG_TYPE_CGROUP_SOCKOPT, changes.SOCKOPT_PROGRAMS),
    BPF_CGROUP_SETSOCKOPT: (BPF_PROG_TYPE_CGROUP_SOCKOPT, changes.SOCKOPT_PROGRAMS),
    BPF_CGROUP_INET4_GETPEERNAME: (_ADDRESS, changes.PEERNAME_HOOKS),
    BPF_CGROUP_INET6_GETPEERNAME: (_ADDRESS, changes.PEERNAME_HOOKS),
    BPF_CGROUP_INET4_GETSOCKNAME: (_ADDRESS, changes.PEERNAME_HOOKS),
    BPF_CGROUP_INET6_GETSOCKNAME: (_ADDRESS, changes.PEERNAME_HOOKS),
    BPF_CGROUP_INET_SOCK_RELEASE: (BPF_PROG_TYPE_CGROUP_SOCK, changes.SOCK_RELEASE_HOOK),
    BPF_LSM_CGROUP: (BPF_PROG_TYPE_LSM, changes.LSM_CGROUP),
    BPF_CGROUP_UNIX_CONNECT: (_ADDRESS, changes.UNIX_HOOKS),
    BPF_CGROUP_UNIX_SENDMSG: (_ADDRESS, changes.UNIX_HOOKS),
    BPF_CGROUP_UNIX_RECVMSG: (_ADDRESS, changes.UNIX_HOOKS),
    BPF_CGROUP_UNIX_GETPEERNAME: (_ADDRESS, changes.UNIX_HOOKS),
    BPF_CGROUP_UNIX_GETSOCKNAME: (_ADDRESS, changes.UNIX_HOOKS),
}
"""The program type of each attach type, and the change that brought it after 4.19."""

_DECLARES = frozenset(
    {_ADDRESS, BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_PROG_TYPE_LSM}
)
"""The types whose programs attach only to the attach type that they declared."""

_ONLY_ALLOW = frozenset(
    {
        *(BPF_CGROUP_UDP4_RECVMSG, BPF_CGROUP_UDP6_RECVMSG, BPF_CGROUP_UNIX_RECVMSG),
        *(BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME, BPF_CGROUP_UNIX_GETPEERNAME),
        *(BPF_CGROUP_INET4_GETSOCKNAME, BPF_CGROUP_INET6_GETSOCKNAME, BPF_CGROUP_UNIX_GETSOCKNAME),
    }
)
"""Attach types whose programs cannot deny anything: they must return 1."""

_NO_RETVAL = _ONLY_ALLOW | {BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS, BPF_CGROUP_SOCK_OPS}
"""Attach types whose programs cannot call bpf_set_retval().  INET_INGRESS is 0, so these are also
the programs that declare no attach type."""

_SINCE = {
    BPF_PROG_TYPE_CGROUP_SYSCTL: changes.SYSCTL_PROGRAMS,
    BPF_PROG_TYPE_CGROUP_SOCKOPT: changes.SOCKOPT_PROGRAMS,
    BPF_PROG_TYPE_LSM: changes.LSM_CGROUP,
}

_BY_NUMBER: dict[int, AttachType] = {int(known): known for known in ATTACH_TYPES}
_OTHER_FLAGS = 0xEF
"""``prog_flags`` that some kernels accept: for tests of the verifier and for XDP."""
_TRACING_ATTACH_TYPES = range(59, 62)
"""Attach types that only tracing programs can declare: ``is_tracing_multi()`` of 7.2.13."""
_STORAGE_TYPES = frozenset(prog_type for prog_type, _ in ATTACH_TYPES.values())
_SOCKMAP_TYPES = frozenset({BPF_PROG_TYPE_SK_MSG, BPF_PROG_TYPE_SK_SKB})
_FEW_HELPERS = frozenset(
    {BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SOCKOPT}
)
_KFUNCS_SINCE = dict.fromkeys(
    (_STORAGE_TYPES | {BPF_PROG_TYPE_XDP}) - {BPF_PROG_TYPE_LSM}, changes.CGROUP_KFUNCS
) | {BPF_PROG_TYPE_SOCK_OPS: changes.SOCK_OPS_KFUNCS}
"""The change since which programs of a type can call kernel functions for cgroups.

XDP programs could before, too; on which releases was not looked up.
"""
_WITH_SOCKET = {
    *(BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK, _ADDRESS),
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
}
"""The types for whose programs the model has a socket."""
_NET_ADMIN = (_STORAGE_TYPES | _SOCKMAP_TYPES | {BPF_PROG_TYPE_XDP}) - {
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_LSM,
}
_UNPRIVILEGED = frozenset({BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_CGROUP_SKB})


@changing()
class ProgFd(Descriptor):
    """A descriptor of a program."""

    object: Program


@changing("maps")
class Program(Object):
    """A loaded program: what it is, which maps it holds, and its body ready to run."""

    __slots__ = (
        "arrays",
        "body",
        "egress_only",
        "expected_attach_type",
        "lsm_hook",
        "maps",
        "names_cgroups",
        "runs",
        "sleepable",
        "storage_maps",
        "type",
    )

    kind: ClassVar[str] = "prog"

    def __init__(
        self,
        name: str,
        prog_type: ProgType,
        expected_attach_type: int,
        body: tuple[Step, ...],
        lsm_hook: str,
        sleepable: bool = False,
    ) -> None:
        super().__init__(0, name)
        self.type = prog_type
        self.expected_attach_type = expected_attach_type
        self.body = body
        self.lsm_hook = lsm_hook
        self.sleepable = sleepable
        self.maps: list[Map] = []
        """The maps that it holds, each once."""
        self.storage_maps: list[StorageMap | None] = [None, None]
        """The shared and the per-CPU storage map, or None."""
        self.arrays = any(isinstance(step, TailCall) for step in body)
        """Whether it makes tail calls."""
        self.names_cgroups = any(isinstance(step, CgrpStep) for step in body)
        """Whether it calls a helper of CGRP_STORAGE."""
        self.egress_only = False
        """``enforce_expected_attach_type``: it returns 2 or 3 and nothing else."""
        self.runs: list[tuple[tuple[Location, ...], Run | CgrpUse | tuple[ProgArray, int]]] = []
        """The steps at work, with the locations that they touch; tail calls as array and slot."""

    def __getstate__(self) -> dict[str, Any]:
        """All but the steps at work, which are functions."""
        names = (name for base in type(self).__mro__ for name in getattr(base, "__slots__", ()))
        state = {name: getattr(self, name) for name in names}
        state["runs"] = [(places, None if callable(run) else run) for places, run in self.runs]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the steps ready to run again."""
        for name, value in state.items():
            setattr(self, name, value)
        self.runs = [
            (places, step.compile(*places) if run is None else run)
            for step, (places, run) in zip(self.body, state["runs"], strict=True)
        ]

    def hold(self, found: Map) -> None:
        """Keep a map alive."""
        if found not in self.maps:
            self.maps.append(found)
            found.refs += 1


class ProgCommands(KernelPart):
    """BPF_PROG_LOAD and BPF_PROG_BIND_MAP."""

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
        if prog_flags & _OTHER_FLAGS:
            raise ValueError(
                f"prog_flags: of {prog_flags:#x} the model has only BPF_F_SLEEPABLE; leave out the "
                "rest"
            )
        late = self.has(changes.CREATE_CHECKS_ATTRIBUTES_FIRST)
        # checks
        if not late:
            self._check_unprivileged()
        if prog_flags & ~_SLEEPABLE:
            raise errors.ProgFlags(hex(prog_flags))
        if late:
            self._check_unprivileged()
        if not self._bpf_capable() and prog_type not in _UNPRIVILEGED:
            raise errors.NotPermitted("CAP_BPF")
        enough = self._net_admin() or "CAP_SYS_ADMIN" in self.capabilities
        if prog_type in _NET_ADMIN and self.has(changes.CAP_BPF) and not enough:
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if prog_type is BPF_PROG_TYPE_LSM and self.has(changes.CAP_BPF) and not self._perfmon():
            raise errors.NotPermitted("CAP_PERFMON")
        expected = self._check_expected(prog_type, expected_attach_type, lsm_hook)
        if not valid_name(prog_name, self.has):
            raise errors.ProgName(prog_name)
        if prog_flags and not self.has(changes.MAPS_BEFORE_TARGET):
            self._check_sleepable(prog_type, lsm_hook)
        program = Program(prog_name, prog_type, expected, steps, lsm_hook, bool(prog_flags))
        mentioned = self._bind(program)
        if prog_flags:
            self._check_sleepable(prog_type, lsm_hook)
        for step in steps:
            self._verify(program, step, helper_flags)
        arrays = [found for found in mentioned if isinstance(found, ProgArray)]
        for array in arrays:
            array.check_compatible(self, program)
        # act
        program.id = self._new_id("prog")
        self.objects["prog"][program.id] = program
        program.refs = 1
        for found in mentioned:
            program.hold(found)
        for storage_map in program.storage_maps:
            if storage_map is not None:
                storage_map.owner = program
        for array in arrays:
            array.take_owner(program)
        # answer
        return ProgFd(program)

    def prog_bind_map(self, prog: ProgFd, map: MapFd) -> None:
        self._check_command()
        if not self.has(changes.BIND_MAP):
            raise errors.UnknownCommand
        self._program(prog).hold(self._map(map))

    # -- checks, in the order of their calls --------------------------------------------------

    def _check_expected(self, prog_type: ProgType, expected: int, lsm_hook: str) -> int:
        """``bpf_prog_load_check_attach()``; the expected attach type, with its default."""
        since = _SINCE.get(prog_type)
        if not isinstance(prog_type, ProgType):
            raise errors.UnknownProgramType(prog_type)
        if since is not None and not self.has(since):
            raise errors.UnknownProgramType(prog_type)
        if prog_type is BPF_PROG_TYPE_CGROUP_SOCK and expected == 0:
            return int(BPF_CGROUP_INET_SOCK_CREATE)
        skb = prog_type is BPF_PROG_TYPE_CGROUP_SKB and self.has(changes.SKB_EXPECTED_ATTACH_TYPE)
        if prog_type in _DECLARES or skb:
            known = self._attach_type(expected)
            if known is None or ATTACH_TYPES[known][0] is not prog_type:
                raise errors.ExpectedAttachType(known or expected)
        elif expected in _TRACING_ATTACH_TYPES:
            raise ValueError(
                f"expected_attach_type: {expected} belongs to tracing programs, which are not "
                "modelled; pass an attach type of cgroups, or 0"
            )
        if prog_type is BPF_PROG_TYPE_LSM and not lsm.exists(lsm_hook, self.release):
            raise errors.ExpectedAttachType(f"no LSM hook {lsm_hook!r}")
        return expected

    def _check_sleepable(self, prog_type: ProgType, lsm_hook: str) -> None:
        """``can_be_sleepable()`` and ``bpf_lsm_is_sleepable_hook()``."""
        if prog_type is not BPF_PROG_TYPE_LSM:
            raise errors.SleepableProgram(prog_type)
        if self.has(changes.NO_SLEEPABLE_LSM):
            raise errors.SleepableProgram(BPF_LSM_CGROUP)
        if not lsm.sleepable(lsm_hook, self.release):
            raise errors.SleepableProgram(f"LSM hook {lsm_hook!r}")

    def _check_sleepable_map(self, found: Map) -> None:
        """The last test of ``check_map_prog_compatibility()``: some map types only."""
        allowed = not isinstance(found, StorageMap | ProgArray)
        if isinstance(found, ProgArray):
            allowed = self.has(changes.SLEEPABLE_TAIL_CALLS)
        if not allowed:
            raise errors.SleepableProgram(found.type)

    def _attach_type(self, number: int) -> AttachType | None:
        found = _BY_NUMBER.get(number)
        if found is None:
            return None
        since = ATTACH_TYPES[found][1]
        return found if since is None or self.has(since) else None

    def _check_attach_type(self, program: Program, attach_type: AttachType | None) -> None:
        if program.type in _DECLARES:
            if program.expected_attach_type != attach_type:
                raise errors.WrongAttachType(attach_type)
        elif program.type is BPF_PROG_TYPE_CGROUP_SKB:
            if self.has(changes.CAP_BPF) and not self._net_admin():
                raise errors.NotPermitted("CAP_NET_ADMIN")
            if program.egress_only and program.expected_attach_type != attach_type:
                raise errors.WrongAttachType(attach_type)

    def _bind(self, program: Program) -> list[Map]:
        """The maps mentioned, in order; EBUSY, for either of its reasons, at a storage map.

        Before that the kernel rejects a sleepable program there, with EINVAL.

        Source: ``bpf_cgroup_storage_assign()``.
        """
        exclusive = not self.has(changes.SHARED_STORAGE)
        mentioned: list[Map] = []
        for descriptor in (d for step in program.body for d in step.mentions()):
            found = self._map(descriptor)
            mentioned.append(found)
            if program.sleepable:
                self._check_sleepable_map(found)
            if isinstance(found, StorageMap):
                if exclusive and found.owner is not None:
                    raise errors.StorageBusy
                kind = found.storage_kind
                if program.storage_maps[kind] not in (None, found):
                    raise errors.StorageBusy
                program.storage_maps[kind] = found
        return mentioned

    def _verify(self, program: Program, step: Step, helper_flags: int) -> None:
        """What the verifier says of a step, and the step made ready to run."""
        if isinstance(step, TailCall):
            if program.type in _FEW_HELPERS and not self.has(changes.MORE_HELPERS):
                raise errors.UnknownHelper("bpf_tail_call")
            array = self._map(step.array)
            if not isinstance(array, ProgArray):
                raise errors.HelperMapType(array.type)
            program.runs.append(((), (array, step.slot & 0xFFFFFFFF)))
            return
        if isinstance(step, Call):
            raise errors.HelperMapType(f"{step.helper} on {self._map(step.map).type}")
        if isinstance(step, CgrpStep):
            program.runs.append(((), self._verify_cgrp(program, step)))
            return
        if isinstance(step, SetRetval) and not self._may_set_retval(program):
            raise errors.UnknownHelper("bpf_set_retval")
        locations = tuple(self._verify_access(program, a, helper_flags) for a in step.accesses())
        if isinstance(step, Return | Verdict | BitVerdict | Guard):
            verdicts = {0} if isinstance(step, Guard) else {0, 1}
            self._check_return(program, {step.number} if isinstance(step, Return) else verdicts)
        program.runs.append((locations, step.compile(*locations)))

    def _verify_cgrp(self, program: Program, step: CgrpStep) -> CgrpUse:
        """A cgroup that the verifier accepts, and a call of a helper of CGRP_STORAGE with it."""
        socket = step.cgroup == CgroupOf.SOCKET
        if socket and program.type not in _WITH_SOCKET:
            raise ValueError(f"the model has no socket for programs of type {program.type}")
        if not self.has(changes.CGRP_STORAGE):
            raise errors.UnknownHelper("bpf_cgrp_storage_get")
        if not socket and not self._perfmon():
            raise errors.UnknownHelper("bpf_get_current_task_btf")
        if program.type is not BPF_PROG_TYPE_LSM and step.cgroup == CgroupOf.PARENT:
            since = _KFUNCS_SINCE.get(program.type)
            if since is None or not self.has(since):
                raise errors.KfuncNotAllowed("bpf_cgroup_ancestor")
        if program.sleepable and not step.rcu:
            if step.cgroup == CgroupOf.PARENT:
                raise errors.CgroupNotUnderRcu
            raise errors.CgroupNotTrusted
        found = self._map(step.map)
        if not isinstance(found, CgrpStorageMap):
            raise errors.HelperMapType(found.type)
        for access in step.accesses():
            self._verify_field(found, access)
        return CgrpUse(step, found)

    def _verify_access(self, program: Program, access: Access, helper_flags: int) -> Location:
        """One call of bpf_get_local_storage() and the access to its result."""
        sockmap = program.type in _SOCKMAP_TYPES and not self.has(changes.NO_HELPER_FOR_SOCKMAP)
        if program.type not in _STORAGE_TYPES and not sockmap:
            raise errors.UnknownHelper("bpf_get_local_storage")
        found = self._map(access.map)
        if not isinstance(found, StorageMap):
            raise errors.HelperMapType(f"bpf_get_local_storage on {found.type}")
        if helper_flags:
            raise errors.HelperFlags
        offset, width = self._verify_field(found, access)
        return Location(found.storage_kind, offset, width, found.value_size)

    def _verify_field(self, found: Map, access: Access) -> Field:
        """``check_map_access()``: whether a program may use a number of a value."""
        offset, width = found.value.field(access.field)
        if access.atomic and width in (4, 8) and offset % width:
            raise errors.MisalignedAccess(f"off={offset} size={width}")
        if access.reads and found.flags & _WRONLY_PROG:
            raise errors.ReadForbidden
        if access.writes and found.flags & _RDONLY_PROG:
            raise errors.WriteForbidden
        if offset < 0 or offset + width > found.value_size:
            raise errors.ValueAccess(f"value_size={found.value_size} off={offset} size={width}")
        for _, (start, length) in found.record:
            if offset < start + length and start < offset + width:
                raise errors.ValueAccess("a special field cannot be read or written directly")
        return Field(offset, width)

    def _check_return(self, program: Program, numbers: set[int]) -> None:
        """``check_return_code()``: what the program may return, at one of its exits."""
        allowed = self._returns(program)
        if allowed is not None and not numbers <= set(allowed):
            raise errors.ReturnValue(max(numbers - set(allowed)))
        egress = program.type is BPF_PROG_TYPE_CGROUP_SKB
        program.egress_only |= egress and numbers <= {2, 3}

    def _may_set_retval(self, program: Program) -> bool:
        """``cgroup_common_func_proto()``: whether the program can call bpf_set_retval()."""
        if program.type is BPF_PROG_TYPE_LSM:
            return program.lsm_hook not in lsm.VOID
        if not self.has(changes.SET_RETVAL_BY_ATTACH_TYPE):
            return program.type in _FEW_HELPERS and self.has(changes.SET_RETVAL)
        cgroups = program.type in _STORAGE_TYPES
        return cgroups and program.expected_attach_type not in _NO_RETVAL

    def _returns(self, program: Program) -> range | None:
        """What programs of this type and attach type may return, or None for any number."""
        expected = program.expected_attach_type
        if program.type not in _STORAGE_TYPES:
            return None
        if program.type is _ADDRESS and expected in _ONLY_ALLOW or program.lsm_hook in lsm.VOID:
            return range(1, 2)
        wide = {
            BPF_PROG_TYPE_CGROUP_SKB: ({BPF_CGROUP_INET_EGRESS}, changes.SKB_EXPECTED_ATTACH_TYPE),
            _ADDRESS: ({BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND}, changes.BIND_RETURNS),
        }.get(program.type)
        if wide is not None and expected in wide[0] and self.has(wide[1]):
            return range(4)
        return range(2)
