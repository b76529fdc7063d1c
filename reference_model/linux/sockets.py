# SPDX-License-Identifier: GPL-2.0-only
"""UDP sockets on the loopback interface, by the system calls that are named and by no others.

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

from .syscall import libc

AF_INET, AF_INET6, SOCK_DGRAM, SOCK_CLOEXEC = 2, 10, 2, 0o2000000
SOL_SOCKET, SO_TYPE, SO_PRIORITY, MSG_DONTWAIT = 1, 3, 12, 0x40
LOOPBACK = {AF_INET: b"\x7f\0\0\1", AF_INET6: bytes(15) + b"\1"}
TABLES = {AF_INET: Path("/proc/net/udp"), AF_INET6: Path("/proc/net/udp6")}

Peers = dict[int, tuple[int, int]]
"""The outside: address family -> descriptor and port of a UDP socket on the loopback interface."""


def address(family: int, port: int) -> bytes:
    """``struct sockaddr_in`` or ``sockaddr_in6`` of the loopback interface."""
    head = struct.pack("=H", family) + struct.pack(">H", port)
    if family == AF_INET:
        return head + LOOPBACK[family] + bytes(8)
    return head + bytes(4) + LOOPBACK[family] + bytes(4)


def call(name: str, *arguments: object) -> int:
    """A function of libc; OSError with errno, and its name as the file name."""
    result: int = getattr(libc(), name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def udp_socket(family: int = AF_INET) -> int:
    """Make a UDP socket: passes INET_SOCK_CREATE."""
    return call("socket", family, SOCK_DGRAM | SOCK_CLOEXEC, 0)


def bind(fd: int, family: int, port: int = 0) -> None:
    """Bind to the loopback interface: passes BIND and, if that works, POST_BIND."""
    where = address(family, port)
    try:
        call("bind", fd, where, len(where))
    except OSError as error:
        if error.errno != errno.EINVAL:  # it is bound already: the hook was passed before that
            raise


def ready(fd: int, seconds: float = 0) -> bool:
    """Whether something can be read, within so many seconds."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def receive(fd: int) -> bool:
    """Take a packet that waits; False if there is none.  Passes RECVMSG if it asks who sent it."""
    return int(libc().recv(fd, ctypes.create_string_buffer(64), 64, MSG_DONTWAIT)) >= 0


def receive_from(fd: int) -> None:
    """Take a packet and ask who sent it: passes RECVMSG."""
    sender, size = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
    memory = ctypes.create_string_buffer(64)
    call("recvfrom", fd, memory, 64, MSG_DONTWAIT, sender, ctypes.byref(size))


def drain(fd: int) -> None:
    """Forget packets of earlier actions."""
    while receive(fd):
        pass


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


def open_peers() -> Peers:
    """The sockets outside, bound to the loopback interface; OSError without IPv4 there."""
    peers: Peers = {}
    for family in (AF_INET, AF_INET6):
        fd = -1
        try:
            fd = udp_socket(family)
            bind(fd, family)
        except OSError:
            if fd >= 0:
                os.close(fd)
            if family == AF_INET:
                raise
            continue
        peers[family] = fd, port_and_drops(fd, family)[0]
    return peers
