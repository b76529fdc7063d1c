# SPDX-License-Identifier: GPL-2.0-only
"""What several test files use: releases by name, outcomes by errno, a kernel with one entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from support_programs import EGRESS, SKB

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    MAINLINE,
    STORAGE_KEY,
    U64,
    Add,
    BpfError,
    Cgroup,
    CgroupStorageKey,
    Kernel,
    MapFd,
    MapType,
    Mention,
    ProgFd,
    Type,
)

SHARED = BPF_MAP_TYPE_CGROUP_STORAGE
PERCPU = BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE

RECORDED = ("4.19.108", "5.4.59", "5.8.18", "proposal", "5.9.1") + (
    "5.10.223",
    "6.1.176",
    "6.12.107",
    "7.2.13",
)
"""The kernels of the traces, oldest first."""


def at_least(release: str, first: str) -> bool:
    """Whether a mainline release is ``first`` or later; by their places, not by the model."""
    return MAINLINE.index(release) >= MAINLINE.index(first)


def outcome(operation: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """``"ok"``, or the name of the errno."""
    try:
        operation(*arguments, **options)
    except BpfError as error:
        return error.name
    return "ok"


class Machine(NamedTuple):
    """A kernel with a cgroup, a map, a program that adds 1, and the entry that attaching made."""

    kernel: Kernel
    cgroup: Cgroup
    map: MapFd
    prog: ProgFd
    key: Any


def machine(
    release: str = "latest",
    map_type: MapType = SHARED,
    key: Type = STORAGE_KEY,
    value: Type = U64,
    *,
    body: type[Add] | type[Mention] = Add,
    cpus: int | tuple[int, ...] = 2,
    btf: bool = False,
    map_flags: int = 0,
) -> Machine:
    """Such a kernel."""
    kernel = Kernel(release, cpus=cpus)
    cgroup = kernel.mkdir("web")
    found = kernel.map_create(map_type, key, value, btf=btf, map_flags=map_flags)
    prog = kernel.prog_load(SKB, body(found), expected_attach_type=EGRESS)
    kernel.prog_attach(cgroup, prog, EGRESS, BPF_F_ALLOW_MULTI)
    return Machine(kernel, cgroup, found, prog, (cgroup, EGRESS) if key.size == 16 else cgroup)


def key_of(cgroup: Cgroup) -> CgroupStorageKey:
    """The key of 16 bytes as get_next_key answers it."""
    return CgroupStorageKey(cgroup.id, EGRESS)


def reopened(kernel: Kernel, found: MapFd, *, write: bool) -> MapFd:
    """Another descriptor of the map that may only write, or only read."""
    path = f"/sys/fs/bpf/{len(kernel.pins)}"
    kernel.obj_pin(path, found)
    again = kernel.obj_get(path, BPF_F_WRONLY if write else BPF_F_RDONLY)
    assert isinstance(again, MapFd)
    return again
