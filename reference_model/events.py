# SPDX-License-Identifier: GPL-2.0-only
"""What a process does to pass a hook, and which hooks it passes on its way.

One table for the model and for a real kernel: the model passes the hooks of an event, a process on
a real kernel does its action.  ``records/events.json`` holds which hooks real kernels passed.
"""

from __future__ import annotations

from typing import NamedTuple

from . import errnos
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
    AttachType,
)

NO_SOCKET, UNIX, INET, INET6 = 0, 1, 2, 10
"""Address families of sockets: AF_UNIX, AF_INET and AF_INET6."""

Hook = AttachType | str
"""An attach type, or an LSM hook by its name."""


class Event(NamedTuple):
    """An action of a process, the family of the socket that it uses, and the hooks it passes.

    Without an open socket the process also passes CREATED before and CLOSED afterwards.
    """

    action: str
    family: int
    passes: tuple[Hook, ...]


CREATED: dict[int, tuple[Hook, ...]] = {
    NO_SOCKET: (),
    UNIX: ("socket_create", "sk_alloc_security", "socket_post_create"),
    INET: (
        "socket_create",
        "sk_alloc_security",
        BPF_CGROUP_INET_SOCK_CREATE,
        "socket_post_create",
    ),
}
CREATED[INET6] = CREATED[INET]
"""The hooks that creating a socket passes, by family."""

CLOSED: dict[int, tuple[Hook, ...]] = {
    NO_SOCKET: (),
    UNIX: (),
    INET: (BPF_CGROUP_INET_SOCK_RELEASE,),
}
CLOSED[INET6] = CLOSED[INET]
"""The hooks that closing a socket passes, by family."""

IGNORED = frozenset({BPF_CGROUP_INET_SOCK_RELEASE, "socket_getpeersec_dgram"})
"""The hooks on the way where the kernel ignores what programs return."""

AS_ERRNO: dict[Hook, int] = {"sk_alloc_security": errnos.ENOMEM}
"""The errno of a hook where the kernel drops the one of the program: ``sock.c:sk_prot_alloc``."""

_SENT: tuple[Hook, ...] = ("sk_getsecid", BPF_CGROUP_INET_EGRESS, "socket_sock_rcv_skb")
"""The loopback interface delivers a packet at once, and so in the process that sends it."""
_SEND = Event("send", INET, ("socket_sendmsg", BPF_CGROUP_UDP4_SENDMSG, *_SENT))
_SEND6 = Event("send", INET6, ("socket_sendmsg", BPF_CGROUP_UDP6_SENDMSG, *_SENT))
_BIND = Event("bind", INET, ("socket_bind", BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET4_POST_BIND))
_BIND6 = Event("bind", INET6, ("socket_bind", BPF_CGROUP_INET6_BIND, BPF_CGROUP_INET6_POST_BIND))
_RECEIVED: tuple[Hook, ...] = (BPF_CGROUP_INET_INGRESS, "socket_recvmsg")
_CREATE = Event("create", INET, ())
_RECEIVE = Event("receive", INET, _BIND.passes + _RECEIVED)
_CONNECT = Event("connect", INET, ("socket_connect", BPF_CGROUP_INET4_CONNECT, "sk_getsecid"))
_CONNECT6 = Event("connect", INET6, ("socket_connect", BPF_CGROUP_INET6_CONNECT, "sk_getsecid"))
_CONNECT_UNIX = Event("connect", UNIX, ("socket_connect", BPF_CGROUP_UNIX_CONNECT, "unix_may_send"))
_GETSOCKNAME = Event("own_name", INET, ("socket_getsockname", BPF_CGROUP_INET4_GETSOCKNAME))
_GETSOCKOPT = Event("get_option", INET, ("socket_getsockopt", BPF_CGROUP_GETSOCKOPT))
_SETSOCKOPT = Event("set_option", INET, ("socket_setsockopt", BPF_CGROUP_SETSOCKOPT))

