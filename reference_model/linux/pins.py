# SPDX-License-Identifier: GPL-2.0-only
"""Closing and duplicating descriptors, and pins in bpffs, on the running kernel.

Each method has the parameters, answers and errors of the interface.  Pins are files in a directory
of the LinuxKernel's own, whatever their names.
"""

from __future__ import annotations

import os
from errno import EBADF, EINVAL
from pathlib import Path

from .. import cgroups
from ..state import Descriptor
from .deferred import wait_blindly, wait_for, wait_until_empty
from .descriptors import Link, LinkFd, Map, MapFd, Open, ProgFd, Socket, number_of, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import Command, Pin, address, bpf, buffer
from .tree import Cgroup


class DescriptorCommands(LinuxPart):
    """Descriptors and pins."""

    def close(self, descriptor: Descriptor | cgroups.Cgroup) -> None:
        number = number_of(descriptor)
        if not isinstance(descriptor, (MapFd, ProgFd, LinkFd, Cgroup)) or number < 0:
            raise KernelError(EBADF if number < 0 else EINVAL, "close")
        self._let_go(descriptor)

    def _let_go(self, descriptor: Open | Socket | Cgroup) -> None:
        os.close(descriptor.fd)
        descriptor.open = False
        self.held.descriptors.remove(descriptor)
        self.slots_settled = self.slots_settled and not isinstance(descriptor, LinkFd)
        if isinstance(descriptor, MapFd):
            self._wait_until_empty(descriptor.object)

    def _wait_until_empty(self, found: Map) -> None:
        """Wait until a program array that no descriptor and no pin holds has no elements."""
        if found.is_array and not self._references(found):
            wait_until_empty()

    def _references(self, found: Map | Link) -> int:
        """How many descriptors and pins hold an object."""
        holders = (*self.held.descriptors, *self._pinned.values())
        return sum(isinstance(it, Open) and it.object is found for it in holders)

    def dup(self, descriptor: Descriptor) -> Descriptor:
        number = number_of(descriptor)
        if number < 0 or not isinstance(descriptor, (MapFd, ProgFd, LinkFd)):
            raise KernelError(EBADF, "dup")
        return self._again(descriptor, os.dup(number), descriptor.mode)

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        name = buffer(os.fsencode(self._pin(path)) + b"\0")
        bpf(Command.BPF_OBJ_PIN, Pin(pathname=address(name), bpf_fd=word(descriptor)))
        assert isinstance(descriptor, (MapFd, ProgFd, LinkFd))
        self._pinned[path] = descriptor

    def obj_get(self, path: str, file_flags: int = 0) -> Descriptor:
        name = buffer(os.fsencode(self._pin(path)) + b"\0")
        fd = bpf(Command.BPF_OBJ_GET, Pin(pathname=address(name), file_flags=file_flags))
        return self._again(self._pinned[path], fd, int(file_flags))

    def unlink(self, path: str) -> None:
        pin, link = self._pin(path), self._held_by_pin_alone(path)
        before = self._programs_on_hook_of(link) if link is not None else None
        try:
            pin.unlink()
        except OSError as error:
            raise KernelError(error.errno or 0, "unlink") from None
        unpinned = self._pinned.pop(path)
        self.slots_settled = False
        if link is None or before is None or not self._is_detached(link, before):
            wait_blindly()
        if isinstance(unpinned, MapFd):
            self._wait_until_empty(unpinned.object)

    def _held_by_pin_alone(self, path: str) -> Link | None:
        """The link that ends with a pin: it is attached, and nothing else holds it."""
        link = self._pinned[path].object if path in self._pinned else None
        if not isinstance(link, Link) or link.cgroup is None or self._references(link) > 1:
            return None
        return link

    def _is_detached(self, link: Link, before: int) -> bool:
        """Wait for the end of a link: a kernel lets go of an unlinked pin a little later."""
        return wait_for(lambda: self._programs_on_hook_of(link) != before)

    def _pin(self, path: str) -> Path:
        """Where the pin of this name stands: bpffs wants neither dots nor, here, directories."""
        plain = "".join(c if c.isalnum() or c in "-" else f"_{ord(c):x}_" for c in path)
        return self._pin_directory() / plain

    def _again(self, descriptor: Open, fd: int, mode: int) -> Open:
        again: Open
        if isinstance(descriptor, MapFd):
            again = MapFd(descriptor.object, fd, mode)
        elif isinstance(descriptor, ProgFd):
            again = ProgFd(descriptor.object, fd, mode)
        else:
            again = LinkFd(descriptor.object, fd, mode)
        self.held.descriptors.append(again)
        return again
