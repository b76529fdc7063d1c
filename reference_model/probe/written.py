# SPDX-License-Identifier: GPL-2.0-only
"""Short programs for changes that no recorded program shows by itself, written by hand.

None of them runs a program that it loads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..interface import KernelInterface
from ..steps import Add, SetRetval, TailCall
from ..uapi import (
    BPF_CGROUP_DEVICE,
    BPF_CGROUP_INET4_GETPEERNAME,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SYSCTL,
    BPF_CGROUP_UDP4_RECVMSG,
    BPF_CGROUP_UNIX_CONNECT,
    BPF_F_LOCK,
    BPF_F_RDONLY,
    BPF_F_SLEEPABLE,
    BPF_F_WRONLY,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SK_MSG,
    ProgType,
)
from ..values import KPTR, RES_SPIN_LOCK, STORAGE_KEY, U32, U64, Bytes, Struct, Type

Run = Callable[[KernelInterface], object]

_SHARED, _PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE


def _loads(prog_type: ProgType, **options: Any) -> Run:
    return lambda kernel: kernel.prog_load(prog_type, **options)


def _creates(value: Type, **options: Any) -> Run:
    return lambda kernel: kernel.map_create(_SHARED, STORAGE_KEY, value, **options)


def _sets_retval(prog_type: ProgType, attach_type: int) -> Run:
    return _loads(prog_type, body=SetRetval(1), expected_attach_type=attach_type)


def _tail_calls(kernel: KernelInterface) -> None:
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    kernel.prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, TailCall(array))


def _sleepable_tail_calls(kernel: KernelInterface) -> None:
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    kernel.prog_load(BPF_PROG_TYPE_LSM, TailCall(array), **_SLEEPABLE)


def _gets_storage(kernel: KernelInterface) -> None:
    counts = kernel.map_create(_SHARED, STORAGE_KEY, U64)
    kernel.prog_load(BPF_PROG_TYPE_SK_MSG, Add(counts))


def _opens_link_for_reading(kernel: KernelInterface) -> None:
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB)
    link = kernel.link_create(kernel.mkdir(), count, BPF_CGROUP_INET_EGRESS)
    kernel.obj_pin("/sys/fs/bpf/link", link)
    kernel.obj_get("/sys/fs/bpf/link", int(BPF_F_RDONLY))


def _opens_program_for_reading(kernel: KernelInterface) -> None:
    kernel.obj_pin("/sys/fs/bpf/count", kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB))
    kernel.obj_get("/sys/fs/bpf/count", int(BPF_F_RDONLY))


def _links_at_revision(kernel: KernelInterface) -> None:
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB)
    kernel.close(count)
    kernel.link_create(kernel.mkdir(), count, BPF_CGROUP_INET_EGRESS, expected_revision=1 << 32)


def _deletes_with_lock(kernel: KernelInterface) -> None:
    counts = kernel.map_create(_SHARED, STORAGE_KEY, U64)
    kernel.close(counts)
    kernel.map_lookup_and_delete_elem(counts, (1, 0), int(BPF_F_LOCK))


_LSM: dict[str, Any] = {"expected_attach_type": int(BPF_LSM_CGROUP), "lsm_hook": "socket_bind"}
_SLEEPABLE: dict[str, Any] = {**_LSM, "prog_flags": int(BPF_F_SLEEPABLE)}

WRITTEN: dict[str, Run] = {
    "load for sysctl": _loads(
        BPF_PROG_TYPE_CGROUP_SYSCTL, expected_attach_type=int(BPF_CGROUP_SYSCTL)
    ),
    "load for recvmsg4": _loads(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR, expected_attach_type=int(BPF_CGROUP_UDP4_RECVMSG)
    ),
    "load for getpeername4": _loads(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR, expected_attach_type=int(BPF_CGROUP_INET4_GETPEERNAME)
    ),
    "load for sock_release": _loads(
        BPF_PROG_TYPE_CGROUP_SOCK, expected_attach_type=int(BPF_CGROUP_INET_SOCK_RELEASE)
    ),
    "load for unix_connect": _loads(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR, expected_attach_type=int(BPF_CGROUP_UNIX_CONNECT)
    ),
    "load for an LSM hook": _loads(BPF_PROG_TYPE_LSM, **_LSM),
    "load a sleepable program": _loads(BPF_PROG_TYPE_LSM, **_SLEEPABLE),
    "tail call of a sleepable program": _sleepable_tail_calls,
    "tail call for device": _tail_calls,
    "bpf_set_retval() for device": _sets_retval(
        BPF_PROG_TYPE_CGROUP_DEVICE, int(BPF_CGROUP_DEVICE)
    ),
    "bpf_set_retval() for sock_create": _sets_retval(
        BPF_PROG_TYPE_CGROUP_SOCK, int(BPF_CGROUP_INET_SOCK_CREATE)
    ),
    "bpf_get_local_storage() for sk_msg": _gets_storage,
    "dot in a name": _creates(U64, map_name="a.b"),
    "kptr in a value": _creates(Struct(count=U64, task=KPTR), btf=True),
    "read-only and write-only": _creates(
        Bytes(1 << 20), map_flags=int(BPF_F_RDONLY | BPF_F_WRONLY)
    ),
    "bpf_res_spin_lock in a per-CPU value": lambda kernel: kernel.map_create(
        _PERCPU, STORAGE_KEY, Struct(count=U64, lock=RES_SPIN_LOCK), btf=True
    ),
    "open a link for reading": _opens_link_for_reading,
    "open a program for reading": _opens_program_for_reading,
    "link at a revision of more than 32 bits": _links_at_revision,
    "lookup and delete with BPF_F_LOCK": _deletes_with_lock,
}
"""The programs by name; each ends with the call that shows the change."""
