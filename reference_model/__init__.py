# SPDX-License-Identifier: GPL-2.0-only
"""A reference model of the kernel's maps of cgroup storages, release by release.

A kernel of the release of your choice, a cgroup, a map, and a program that counts packets:

>>> from reference_model import *
>>> kernel = Kernel("5.8")
>>> web = kernel.mkdir("web")
>>> counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
>>> count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts))
>>> kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
>>> kernel.fire(web, BPF_CGROUP_INET_EGRESS)
>>> kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS))
1

Before 5.9 the storage belongs to the attachment and is freed with it; since 5.9 it is still 1:

>>> kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
>>> kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS))
Traceback (most recent call last):
    ...
reference_model.errors.NoEntry: [Errno 2] ENOENT: no entry has this key
"""

from __future__ import annotations

from . import changes, errors, profiles, uapi
from .attachments import ProgQuery
from .cgroups import Cgroup, Socket
from .errors import BpfError, Denied, UndefinedBehaviour
from .interface import KernelInterface
from .kernel import Kernel
from .links import LinkFd, LinkInfo
from .maps import BOGUS_KEY, UNINITIALISED, MapFd
from .profiles import Profile
from .programs import ProgFd
from .releases import MAINLINE, Change, Release
from .steps import (
    Add,
    BitVerdict,
    Call,
    CgroupOf,
    CgrpAdd,
    CgrpDelete,
    Copy,
    Flush,
    Guard,
    Mention,
    Mix,
    Return,
    SetRetval,
    Step,
    Store,
    TailCall,
    Verdict,
)
from .uapi import *  # noqa: F403
from .values import (
    ENUM,
    KPTR,
    RES_SPIN_LOCK,
    S8,
    S16,
    S32,
    S64,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U8,
    U16,
    U32,
    U64,
    Array,
    Bytes,
    CgroupStorageKey,
    Struct,
    Type,
)

__version__ = "1.0.dev0"
"""The one place of the version."""

__all__ = [
    "SetRetval",
    "Guard",
    "BitVerdict",
    "Add",
    "Array",
    "AttachFlag",
    "AttachType",
    "BOGUS_KEY",
    "BpfError",
    "Bytes",
    "Call",
    "Cgroup",
    "CgroupOf",
    "CgroupStorageKey",
    "CgrpAdd",
    "CgrpDelete",
    "Change",
    "Copy",
    "Denied",
    "ENUM",
    "ElemFlag",
    "Flush",
    "KPTR",
    "Kernel",
    "KernelInterface",
    "LinkFd",
    "LinkInfo",
    "MAINLINE",
    "MapFd",
    "MapFlag",
    "MapType",
    "Mention",
    "Mix",
    "PAGE_SIZE",
    "ProgFd",
    "Profile",
    "ProgQuery",
    "ProgType",
    "RES_SPIN_LOCK",
    "Release",
    "Return",
    "S16",
    "S32",
    "S64",
    "S8",
    "SPIN_LOCK",
    "STORAGE_KEY",
    "Socket",
    "Step",
    "Store",
    "Struct",
    "TIMER",
    "TailCall",
    "Type",
    "U16",
    "U32",
    "U64",
    "U8",
    "UNINITIALISED",
    "UndefinedBehaviour",
    "Verdict",
    "changes",
    "errors",
    "profiles",
]
__all__ += [name for name in dir(uapi) if name.startswith(("BPF_", "MAX_"))]
