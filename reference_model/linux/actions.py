# SPDX-License-Identifier: GPL-2.0-only
"""What a process does to pass a hook: the actions of ``events``, each system call once.

The other end of every packet is outside of the cgroups, so that only one side of the loopback
interface runs the programs at hand.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable, Mapping

from ..events import UNIX, Event
from .sockets import (
    SO_PRIORITY,
    SO_TYPE,
    SOL_SOCKET,
    bind,
    call,
    new_socket,
    port_and_drops,
    ready,
    receive,
    receive_from,
    send,
)

ARRIVAL = 10.0
"""Seconds after which a packet that neither arrived nor was counted as dropped is an error."""

Ask = Callable[[str, int, str], bool]
"""Asks the process outside, see ``outside.Outside.do``."""


class Dropped(Exception):
    """The packet did not arrive: a program denied it."""


class Process:
    """A process that passes hooks, with what is outside and, maybe, a socket that it was given."""

    def __init__(
        self, outside: Mapping[int, bytes], ask: Ask, family: int, given: int | None = None
    ) -> None:
        self._outside = outside
        self._ask = ask
        self._family = family
        self._given = given
        self._made: list[int] = []

    @classmethod
    def act(
        cls, event: Event, outside: Mapping[int, bytes], ask: Ask, given: int | None = None
    ) -> None:
        """Do what an event says; OSError with EPERM, or Dropped, if a program denies it."""
        process = cls(outside, ask, event.family, given)
        try:
            getattr(process, event.action)()
        finally:
            for fd in process._made:
                os.close(fd)

    def _socket(self) -> int:
        if self._given is not None:
            return self._given
        fd = new_socket(self._family)
        self._made.append(fd)
        return fd

    def _there(self) -> bytes:
        if self._family not in self._outside:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6 on the loopback interface", "socket")
        return self._outside[self._family]

    # -- the actions --------------------------------------------------------------------------

    def create(self) -> None:
        """Create a socket."""
        self._socket()

    def send(self) -> None:
        """Send a packet to the outside; one that leaves and does not arrive was denied."""
        where = self._there()
        send(self._socket(), where)
        if not self._ask("arrived", self._family, ""):
            raise Dropped

    def _take(self) -> int:
        """Bind a socket, and let a packet from the outside arrive there."""
        self._there()
        fd = self._socket()
        where = bind(fd, self._family)
        dropped = self._drops(fd)
        self._ask("send", self._family, where.hex())
        deadline = time.monotonic() + ARRIVAL
        while not ready(fd):
            if self._drops(fd) != dropped:
                raise Dropped
            if time.monotonic() > deadline:
                raise OSError(errno.ETIMEDOUT, "the packet got lost", "recv")
            time.sleep(0.0005)
        return fd

    def _drops(self, fd: int) -> int:
        return 0 if self._family == UNIX else port_and_drops(fd, self._family)[1]

    def receive(self) -> None:
        """Receive a packet from the outside."""
        receive(self._take())

    def receive_from(self) -> None:
        """Receive a packet from the outside, and ask who sent it."""
        receive_from(self._take())

    def bind(self) -> None:
        """Bind a socket."""
        bind(self._socket(), self._family)

    def connect(self) -> int:
        """Connect a socket to the outside; no packet is sent."""
        where = self._there()
        fd = self._socket()
        call("connect", fd, where, len(where))
        return fd

    def _name(self, function: str, fd: int) -> None:
        memory, size = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
        call(function, fd, memory, ctypes.byref(size))

    def own_name(self) -> None:
        """Ask a socket for its name; a Unix socket has one once it is bound."""
        fd = self._socket()
        if self._family == UNIX:
            bind(fd, UNIX)
        self._name("getsockname", fd)

    def peer_name(self) -> None:
        """Connect a socket, and ask for the name of the other end."""
        self._name("getpeername", self.connect())

    def get_option(self) -> None:
        """Read a socket option."""
        value, size = ctypes.c_int(), ctypes.c_uint32(4)
        reference = ctypes.byref(size)
        call("getsockopt", self._socket(), SOL_SOCKET, SO_TYPE, ctypes.byref(value), reference)

    def set_option(self) -> None:
        """Set a socket option."""
        call("setsockopt", self._socket(), SOL_SOCKET, SO_PRIORITY, ctypes.byref(ctypes.c_int()), 4)

    def open_device(self) -> None:
        """Open a device."""
        os.close(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))

    def read_sysctl(self) -> None:
        """Read a sysctl."""
        fd = os.open("/proc/sys/kernel/ostype", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.read(fd, 64)
        finally:
            os.close(fd)
