# SPDX-License-Identifier: GPL-2.0-only
"""The other end of every packet: sockets of the process that made the LinuxKernel.

That process is in none of its cgroups, so what it does here runs no program at hand.  A process in
a cgroup asks it through its pipes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..events import INET, INET6, UNIX
from .sockets import bind, drain, new_socket, ready, send
from .syscall import on_cpu

SENT = 0.5
"""Seconds after which a sent packet that did not arrive was dropped on its way out."""


@dataclass
class Outside:
    """Datagram sockets that processes in cgroups send to and receive from, one for each family."""

    fds: dict[int, int] = field(default_factory=dict)
    addresses: dict[int, bytes] = field(default_factory=dict)

    def open(self) -> None:
        """Create and bind the sockets; OSError if the loopback interface has no IPv4."""
        for family in (INET, INET6, UNIX):
            fd = -1
            try:
                fd = new_socket(family)
                self.addresses[family] = bind(fd, family)
            except OSError:
                if fd >= 0:
                    os.close(fd)
                if family == INET:
                    raise
                continue
            self.fds[family] = fd

    def do(self, what: str, family: int, where: str, cpu: int) -> bool:
        """``send``: send a packet to an address on a CPU; ``arrived``: whether one came here."""
        fd = self.fds[family]
        if what == "send":
            with on_cpu(cpu):  # where a packet is sent, its receiver's programs run
                send(fd, bytes.fromhex(where))
            return True
        arrived = ready(fd, SENT)
        drain(fd)
        return arrived
