# SPDX-License-Identifier: GPL-2.0-only
"""The names and numbers of ``linux/bpf.h`` that this map meets.

Modelled: ``include/uapi/linux/bpf.h``.  Left out: what no program with a cgroup storage touches.
Every name is the kernel's own and prints as such:

>>> BPF_MAP_TYPE_CGROUP_STORAGE
BPF_MAP_TYPE_CGROUP_STORAGE
>>> int(BPF_CGROUP_INET_EGRESS), BPF_F_ALLOW_MULTI | BPF_F_REPLACE
(1, BPF_F_ALLOW_MULTI|BPF_F_REPLACE)
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from functools import cache


class _Names(IntEnum):
    """An enumeration of the kernel whose members print as their names."""

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__


class MapType(_Names):
    """``enum bpf_map_type``: the types that the model knows."""

    BPF_MAP_TYPE_PROG_ARRAY = 3
    BPF_MAP_TYPE_ARRAY_OF_MAPS = 12
    BPF_MAP_TYPE_HASH_OF_MAPS = 13
    BPF_MAP_TYPE_CGROUP_STORAGE = 19
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21
    BPF_MAP_TYPE_CGRP_STORAGE = 32


class ProgType(_Names):
    """``enum bpf_prog_type``: those that can call bpf_get_local_storage, and two that cannot."""

    BPF_PROG_TYPE_SOCKET_FILTER = 1
    BPF_PROG_TYPE_XDP = 6
    BPF_PROG_TYPE_CGROUP_SKB = 8
    BPF_PROG_TYPE_CGROUP_SOCK = 9
    BPF_PROG_TYPE_SOCK_OPS = 13
    BPF_PROG_TYPE_SK_SKB = 14
    BPF_PROG_TYPE_CGROUP_DEVICE = 15
    BPF_PROG_TYPE_SK_MSG = 16
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18
    BPF_PROG_TYPE_CGROUP_SYSCTL = 23
    BPF_PROG_TYPE_CGROUP_SOCKOPT = 25
    BPF_PROG_TYPE_LSM = 29


class AttachType(_Names):
    """``enum bpf_attach_type``: the attach types of cgroups."""

    BPF_CGROUP_INET_INGRESS = 0
    BPF_CGROUP_INET_EGRESS = 1
    BPF_CGROUP_INET_SOCK_CREATE = 2
    BPF_CGROUP_SOCK_OPS = 3
    BPF_CGROUP_DEVICE = 6
    BPF_CGROUP_INET4_BIND = 8
    BPF_CGROUP_INET6_BIND = 9
    BPF_CGROUP_INET4_CONNECT = 10
    BPF_CGROUP_INET6_CONNECT = 11
    BPF_CGROUP_INET4_POST_BIND = 12
    BPF_CGROUP_INET6_POST_BIND = 13
    BPF_CGROUP_UDP4_SENDMSG = 14
    BPF_CGROUP_UDP6_SENDMSG = 15
    BPF_CGROUP_SYSCTL = 18
    BPF_CGROUP_UDP4_RECVMSG = 19
    BPF_CGROUP_UDP6_RECVMSG = 20
    BPF_CGROUP_GETSOCKOPT = 21
    BPF_CGROUP_SETSOCKOPT = 22
    BPF_CGROUP_INET4_GETPEERNAME = 29
    BPF_CGROUP_INET6_GETPEERNAME = 30
    BPF_CGROUP_INET4_GETSOCKNAME = 31
    BPF_CGROUP_INET6_GETSOCKNAME = 32
    BPF_CGROUP_INET_SOCK_RELEASE = 34
    BPF_LSM_CGROUP = 43
    BPF_CGROUP_UNIX_CONNECT = 49
    BPF_CGROUP_UNIX_SENDMSG = 50
    BPF_CGROUP_UNIX_RECVMSG = 51
    BPF_CGROUP_UNIX_GETPEERNAME = 52
    BPF_CGROUP_UNIX_GETSOCKNAME = 53


class _Flags(IntFlag):
    """Flags of the kernel that print as their names."""

    def __repr__(self) -> str:
        return _flags_by_name(type(self), int(self))

    __str__ = __repr__


@cache
def _flags_by_name(kind: type[_Flags], bits: int) -> str:
    """Known flags by their names, the rest as one number."""
    known = [flag for flag in kind if flag & bits == flag]
    rest = bits & ~sum(known)
    return "|".join([*(flag.name or "" for flag in known), *([hex(rest)] if rest else [])]) or "0"


class MapFlag(_Flags):
    """``map_flags`` of BPF_MAP_CREATE, and ``file_flags`` of BPF_OBJ_GET."""

    BPF_F_NO_PREALLOC = 0x1
    BPF_F_NUMA_NODE = 0x4
    BPF_F_RDONLY = 0x8
    BPF_F_WRONLY = 0x10
    BPF_F_RDONLY_PROG = 0x80
    BPF_F_WRONLY_PROG = 0x100
    BPF_F_CLONE = 0x200


class ProgFlag(_Flags):
    """``prog_flags`` of BPF_PROG_LOAD."""

    BPF_F_SLEEPABLE = 0x10


class ElemFlag(_Flags):
    """Flags of lookups and updates; with BPF_F_CPU the CPU number stands in the upper 32 bits."""

    BPF_NOEXIST = 1
    BPF_EXIST = 2
    BPF_F_LOCK = 4
    BPF_F_CPU = 8
    BPF_F_ALL_CPUS = 16


class AttachFlag(_Flags):
    """``attach_flags`` of BPF_PROG_ATTACH and the flags of BPF_LINK_CREATE."""

    BPF_F_ALLOW_OVERRIDE = 0x1
    BPF_F_ALLOW_MULTI = 0x2
    BPF_F_REPLACE = 0x4
    BPF_F_BEFORE = 0x8
    BPF_F_AFTER = 0x10
    BPF_F_ID = 0x20
    BPF_F_PREORDER = 0x40
    BPF_F_LINK = 0x2000


BPF_ANY = 0
BPF_F_QUERY_EFFECTIVE = 1
BPF_LOCAL_STORAGE_GET_F_CREATE = 1
BPF_CGROUP_MAX_PROGS = 64
"""Programs on one attach type of one cgroup."""
QUERY_SIZE = 64
"""The size in bytes of the members of ``union bpf_attr`` for BPF_PROG_QUERY."""
MAX_TAIL_CALL_CNT = 33
"""Tail calls in one run; a further one does not happen and the program continues."""

PAGE_SIZE = 4096
"""Bytes of a page on x86-64."""

(
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_HASH_OF_MAPS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
) = MapType
(
    BPF_PROG_TYPE_SOCKET_FILTER,
    BPF_PROG_TYPE_XDP,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_SOCK_OPS,
    BPF_PROG_TYPE_SK_SKB,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_SK_MSG,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_LSM,
) = ProgType
(
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_SOCK_OPS,
    BPF_CGROUP_DEVICE,
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET6_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET6_CONNECT,
    BPF_CGROUP_INET4_POST_BIND,
    BPF_CGROUP_INET6_POST_BIND,
    BPF_CGROUP_UDP4_SENDMSG,
    BPF_CGROUP_UDP6_SENDMSG,
    BPF_CGROUP_SYSCTL,
    BPF_CGROUP_UDP4_RECVMSG,
    BPF_CGROUP_UDP6_RECVMSG,
    BPF_CGROUP_GETSOCKOPT,
    BPF_CGROUP_SETSOCKOPT,
    BPF_CGROUP_INET4_GETPEERNAME,
    BPF_CGROUP_INET6_GETPEERNAME,
    BPF_CGROUP_INET4_GETSOCKNAME,
    BPF_CGROUP_INET6_GETSOCKNAME,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_LSM_CGROUP,
    BPF_CGROUP_UNIX_CONNECT,
    BPF_CGROUP_UNIX_SENDMSG,
    BPF_CGROUP_UNIX_RECVMSG,
    BPF_CGROUP_UNIX_GETPEERNAME,
    BPF_CGROUP_UNIX_GETSOCKNAME,
) = AttachType
(
    BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY_PROG,
    BPF_F_CLONE,
) = MapFlag
(BPF_F_SLEEPABLE,) = ProgFlag
BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK, BPF_F_CPU, BPF_F_ALL_CPUS = ElemFlag
(
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_ALLOW_MULTI,
    BPF_F_REPLACE,
    BPF_F_BEFORE,
    BPF_F_AFTER,
    BPF_F_ID,
    BPF_F_PREORDER,
    BPF_F_LINK,
) = AttachFlag
