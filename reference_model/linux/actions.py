# SPDX-License-Identifier: GPL-2.0-only
"""What a process does to pass a hook: just the system calls that it takes, each of them once.

The other end of every packet is one of the ``peers``, sockets that were made outside of the
cgroups, so that only one side of the loopback interface runs the programs at hand.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable

from .. import uapi
from ..uapi import AttachType
from .sockets import (
    AF_INET,
    AF_INET6,
    SO_PRIORITY,
    SO_TYPE,
    SOL_SOCKET,
    Peers,
    address,
    bind,
    call,
    drain,
    port_and_drops,
    ready,
    receive,
    receive_from,
    udp_socket,
)

ARRIVAL = 10.0
"""Seconds after which a packet that neither arrived nor was counted as dropped is an error."""
SENT = 0.5
"""Seconds after which a sent packet that nobody received was dropped on its way out."""


class Dropped(Exception):
    """The packet did not arrive: a program denied it."""


class Process:
    """A process that passes hooks, with the sockets outside and, maybe, one that it was given."""

    def __init__(self, peers: Peers, given: int | None = None) -> None:
        self._peers = peers
        self._given = given
        self._made: list[int] = []

    def pass_through(self, hook: AttachType | str) -> None:
        """Pass a hook; OSError with EPERM, or Dropped, if a program says no."""
        try:
            ACTIONS[hook](self)
        finally:
            for fd in self._made:
                os.close(fd)

    def new_socket(self) -> int:
        """A UDP socket that outlives this."""
        return udp_socket()

    def _socket(self, family: int = AF_INET) -> int:
        if self._given is not None:
            return self._given
        fd = udp_socket(family)
        self._made.append(fd)
        return fd

    def _peer(self, family: int) -> tuple[int, int]:
        if family not in self._peers:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6 on the loopback interface", "socket")
        return self._peers[family]

    # -- what there is to do ------------------------------------------------------------------

    def create(self) -> None:
        """Make a socket."""
        self._socket()

    def send(self, family: int = AF_INET) -> None:
        """A packet to the outside; one that leaves the socket and is dropped then was denied."""
        peer, port = self._peer(family)
        fd, where = self._socket(family), address(family, port)
        drain(peer)
        call("sendto", fd, b"x", 1, 0, where, len(where))
        if not ready(peer, SENT):
            raise Dropped
        drain(peer)

    def send6(self) -> None:
        """A packet to the outside, by IPv6."""
        self.send(AF_INET6)

    def take(self, family: int = AF_INET) -> int:
        """A packet from the outside reaches a socket; it is left there to be received."""
        fd = self._socket(family)
        bind(fd, family)
        drain(fd)
        port, dropped = port_and_drops(fd, family)
        where = address(family, port)
        call("sendto", self._peer(family)[0], b"x", 1, 0, where, len(where))
        deadline = time.monotonic() + ARRIVAL
        while not ready(fd):
            if port_and_drops(fd, family)[1] != dropped:
                raise Dropped
            if time.monotonic() > deadline:
                raise OSError(errno.ETIMEDOUT, "the packet got lost", "recv")
            time.sleep(0.0005)
        return fd

    def ingress(self) -> None:
        """A packet from the outside, received."""
        receive(self.take())

    def receive4(self) -> None:
        """A packet from the outside, received with its sender's name."""
        receive_from(self.take(AF_INET))

    def receive6(self) -> None:
        """The same by IPv6."""
        receive_from(self.take(AF_INET6))

    def bind4(self) -> None:
        """Bind a socket."""
        bind(self._socket(AF_INET), AF_INET)

    def bind6(self) -> None:
        """Bind a socket of IPv6."""
        bind(self._socket(AF_INET6), AF_INET6)

    def connect(self, family: int = AF_INET) -> int:
        """Connect a socket to the outside; UDP, so that no packet is sent."""
        fd, where = self._socket(family), address(family, self._peer(family)[1])
        call("connect", fd, where, len(where))
        return fd

    def connect6(self) -> None:
        """Connect a socket of IPv6."""
        self.connect(AF_INET6)

    def _name(self, function: str, fd: int) -> None:
        memory, size = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
        call(function, fd, memory, ctypes.byref(size))

    def own_name(self, family: int = AF_INET) -> None:
        """Ask a socket for its name."""
        self._name("getsockname", self._socket(family))

    def own_name6(self) -> None:
        """Ask a socket of IPv6 for its name."""
        self.own_name(AF_INET6)

    def peer_name(self, family: int = AF_INET) -> None:
        """Connect, and ask for the name of the other end."""
        self._name("getpeername", self.connect(family))

    def peer_name6(self) -> None:
        """The same by IPv6."""
        self.peer_name(AF_INET6)

    def get_option(self) -> None:
        """Read a socket option."""
        value, size = ctypes.c_int(), ctypes.c_uint32(4)
        reference = ctypes.byref(size)
        call("getsockopt", self._socket(), SOL_SOCKET, SO_TYPE, ctypes.byref(value), reference)

    def set_option(self) -> None:
        """Set a socket option."""
        call("setsockopt", self._socket(), SOL_SOCKET, SO_PRIORITY, ctypes.byref(ctypes.c_int()), 4)

    def device(self) -> None:
        """Open a device."""
        os.close(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))

    def sysctl(self) -> None:
        """Read a sysctl."""
        fd = os.open("/proc/sys/kernel/ostype", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.read(fd, 64)
        finally:
            os.close(fd)


ACTIONS: dict[AttachType | str, Callable[[Process], object]] = {
    uapi.BPF_CGROUP_INET_SOCK_CREATE: Process.create,
    uapi.BPF_CGROUP_INET_SOCK_RELEASE: Process.create,  # and the socket is closed at the end
    uapi.BPF_CGROUP_INET_EGRESS: Process.send,
    uapi.BPF_CGROUP_UDP4_SENDMSG: Process.send,
    uapi.BPF_CGROUP_UDP6_SENDMSG: Process.send6,
    uapi.BPF_CGROUP_INET_INGRESS: Process.ingress,
    uapi.BPF_CGROUP_UDP4_RECVMSG: Process.receive4,
    uapi.BPF_CGROUP_UDP6_RECVMSG: Process.receive6,
    uapi.BPF_CGROUP_INET4_BIND: Process.bind4,
    uapi.BPF_CGROUP_INET6_BIND: Process.bind6,
    uapi.BPF_CGROUP_INET4_POST_BIND: Process.bind4,
    uapi.BPF_CGROUP_INET6_POST_BIND: Process.bind6,
    uapi.BPF_CGROUP_INET4_CONNECT: Process.connect,
    uapi.BPF_CGROUP_INET6_CONNECT: Process.connect6,
    uapi.BPF_CGROUP_INET4_GETSOCKNAME: Process.own_name,
    uapi.BPF_CGROUP_INET6_GETSOCKNAME: Process.own_name6,
    uapi.BPF_CGROUP_INET4_GETPEERNAME: Process.peer_name,
    uapi.BPF_CGROUP_INET6_GETPEERNAME: Process.peer_name6,
    uapi.BPF_CGROUP_GETSOCKOPT: Process.get_option,
    uapi.BPF_CGROUP_SETSOCKOPT: Process.set_option,
    uapi.BPF_CGROUP_DEVICE: Process.device,
    uapi.BPF_CGROUP_SYSCTL: Process.sysctl,
    "socket_create": Process.create,
    "socket_post_create": Process.create,
    "socket_bind": Process.bind4,
    "socket_connect": Process.connect,
    "socket_sendmsg": Process.send,
    "socket_recvmsg": Process.ingress,
    "socket_getsockopt": Process.get_option,
    "socket_setsockopt": Process.set_option,
    "socket_getsockname": Process.own_name,
}
"""How to pass each hook; an LSM hook by its name.  The others cannot be passed just once."""

ON_SOCKET = frozenset(
    hook
    for hook, action in ACTIONS.items()
    if isinstance(hook, AttachType)
    and action not in (Process.device, Process.sysctl)
    and "6" not in hook.name
)
"""The hooks that can be passed with an open socket, which is one of IPv4."""
