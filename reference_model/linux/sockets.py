# SPDX-License-Identifier: GPL-2.0-only
"""Datagram sockets on this machine, by the system calls that are named and by no others.

By libc's functions: Python's own sockets ask for names and options by themselves, and would so pass
further hooks.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
from pathlib import Path

from ..events import INET, INET6, UNIX
from .syscall import libc

SOCK_DGRAM, SOCK_CLOEXEC = 2, 0o2000000
SOL_SOCKET, SO_TYPE, SO_PRIORITY, MSG_DONTWAIT = 1, 3, 12, 0x40
LOOPBACK = {INET: b"\x7f\0\0\1", INET6: bytes(15) + b"\1"}
TABLES = {INET: Path("/proc/net/udp"), INET6: Path("/proc/net/udp6")}


def address(family: int, port: int) -> bytes:
    """``struct sockaddr_in`` or ``sockaddr_in6`` of the loopback interface."""
    head = struct.pack("=H", family) + struct.pack(">H", port)
    if family == INET:
        return head + LOOPBACK[family] + bytes(8)
    return head + bytes(4) + LOOPBACK[family] + bytes(4)


def own_address(fd: int, family: int) -> bytes:
    """The address to which this process binds a socket: of a free port, or an abstract name."""
    if family == UNIX:
        return struct.pack("=H", UNIX) + b"\0%d-%d" % (os.getpid(), fd)
    return address(family, 0)


def call(name: str, *arguments: object) -> int:
    """A function of libc; OSError with errno, and its name as the file name."""
    result: int = getattr(libc(), name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def new_socket(family: int = INET) -> int:
    """Create a datagram socket."""
    return call("socket", family, SOCK_DGRAM | SOCK_CLOEXEC, 0)


def bind(fd: int, family: int) -> bytes:
    """Bind a socket, unless it is bound already, and return the address that others send to."""
    where = own_address(fd, family)
    try:
        call("bind", fd, where, len(where))
    except OSError as error:
        if error.errno != errno.EINVAL:  # it is bound already: the hook was passed before that
            raise
    return where if family == UNIX else address(family, port_and_drops(fd, family)[0])


def send(fd: int, where: bytes) -> None:
    """Send a byte to an address."""
    call("sendto", fd, b"x", 1, 0, where, len(where))


def ready(fd: int, seconds: float = 0) -> bool:
    """Whether something can be read, within so many seconds."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def receive(fd: int) -> None:
    """Receive a packet that waits."""
    call("recv", fd, ctypes.create_string_buffer(64), 64, MSG_DONTWAIT)


def receive_from(fd: int) -> None:
    """Receive a packet that waits, and ask who sent it."""
    sender, size = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
    memory = ctypes.create_string_buffer(64)
    call("recvfrom", fd, memory, 64, MSG_DONTWAIT, sender, ctypes.byref(size))


def drain(fd: int) -> None:
    """Discard packets of earlier actions."""
    while ready(fd):
        receive(fd)


def port_and_drops(fd: int, family: int) -> tuple[int, int]:
    """The port of a UDP socket, and how many packets it did not take; 0, 0 if it is not bound.

    From /proc/net/udp: getsockname(2) would pass a hook.
    """
    inode = str(os.fstat(fd).st_ino)
    for line in TABLES[family].read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] == inode:
            return int(fields[1].rpartition(":")[2], 16), int(fields[12])
    return 0, 0
