# SPDX-License-Identifier: GPL-2.0-only
"""The words of the format: how it names attach types, map types, program types and objects."""

from __future__ import annotations

from .. import uapi
from ..maps import UNINITIALISED

ATTACH_TYPES = {
    "ingress": uapi.BPF_CGROUP_INET_INGRESS,
    "egress": uapi.BPF_CGROUP_INET_EGRESS,
    "sock_create": uapi.BPF_CGROUP_INET_SOCK_CREATE,
    "bind4": uapi.BPF_CGROUP_INET4_BIND,
    "connect4": uapi.BPF_CGROUP_INET4_CONNECT,
    "sendmsg4": uapi.BPF_CGROUP_UDP4_SENDMSG,
    "getsockopt": uapi.BPF_CGROUP_GETSOCKOPT,
    "setsockopt": uapi.BPF_CGROUP_SETSOCKOPT,
}
"""The attach types of the format, by their names in it."""

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
