# SPDX-License-Identifier: GPL-2.0-only
"""The words of the format: how it names attach types, map types, program types and objects."""

from __future__ import annotations

from .. import events, uapi
from ..events import Hook
from ..maps import UNINITIALISED

ATTACH_TYPES = {
    "ingress": uapi.BPF_CGROUP_INET_INGRESS,
    "egress": uapi.BPF_CGROUP_INET_EGRESS,
    "sock_create": uapi.BPF_CGROUP_INET_SOCK_CREATE,
    "sock_ops": uapi.BPF_CGROUP_SOCK_OPS,
    "device": uapi.BPF_CGROUP_DEVICE,
    "bind4": uapi.BPF_CGROUP_INET4_BIND,
    "bind6": uapi.BPF_CGROUP_INET6_BIND,
    "connect4": uapi.BPF_CGROUP_INET4_CONNECT,
    "connect6": uapi.BPF_CGROUP_INET6_CONNECT,
    "post_bind4": uapi.BPF_CGROUP_INET4_POST_BIND,
    "post_bind6": uapi.BPF_CGROUP_INET6_POST_BIND,
    "sendmsg4": uapi.BPF_CGROUP_UDP4_SENDMSG,
    "sendmsg6": uapi.BPF_CGROUP_UDP6_SENDMSG,
    "sysctl": uapi.BPF_CGROUP_SYSCTL,
    "recvmsg4": uapi.BPF_CGROUP_UDP4_RECVMSG,
    "recvmsg6": uapi.BPF_CGROUP_UDP6_RECVMSG,
    "getsockopt": uapi.BPF_CGROUP_GETSOCKOPT,
    "setsockopt": uapi.BPF_CGROUP_SETSOCKOPT,
    "getpeername4": uapi.BPF_CGROUP_INET4_GETPEERNAME,
    "getpeername6": uapi.BPF_CGROUP_INET6_GETPEERNAME,
    "getsockname4": uapi.BPF_CGROUP_INET4_GETSOCKNAME,
    "getsockname6": uapi.BPF_CGROUP_INET6_GETSOCKNAME,
    "sock_release": uapi.BPF_CGROUP_INET_SOCK_RELEASE,
    "lsm_cgroup": uapi.BPF_LSM_CGROUP,
    "unix_connect": uapi.BPF_CGROUP_UNIX_CONNECT,
    "unix_sendmsg": uapi.BPF_CGROUP_UNIX_SENDMSG,
    "unix_recvmsg": uapi.BPF_CGROUP_UNIX_RECVMSG,
    "unix_getpeername": uapi.BPF_CGROUP_UNIX_GETPEERNAME,
    "unix_getsockname": uapi.BPF_CGROUP_UNIX_GETSOCKNAME,
}
"""The attach types of the format, by their names in it."""

HOOKS = {
    name: ATTACH_TYPES[name]
    for name in (
        *("ingress", "egress", "sock_create", "bind4", "connect4", "sendmsg4"),
        *("getsockopt", "setsockopt"),
    )
}
"""The attach types that ``hooks`` names of those that an event passes, as in recorded traces."""

EVENTS: dict[str, Hook] = {
    **{name: hook for name, hook in ATTACH_TYPES.items() if hook in events.EVENTS},
    **{f"lsm/{hook}": hook for hook in events.EVENTS if not isinstance(hook, uapi.AttachType)},
}
"""What the field ``event`` names: a hook that fire() takes, an LSM hook after ``lsm/``."""

ATTACH_NAMES: dict[object, str | None] = {
    **{attach_type: name for name, attach_type in ATTACH_TYPES.items()},
    UNINITIALISED: None,
}
"""The name of each attach type; None for the one in a key that the kernel did not initialise."""

MAP_TYPES = {
    "cgroup_storage": uapi.BPF_MAP_TYPE_CGROUP_STORAGE,
    "percpu_cgroup_storage": uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    "cgrp_storage": uapi.BPF_MAP_TYPE_CGRP_STORAGE,
    "array_of_maps": uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS,
    "hash_of_maps": uapi.BPF_MAP_TYPE_HASH_OF_MAPS,
}
"""The map types of the format, by their names in it."""

PROG_TYPES = {
    "cgroup_skb": uapi.BPF_PROG_TYPE_CGROUP_SKB,
    "cgroup_sock": uapi.BPF_PROG_TYPE_CGROUP_SOCK,
    "cgroup_sock_addr": uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    "cgroup_sockopt": uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT,
    "cgroup_device": uapi.BPF_PROG_TYPE_CGROUP_DEVICE,
    "cgroup_sysctl": uapi.BPF_PROG_TYPE_CGROUP_SYSCTL,
    "sock_ops": uapi.BPF_PROG_TYPE_SOCK_OPS,
    "lsm": uapi.BPF_PROG_TYPE_LSM,
    "socket_filter": uapi.BPF_PROG_TYPE_SOCKET_FILTER,
    "sk_skb": uapi.BPF_PROG_TYPE_SK_SKB,
    "sk_msg": uapi.BPF_PROG_TYPE_SK_MSG,
    "xdp": uapi.BPF_PROG_TYPE_XDP,
}
"""The program types of the format, by their names in it."""

COMMANDS = (
    "lookup_and_delete",
    *("lookup_batch", "lookup_and_delete_batch", "update_batch", "delete_batch"),
)
"""The map commands that every kernel rejects for a cgroup storage map."""

LETTERS = {"cgroup": "c", "map": "m", "prog": "p", "link": "l", "sock": "s"}
"""The objects of the format, and the letter that begins the name of a new one."""

DESCRIPTORS = ("map", "prog", "link")
"""The objects that can be pinned and closed."""

GARBAGE = ["GARBAGE"]
"""The key that belongs to no cgroup: some kernels return it after the last key."""
