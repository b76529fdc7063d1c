# SPDX-License-Identifier: GPL-2.0-only
"""What libbpf makes of the name of a section: the type of its programs, and where they attach.

Source: ``section_defs`` of ``tools/lib/bpf/libbpf.c`` of Linux 7.1.  Left out: whether a program is
attached automatically.

>>> meaning("cgroup_skb/egress").attach_types
(BPF_CGROUP_INET_EGRESS,)
>>> meaning("?lsm_cgroup/socket_bind").hook, meaning("fentry/do_exit").other
('socket_bind', 'fentry')
"""

from __future__ import annotations

from typing import NamedTuple

from .. import uapi
from ..programs import ATTACH_TYPES
from ..uapi import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SK_MSG,
    BPF_PROG_TYPE_SK_SKB,
    BPF_PROG_TYPE_SOCKET_FILTER,
    BPF_PROG_TYPE_XDP,
    AttachType,
    ProgType,
)


class Meaning(NamedTuple):
    """What a section's name says of its programs."""

    type: ProgType | None = None
    """None: a type that the model does not know, or no known name."""
    expected: int = 0
    """``expected_attach_type``"""
    attach_types: tuple[AttachType, ...] = ()
    """Where the programs can be attached; both directions for ``cgroup/skb``."""
    hook: str = ""
    """The LSM hook."""
    other: str = ""
    """The name of a section for another program type."""
    autoload: bool = True
    """False for ``SEC("?...")``: libbpf does not load the programs by itself."""


_HOOKS = {
    "cgroup_skb/ingress": "INET_INGRESS",
    "cgroup_skb/egress": "INET_EGRESS",
    "cgroup/sock_create": "INET_SOCK_CREATE",
    "cgroup/sock_release": "INET_SOCK_RELEASE",
    "cgroup/sock": "INET_SOCK_CREATE",
    "cgroup/post_bind4": "INET4_POST_BIND",
    "cgroup/post_bind6": "INET6_POST_BIND",
    "cgroup/sysctl": "SYSCTL",
    "cgroup/getsockopt": "GETSOCKOPT",
    "cgroup/setsockopt": "SETSOCKOPT",
    "cgroup/dev": "DEVICE",
    "sockops": "SOCK_OPS",
    **{
        f"cgroup/{call}{family}": f"{prefix}{number}_{call.upper()}"
        for call, prefix in (
            *(("bind", "INET"), ("connect", "INET"), ("getpeername", "INET")),
            *(("getsockname", "INET"), ("sendmsg", "UDP"), ("recvmsg", "UDP")),
        )
        for family, number in (("4", "4"), ("6", "6"))
    },
    **{
        f"cgroup/{call}_unix": f"UNIX_{call.upper()}"
        for call in ("connect", "sendmsg", "recvmsg", "getpeername", "getsockname")
    },
}
"""Sections by the attach types of cgroups."""


def _of(attach_type: AttachType) -> Meaning:
    return Meaning(ATTACH_TYPES[attach_type][0], int(attach_type), (attach_type,))


_KNOWN: dict[str, Meaning] = {
    **{name: _of(getattr(uapi, f"BPF_CGROUP_{hook}")) for name, hook in _HOOKS.items()},
    "cgroup/skb": Meaning(
        BPF_PROG_TYPE_CGROUP_SKB, 0, (BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS)
    ),
    "lsm_cgroup": Meaning(BPF_PROG_TYPE_LSM, int(BPF_LSM_CGROUP), (BPF_LSM_CGROUP,)),
    "socket": Meaning(BPF_PROG_TYPE_SOCKET_FILTER),
    "xdp": Meaning(BPF_PROG_TYPE_XDP),
    "sk_skb": Meaning(BPF_PROG_TYPE_SK_SKB),
    "sk_msg": Meaning(BPF_PROG_TYPE_SK_MSG),
}

_OTHER_NAMES = """
action classifier fentry fexit flow_dissector fmod_ret fsession iter kprobe kretprobe
kretsyscall ksyscall lirc_mode2 lsm lwt_in lwt_out lwt_seg6local lwt_xmit netfilter netkit
perf_event raw_tp raw_tracepoint sk_lookup sk_reuseport struct_ops syscall tc tcx tp tp_btf
tracepoint uprobe uretprobe usdt
"""
_OTHERS = frozenset(_OTHER_NAMES.split())
"""The first words of the sections for all other program types; ``freplace`` takes the type of the
program that it extends."""


def meaning(section: str) -> Meaning:
    """What libbpf makes of a section's name; the older libbpf allowed more behind it."""
    autoload = not section.startswith("?")
    name = section.removeprefix("?")
    known = next((one for one in _prefixes(name) if one in _KNOWN), "")
    if known:
        found = _KNOWN[known]
        rest = name[len(known) + 1 :]
        return found._replace(
            autoload=autoload, hook=rest if found.type is BPF_PROG_TYPE_LSM else ""
        )
    first = name.partition("/")[0].partition(".")[0]
    return Meaning(other=first if first in _OTHERS else "", autoload=autoload)


def _prefixes(name: str) -> list[str]:
    """The name, and what of it stands before each ``/``, longest first."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
