# SPDX-License-Identifier: GPL-2.0-only
"""The interface of a kernel: the bpf(2) commands and the events that a user can cause.

The model implements it, and so does the running Linux kernel.  Recorders and searches implement it
by forwarding each call.  Stories run on anything that implements it.  Each docstring here is the
only description of its call: what the call does, its errors, and the kernel function modelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from .uapi import QUERY_SIZE

if TYPE_CHECKING:
    from .attachments import ProgQuery
    from .cgroups import Cgroup, CgroupFd, Socket
    from .ids import MapInfo, ProgInfo
    from .links import LinkFd, LinkInfo
    from .maps import MapFd
    from .programs import ProgFd
    from .state import Descriptor
    from .steps import Step
    from .uapi import AttachType, MapType, ProgType
    from .values import Bits64, Key, Type, Value


class CgroupCalls(Protocol):
    """Cgroups."""

    def mkdir(self, name: str = "", parent: Cgroup | None = None) -> Cgroup:
        """Create a cgroup and open its directory; without ``parent`` it is below the root.

        Errors: ``ENOENT`` (the parent is removed).
        """

    def rmdir(self, cgroup: Cgroup) -> None:
        """Remove a cgroup; the kernel frees its storages once no socket needs the cgroup.

        Sockets of the cgroup and of its descendants count.  Errors: ``EBUSY`` (it has children, or
        is the root), ``ENOENT`` (it is removed already).

        Source: ``cgroup.c:cgroup_rmdir``, ``bpf/cgroup.c:cgroup_bpf_offline``.
        """


class EventCalls(Protocol):
    """Events, sockets and test runs."""

    def fire(self, where: Cgroup | Socket, hook: AttachType | str, *, cpu: int = 0) -> None:
        """Let a process in the cgroup, or the owner of the socket, pass a hook on a CPU.

        The process does what usually leads there, and passes the other hooks on its way, see
        ``events``.  For ``BPF_CGROUP_INET_EGRESS`` it creates a UDP socket, sends a packet and
        closes the socket, so it also passes ``INET_SOCK_CREATE`` and ``UDP4_SENDMSG`` before, and
        ``INET_SOCK_RELEASE`` afterwards.  An open socket is neither created nor closed.  A hook
        that no event of ``events`` passes is passed only where it is named: a program there does
        not run otherwise, although a real process may pass it.

        An LSM hook is given by its name.  LSM programs go by the cgroup of the process, and the
        owner of an open socket is a process in the root cgroup.  Raises Denied if a program denies
        the operation, with the errno that the process sees, and UndefinedBehaviour where the
        kernel crashes.  Errors: ``EBADF`` (a closed socket), ``ENOENT`` (a removed cgroup).
        """

    def run_hooks(self, where: Cgroup | Socket, *hooks: AttachType | str, cpu: int = 0) -> None:
        """Pass exactly these hooks, in this order; otherwise the same as fire()."""

    def socket(self, cgroup: Cgroup, *, cpu: int = 0) -> Socket:
        """Let a process in the cgroup create a UDP socket and exit.

        It passes ``INET_SOCK_CREATE`` and the LSM hooks of creating a socket.  The socket keeps
        the cgroup's BPF state, also after rmdir().  Raises Denied.  Errors: ``ENOENT`` (a removed
        cgroup).
        """

    def close_socket(self, socket: Socket) -> None:
        """Close a socket: it passes ``INET_SOCK_RELEASE``.  Errors: ``EBADF`` (it is closed)."""

    def prog_test_run(self, prog: ProgFd, repeat: int = 1) -> int:
        """BPF_PROG_TEST_RUN of a CGROUP_SKB program: return what the last run returned.

        All ``repeat`` runs use one set of zeroed temporary storages.  The maps of the program are
        neither read nor changed.  Errors: ``EBADF``, ``ENOTSUPP`` (another program type),
        ``ENOMEM`` (``RLIMIT_MEMLOCK``, before 5.11).

        Source: ``test_run.c:bpf_test_run``.
        """


class MapCalls(Protocol):
    """Maps and their entries."""

    def map_create(
        self,
        map_type: MapType,
        key: Type,
        value: Type,
        *,
        max_entries: int = 0,
        map_flags: int = 0,
        map_name: str = "",
        btf: bool = False,
        btf_key: Type | None = None,
        btf_value: Type | None = None,
        numa_node: int = 0,
        inner_map: MapFd | None = None,
    ) -> MapFd:
        """BPF_MAP_CREATE: create a map and return a descriptor of it.

        ``key`` and ``value`` are types; their sizes in bytes become key_size and value_size.  A key
        of a cgroup storage is ``STORAGE_KEY`` (16 bytes) or ``U64`` (8 bytes).  ``btf=True`` passes
        both types as BTF, as libbpf does for ``__type(key, ...)``; ``btf_key`` and ``btf_value``
        pass other types.  Errors, in the kernel's order: ``EPERM``, ``EINVAL`` (BTF ids, flags,
        NUMA node, type), ``EINVAL`` (key size, value size 0), ``E2BIG``, ``EINVAL`` (flags,
        max_entries), ``EPERM`` (``RLIMIT_MEMLOCK``), ``EINVAL`` (name, BTF), ``EACCES``,
        ``ENOTSUPP`` or ``EOPNOTSUPP`` (special fields).  ``numa_node`` 2^32 - 1 means any node.

        Source: ``syscall.c:map_create``, ``local_storage.c:cgroup_storage_map_alloc``.
        """

    def map_lookup_elem(self, map: MapFd, key: Key, flags: Bits64 = 0) -> Value:
        """BPF_MAP_LOOKUP_ELEM: return the value of an entry.

        ``key`` is ``(cgroup, attach_type)`` for a 16-byte key, a cgroup or its id for an 8-byte
        key.  A per-CPU map returns a list with the value of each possible CPU.  With ``BPF_F_CPU``
        and a CPU number in the upper 32 bits of ``flags`` it returns the value of that CPU.
        Errors: ``EINVAL`` (flags), ``EBADF``, ``EPERM`` (write-only descriptor), ``ERANGE`` (no
        such CPU), ``ENOENT``.

        Source: ``syscall.c:map_lookup_elem``.
        """

    def map_update_elem(self, map: MapFd, key: Key, value: Value, flags: Bits64 = 0) -> None:
        """BPF_MAP_UPDATE_ELEM: write the value of an existing entry.

        ``value`` is of the map's value type, or ``bytes`` of its size.  A per-CPU map takes a list
        with a value for each possible CPU, or ``bytes`` of all slots.  ``BPF_ANY`` and
        ``BPF_EXIST`` mean the same, because only attaching a program creates entries.  Errors:
        ``EBADF``, ``EPERM`` (read-only descriptor, frozen map), ``EINVAL`` (flags; always for
        ``BPF_NOEXIST``), ``ERANGE``, ``ENOENT``, ``ENOMEM``.

        Source: ``syscall.c:map_update_elem``, ``local_storage.c:cgroup_storage_update_elem``.
        """

    def map_delete_elem(self, map: MapFd, key: Key) -> None:
        """BPF_MAP_DELETE_ELEM: always fails with ``EINVAL`` for cgroup storages.

        It does so whether or not the entry exists.  Errors before that: ``EBADF``, ``EPERM``.

        Source: ``syscall.c:map_delete_elem``.
        """

    def map_get_next_key(self, map: MapFd, key: Key = None) -> Any:
        """BPF_MAP_GET_NEXT_KEY: return the key of the storage created just before; None: newest.

        After the last key it fails with ``ENOENT``; before 7.1 it returns one BOGUS_KEY first.
        Errors: ``EBADF``, ``EPERM`` (write-only descriptor), ``ENOENT`` (empty map, unknown key,
        last key).

        Source: ``local_storage.c:cgroup_storage_get_next_key``.
        """

    def map_lookup_and_delete_elem(self, map: MapFd, key: Key, flags: Bits64 = 0) -> None:
        """BPF_MAP_LOOKUP_AND_DELETE_ELEM: always fails with ``ENOTSUPP`` (524), on 4.19 ``EINVAL``.

        Errors before that: ``EBADF``, ``EPERM``.
        """

    def map_lookup_batch(self, map: MapFd) -> None:
        """BPF_MAP_LOOKUP_BATCH: always fails with ``ENOTSUPP`` (524), before 5.6 ``EINVAL``.

        Errors before that: ``EBADF``, ``EPERM``.
        """

    def map_lookup_and_delete_batch(self, map: MapFd) -> None:
        """BPF_MAP_LOOKUP_AND_DELETE_BATCH: fails the same way as map_lookup_batch()."""

    def map_update_batch(self, map: MapFd) -> None:
        """BPF_MAP_UPDATE_BATCH: fails the same way as map_lookup_batch()."""

    def map_delete_batch(self, map: MapFd) -> None:
        """BPF_MAP_DELETE_BATCH: fails the same way as map_lookup_batch()."""

    def map_freeze(self, map: MapFd) -> None:
        """BPF_MAP_FREEZE: user space can no longer write; programs still can.

        Errors: ``EINVAL`` (before 5.2), ``EBADF``, ``ENOTSUPP`` (special fields, since 6.2),
        ``EBUSY`` (frozen already; since 6.5 ``EPERM``), ``EPERM`` (capability; since 6.5:
        descriptor not writable).

        Source: ``syscall.c:map_freeze``.
        """


class ProgCalls(Protocol):
    """Programs."""

    def prog_load(
        self,
        prog_type: ProgType,
        body: Step | Iterable[Step] = (),
        *,
        expected_attach_type: int = 0,
        helper_flags: Bits64 = 0,
        prog_name: str = "",
        lsm_hook: str = "",
        prog_flags: int = 0,
    ) -> ProgFd:
        """BPF_PROG_LOAD: load a program and return a descriptor of it.

        ``body`` is one step or several (see ``steps``); the program then returns 1, allow.
        ``helper_flags`` is the second argument of every bpf_get_local_storage().  ``lsm_hook`` is
        the name of the hook of an LSM program, such as ``"socket_bind"``.  ``prog_flags`` is 0 or
        ``BPF_F_SLEEPABLE``; ValueError for flags of other programs.  Errors, in the kernel's order:
        ``EPERM``, ``EINVAL`` (unknown flags; since 6.5 before ``EPERM``), ``EINVAL``
        (expected_attach_type, LSM hook), ``EINVAL`` (a sleepable program), ``EBADF``, ``EBUSY``
        (binding of a storage map), ``EINVAL`` (helper, its map type, its flags), ``EACCES`` (access
        to the value), ``EINVAL`` (return value, tail call).

        Source: ``syscall.c:bpf_prog_load``, ``local_storage.c:bpf_cgroup_storage_assign``.
        """

    def prog_bind_map(self, prog: ProgFd, map: MapFd) -> None:
        """BPF_PROG_BIND_MAP: the program holds the map without using it.

        It neither fails with ``EBUSY`` nor creates a storage.  Errors: ``EINVAL`` (before 5.10),
        ``EBADF``.

        Source: ``syscall.c:bpf_prog_bind_map``.
        """


class AttachCalls(Protocol):
    """Attachments and queries."""

    def prog_attach(
        self,
        cgroup: CgroupFd,
        prog: ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        replace: ProgFd | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: Bits64 = 0,
    ) -> None:
        """BPF_PROG_ATTACH: let the program run on the cgroup's hook.

        ``flags`` is 0, ``BPF_F_ALLOW_OVERRIDE`` or ``BPF_F_ALLOW_MULTI``.  With
        ``BPF_F_ALLOW_MULTI`` and ``BPF_F_REPLACE`` (since 5.6) the program takes the place of
        ``replace``.  Since 6.17 ``BPF_F_BEFORE`` and ``BPF_F_AFTER`` place it beside the program
        ``relative``, a descriptor or, with ``BPF_F_ID``, an id.  Errors, in the kernel's order:
        ``EPERM`` (capability, before 5.8), ``EINVAL`` (flags, attach type), ``EBADF``, ``EINVAL``
        (program, attach type), ``EBADF``, ``ENOENT`` (cgroup), ``ESTALE``, ``EPERM`` (hierarchy,
        other flags), ``E2BIG`` (64 programs), ``EINVAL`` (attached already), ``ENOENT`` (nothing
        to replace), ``ENOMEM``, ``EINVAL``, ``ENOENT`` (position).

        Source: ``syscall.c:bpf_prog_attach``, ``cgroup.c:__cgroup_bpf_attach``.
        """

    def prog_detach(
        self,
        cgroup: CgroupFd,
        prog: ProgFd | None,
        attach_type: AttachType,
        flags: int = 0,
        *,
        expected_revision: Bits64 = 0,
    ) -> None:
        """BPF_PROG_DETACH: detach a directly attached program from the cgroup's hook.

        On a hook with flags 0 or ``BPF_F_ALLOW_OVERRIDE`` the kernel detaches its one program
        whatever ``prog`` is, also None (descriptor 0) or a closed descriptor.  ``flags`` must be 0.
        Errors, in the kernel's order: ``EPERM`` (before 5.8), ``EINVAL`` (flags, attach type),
        ``EBADF``, ``ENOENT`` (cgroup), ``ESTALE``,
        ``ENOENT`` (nothing attached), ``EINVAL`` (``BPF_F_ALLOW_MULTI`` hook, no program),
        ``ENOENT`` (not attached, or only by a link), ``ENOMEM``.

        Source: ``syscall.c:bpf_prog_detach``, ``cgroup.c:__cgroup_bpf_detach``.
        """

    def prog_query(
        self,
        cgroup: CgroupFd,
        attach_type: AttachType,
        query_flags: int = 0,
        *,
        prog_attach_flags: bool = False,
        count: int | None = None,
        size: int = QUERY_SIZE,
    ) -> ProgQuery:
        """BPF_PROG_QUERY: return which programs are attached here.

        With ``BPF_F_QUERY_EFFECTIVE`` it returns which programs run here.  For ``BPF_LSM_CGROUP``
        it returns the programs of all LSM hooks, in the order of the kernel's slots for hooks;
        without ``BPF_F_QUERY_EFFECTIVE`` it needs ``prog_attach_flags=True`` then, which asks for
        the flags of each program (since 6.0).  ``count`` is the number of ids that the caller's
        buffer takes; without it the buffer is large enough, and 0 asks only how many programs there
        are.  ``size`` is the size of the attribute in bytes, from 28 to 64.  Errors: ``EPERM``,
        ``EINVAL`` (flags, attach type, ``prog_attach_flags``), ``EBADF``, ``ENOENT`` (cgroup),
        ``ENOSPC`` (the buffer is too small; the error's ``answer`` is what the kernel wrote).

        Source: ``cgroup.c:__cgroup_bpf_query``.
        """


class LinkCalls(Protocol):
    """Links."""

    def link_create(
        self,
        cgroup: CgroupFd,
        prog: ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        relative: Descriptor | int | None = None,
        expected_revision: Bits64 = 0,
    ) -> LinkFd:
        """BPF_LINK_CREATE: attach a program for as long as a descriptor or pin holds the link.

        The attachment has the flag ``BPF_F_ALLOW_MULTI``.  Errors, in the kernel's order:
        ``EINVAL`` (before 5.7), ``EPERM`` (``CAP_NET_ADMIN``: 5.7), ``EINVAL`` (``relative``,
        ``expected_revision``: before 5.9), ``EBADF``, ``EINVAL`` (attach type), ``EPERM``
        (``CAP_NET_ADMIN`` for CGROUP_SKB), ``EINVAL`` (flags), ``EBADF``, ``ENOENT`` (cgroup),
        then those of prog_attach().

        Source: ``syscall.c:link_create``, ``cgroup.c:cgroup_bpf_link_attach``.
        """

    def link_update(
        self, link: LinkFd, new_prog: ProgFd, *, flags: int = 0, old_prog: ProgFd | None = None
    ) -> None:
        """BPF_LINK_UPDATE: replace the link's program and keep the attachment's storages.

        With ``BPF_F_REPLACE`` the link must hold ``old_prog``.  Errors, in the kernel's order:
        ``EINVAL`` (before 5.7; flags), ``EBADF``, ``EINVAL`` (descriptors; ``old_prog`` without the
        flag), ``ENOLINK`` (the cgroup is gone), ``EPERM`` (another old program), ``EINVAL``
        (program type), ``ENOENT`` (LSM: another hook), ``EINVAL`` (other storage maps, since
        7.2.6).

        Source: ``syscall.c:link_update``, ``cgroup.c:cgroup_bpf_replace``.
        """

    def link_detach(self, link: LinkFd) -> None:
        """BPF_LINK_DETACH: detach the link's program and leave the descriptor open.

        Detaching a second time succeeds.  Errors: ``EINVAL`` (before 5.9), ``EBADF``.

        Source: ``syscall.c:link_detach``.
        """


class IdCalls(Protocol):
    """Ids and information."""

    def map_get_fd_by_id(self, number: int, open_flags: int = 0) -> MapFd:
        """BPF_MAP_GET_FD_BY_ID: return a new descriptor of the map with this id.

        ``open_flags`` is 0, ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``.  Errors: ``EINVAL`` (flags),
        ``EPERM`` (``CAP_SYS_ADMIN``), ``EINVAL`` (both flags), ``ENOENT`` (no such map).

        Source: ``syscall.c:bpf_map_get_fd_by_id``.
        """

    def prog_get_fd_by_id(self, number: int) -> ProgFd:
        """BPF_PROG_GET_FD_BY_ID: return a new descriptor of the program with this id.

        Errors: ``EPERM`` (``CAP_SYS_ADMIN``), ``ENOENT`` (no such program).

        Source: ``syscall.c:bpf_prog_get_fd_by_id``.
        """

    def link_get_fd_by_id(self, number: int) -> LinkFd:
        """BPF_LINK_GET_FD_BY_ID: return a new descriptor of the link with this id.

        Errors: ``EINVAL`` (before 5.8), ``EPERM`` (``CAP_SYS_ADMIN``), ``ENOENT`` (no such link).

        Source: ``syscall.c:bpf_link_get_fd_by_id``.
        """

    def map_get_next_id(self, start: int = 0) -> int:
        """BPF_MAP_GET_NEXT_ID: return the lowest id of a map above ``start``.

        Ids of maps that others created are passed over.  Errors: ``EINVAL`` (``start`` is 2^31 - 1
        or more), ``EPERM`` (``CAP_SYS_ADMIN``), ``ENOENT`` (no further map).

        Source: ``syscall.c:bpf_obj_get_next_id``.
        """

    def prog_get_next_id(self, start: int = 0) -> int:
        """BPF_PROG_GET_NEXT_ID: the same as map_get_next_id(), for programs."""

    def link_get_next_id(self, start: int = 0) -> int:
        """BPF_LINK_GET_NEXT_ID: the same for links; before 5.8 it fails with ``EINVAL``."""

    def obj_info(self, descriptor: Descriptor | Cgroup) -> MapInfo | ProgInfo | LinkInfo:
        """BPF_OBJ_GET_INFO_BY_FD: return what the kernel says of a map, program or link.

        Errors: ``EBADFD`` (a closed descriptor), ``EINVAL`` (a descriptor of anything else; before
        5.8 also of a link).

        Source: ``syscall.c:bpf_obj_get_info_by_fd``.
        """

    def link_info(self, link: LinkFd) -> LinkInfo:
        """obj_info() of a link; TypeError for a map or a program."""


class DescriptorCalls(Protocol):
    """Descriptors and pins."""

    def close(self, descriptor: Descriptor | Cgroup) -> None:
        """Close a descriptor; the kernel frees what nothing else holds.  Errors: ``EBADF``."""

    def dup(self, descriptor: Descriptor) -> Descriptor:
        """Return another descriptor of the same object, with the same mode.  Errors: ``EBADF``."""

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        """BPF_OBJ_PIN: let a name in bpffs hold the object.  Errors: ``EBADF``, ``EEXIST``."""

    def obj_get(self, path: str, file_flags: int = 0) -> Any:
        """BPF_OBJ_GET: return a new descriptor of a pinned object.

        ``file_flags`` is 0, ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``.  Errors: ``EINVAL`` (both flags;
        since 5.12 one of them for a link, in 5.12 and 5.13 also for a program), ``ENOENT``.
        """

    def unlink(self, path: str) -> None:
        """Remove a pin.  Errors: ``ENOENT``."""


class CgrpStorageCalls(Protocol):
    """Helpers of CGRP_STORAGE maps."""

    def cgrp_storage_get(
        self, map: MapFd, cgroup: Cgroup | None, value: Value = None, flags: Bits64 = 0
    ) -> Value:
        """bpf_cgrp_storage_get(): return the value of the cgroup's element, or None (NULL).

        With ``BPF_LOCAL_STORAGE_GET_F_CREATE`` it creates a missing element, from ``value`` or
        zeroed.  It returns None for unknown flags, without a cgroup, for a missing element without
        the flag, for a dying cgroup, and without memory.

        Source: ``bpf_cgrp_storage.c:bpf_cgrp_storage_get``.
        """

    def cgrp_storage_delete(self, map: MapFd, cgroup: Cgroup | None) -> None:
        """bpf_cgrp_storage_delete(): remove the cgroup's element.

        Errors: ``EINVAL`` (no cgroup), ``ENOENT`` (no element).
        """


class MachineCalls(Protocol):
    """The caller, memory, and the kernel itself."""

    cpus: tuple[int, ...]
    """Numbers of the possible CPUs, ascending."""

    def user(self, *capabilities: str) -> AbstractContextManager[None]:
        """Within the block the caller has only these capabilities; ValueError lists the known."""

    def fail_next(self, allocation: str) -> None:
        """Let the next allocation of this name fail because there is no memory.

        The names are ``"storage"``, ``"node"`` (of the list of programs) and ``"effective"``
        (arrays).  NotImplementedError where a kernel cannot do it.
        """

    def check_invariants(self) -> None:
        """AssertionError if the kernel contradicts itself, or has warned; tests call it."""


class KernelInterface(
    CgroupCalls,
    EventCalls,
    MapCalls,
    CgrpStorageCalls,
    ProgCalls,
    AttachCalls,
    LinkCalls,
    IdCalls,
    DescriptorCalls,
    MachineCalls,
    Protocol,
):
    """All that a user can ask of a kernel."""


GROUPS: dict[str, tuple[str, ...]] = {
    str(group.__doc__).rstrip("."): tuple(
        name for name, found in vars(group).items() if callable(found) and name[0] != "_"
    )
    for group in KernelInterface.__bases__
    if group is not Protocol
}
"""The names of the calls by the title of their group, in the order of the interface."""

CALLS = tuple(name for names in GROUPS.values() for name in names)
"""The names of all calls."""