EVENTS: dict[Hook, Event] = {
    BPF_CGROUP_INET_INGRESS: _RECEIVE,
    BPF_CGROUP_INET_EGRESS: _SEND,
    BPF_CGROUP_INET_SOCK_CREATE: _CREATE,
    BPF_CGROUP_DEVICE: Event("open_device", NO_SOCKET, (BPF_CGROUP_DEVICE,)),
    BPF_CGROUP_INET4_BIND: _BIND,
    BPF_CGROUP_INET6_BIND: _BIND6,
    BPF_CGROUP_INET4_CONNECT: _CONNECT,
    BPF_CGROUP_INET6_CONNECT: _CONNECT6,
    BPF_CGROUP_INET4_POST_BIND: _BIND,
    BPF_CGROUP_INET6_POST_BIND: _BIND6,
    BPF_CGROUP_UDP4_SENDMSG: _SEND,
    BPF_CGROUP_UDP6_SENDMSG: _SEND6,
    BPF_CGROUP_SYSCTL: Event("read_sysctl", NO_SOCKET, (BPF_CGROUP_SYSCTL,)),
    BPF_CGROUP_UDP4_RECVMSG: Event(
        "receive_from", INET, (*_RECEIVE.passes, BPF_CGROUP_UDP4_RECVMSG)
    ),
    BPF_CGROUP_UDP6_RECVMSG: Event(
        "receive_from", INET6, (*_BIND6.passes, *_RECEIVED, BPF_CGROUP_UDP6_RECVMSG)
    ),
    BPF_CGROUP_GETSOCKOPT: _GETSOCKOPT,
    BPF_CGROUP_SETSOCKOPT: _SETSOCKOPT,
    BPF_CGROUP_INET4_GETPEERNAME: Event(
        "peer_name", INET, (*_CONNECT.passes, "socket_getpeername", BPF_CGROUP_INET4_GETPEERNAME)
    ),
    BPF_CGROUP_INET6_GETPEERNAME: Event(
        "peer_name", INET6, (*_CONNECT6.passes, "socket_getpeername", BPF_CGROUP_INET6_GETPEERNAME)
    ),
    BPF_CGROUP_INET4_GETSOCKNAME: _GETSOCKNAME,
    BPF_CGROUP_INET6_GETSOCKNAME: Event(
        "own_name", INET6, ("socket_getsockname", BPF_CGROUP_INET6_GETSOCKNAME)
    ),
    BPF_CGROUP_INET_SOCK_RELEASE: _CREATE,
    BPF_CGROUP_UNIX_CONNECT: _CONNECT_UNIX,
    BPF_CGROUP_UNIX_SENDMSG: Event(
        "send",
        UNIX,
        (
            *("socket_sendmsg", "socket_getpeersec_dgram", BPF_CGROUP_UNIX_SENDMSG),
            *("socket_sock_rcv_skb", "unix_may_send"),
        ),
    ),
    BPF_CGROUP_UNIX_RECVMSG: Event(
        "receive_from", UNIX, ("socket_bind", "socket_recvmsg", BPF_CGROUP_UNIX_RECVMSG)
    ),
    # The cgroup of the other end counts for UNIX_GETPEERNAME, so nothing is passed there.
    BPF_CGROUP_UNIX_GETPEERNAME: Event(
        "peer_name", UNIX, (*_CONNECT_UNIX.passes, "socket_getpeername")
    ),
    BPF_CGROUP_UNIX_GETSOCKNAME: Event(
        "own_name", UNIX, ("socket_bind", "socket_getsockname", BPF_CGROUP_UNIX_GETSOCKNAME)
    ),
    "socket_create": _CREATE,
    "sk_alloc_security": _CREATE,
    "socket_post_create": _CREATE,
    "socket_bind": _BIND,
    "socket_connect": _CONNECT,
    "socket_sendmsg": _SEND,
    "socket_recvmsg": _RECEIVE,
    "socket_getsockname": _GETSOCKNAME,
    "socket_getsockopt": _GETSOCKOPT,
    "socket_setsockopt": _SETSOCKOPT,
}
"""The usual thing that passes each hook; the other hooks cannot be passed just once."""
EVENTS["socket_getpeername"] = EVENTS[BPF_CGROUP_INET4_GETPEERNAME]
EVENTS["unix_may_send"] = EVENTS[BPF_CGROUP_UNIX_SENDMSG]
EVENTS["sk_getsecid"] = _CONNECT
EVENTS["socket_sock_rcv_skb"] = _SEND

ON_SOCKET = frozenset(hook for hook, event in EVENTS.items() if event.family == INET)
"""The hooks that the owner of an open socket can pass; the socket is one of IPv4."""


def passed(hook: Hook) -> tuple[Hook, ...]:
    """All hooks that a process in a cgroup passes on its way through one, in order."""
    event = EVENTS.get(hook)
    if event is None:
        return (hook,)
    return (*CREATED[event.family], *event.passes, *CLOSED[event.family])
