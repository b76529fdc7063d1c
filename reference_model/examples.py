# SPDX-License-Identifier: GPL-2.0-only
"""The names that the examples of the site share, beside all public names of the model.

>>> from reference_model.examples import *
>>> kernel, web, counts, count = counted("5.9")
>>> read(kernel, counts, (web, EGRESS)), read(kernel, counts, (web, INGRESS))
(1, None)
>>> outcome(kernel.map_delete_elem, counts, (web, EGRESS))
'EINVAL'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reference_model

from . import *  # noqa: F403
from .cgroups import Cgroup
from .errors import BpfError, NoEntry
from .interface import KernelInterface
from .kernel import Kernel
from .maps import MapFd
from .programs import ProgFd
from .steps import Add
from .uapi import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    MapType,
)
from .values import STORAGE_KEY, U64, Type

INGRESS, EGRESS = BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS
SHARED, PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
SKB, MULTI = BPF_PROG_TYPE_CGROUP_SKB, BPF_F_ALLOW_MULTI

Machine = tuple[Kernel, Cgroup, MapFd, ProgFd]


def machine(
    release: str,
    map_type: MapType = SHARED,
    key: Type = STORAGE_KEY,
    value: Type = U64,
    **options: Any,
) -> Machine:
    """A kernel, its cgroup ``web``, a map, and a loaded program that counts packets in the map.

    The options are those of `Kernel`.
    """
    kernel = Kernel(release, **options)
    web = kernel.mkdir("web")
    counts = kernel.map_create(map_type, key, value)
    return kernel, web, counts, kernel.prog_load(SKB, Add(counts))


def counted(release: str, **options: Any) -> Machine:
    """A `machine` whose program is attached to ``web`` for egress and has counted one packet."""
    kernel, web, counts, count = machine(release, **options)
    kernel.prog_attach(web, count, EGRESS)
    kernel.fire(web, EGRESS)
    return kernel, web, counts, count


def read(kernel: KernelInterface, storages: MapFd, key: object) -> Any:
    """The value of an entry, or None if no entry has the key."""
    try:
        return kernel.map_lookup_elem(storages, key)
    except NoEntry:
        return None


def outcome(call: Callable[..., object], *args: object, **options: object) -> str:
    """The name of the errno with which a call fails, or ``ok``."""
    try:
        call(*args, **options)
    except BpfError as error:
        return error.name
    return "ok"


__all__ = [
    *reference_model.__all__,
    *("INGRESS", "EGRESS", "SHARED", "PERCPU", "SKB", "MULTI"),
    *("machine", "counted", "read", "outcome"),
]
