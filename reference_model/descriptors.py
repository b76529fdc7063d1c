# SPDX-License-Identifier: GPL-2.0-only
"""Closing and duplicating descriptors, and pins in bpffs.

Modelled: ``kernel/bpf/syscall.c``: ``bpf_obj_pin``, ``bpf_obj_get`` and the release functions of
descriptors; ``kernel/bpf/inode.c``: ``bpf_obj_get_user``.  Left out: what bpffs does beside pins.
"""

from __future__ import annotations

from . import changes, errors
from .cgroups import Cgroup
from .links import Link, LinkFd
from .maps import Map, MapFd
from .parts import KernelPart
from .prog_arrays import ProgArray
from .programs import ProgFd, Program
from .references import not_a
from .state import Descriptor, Object
from .uapi import BPF_F_RDONLY, BPF_F_WRONLY

_PATH_FD = 1 << 14
"""``BPF_F_PATH_FD``: the path is relative to a directory's descriptor."""
_FD: dict[str, type[Descriptor]] = {"map": MapFd, "prog": ProgFd, "link": LinkFd}


class DescriptorCommands(KernelPart):
    """Descriptors and pins."""

    def close(self, descriptor: Descriptor | Cgroup) -> None:
        if not isinstance(descriptor, (Descriptor, Cgroup)):
            raise not_a(descriptor)
        if not descriptor.open:
            raise errors.BadDescriptor
        if isinstance(descriptor, Descriptor):
            self._put(descriptor.object)
        descriptor.open = False

    def dup(self, descriptor: Descriptor) -> Descriptor:
        if not isinstance(descriptor, Descriptor):
            raise TypeError(
                f"dup() takes the descriptor of a map, program or link, not {descriptor!r}"
            )
        if not descriptor.open:
            raise errors.BadDescriptor
        return self._new_descriptor(descriptor.object, descriptor.mode)

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        self._check_command()
        if not isinstance(descriptor, Descriptor) or not descriptor.open:
            error = not_a(descriptor)
            if isinstance(error, errors.BadDescriptor) and self.has(changes.LINKS):
                raise errors.NoDescriptorToPin
            raise error
        if path in self.pins:
            raise errors.PathExists(path)
        self._get(descriptor.object)
        self.pins[path] = descriptor.object

    def obj_get(self, path: str, file_flags: int = 0) -> Descriptor:
        if file_flags & _PATH_FD:
            raise ValueError(
                f"file_flags: the model has no BPF_F_PATH_FD ({_PATH_FD:#x}); leave it out"
            )
        self._check_command()
        if file_flags not in (0, BPF_F_RDONLY, BPF_F_WRONLY):
            raise errors.MapFlags(file_flags)
        if path not in self.pins:
            raise errors.NoSuchPath(path)
        found = self.pins[path]
        if file_flags and self._needs_read_and_write(found):
            raise errors.MapFlags(file_flags)
        return self._new_descriptor(found, file_flags)

    def unlink(self, path: str) -> None:
        if path not in self.pins:
            raise errors.NoSuchPath(path)
        self._put(self.pins[path])
        del self.pins[path]

    def _needs_read_and_write(self, found: Object) -> bool:
        """Whether BPF_OBJ_GET opens an object only for reading and writing."""
        if found.kind == "link":
            return self.has(changes.LINK_DESCRIPTORS_READ_AND_WRITE)
        return (
            found.kind == "prog"
            and self.has(changes.PROG_DESCRIPTORS_READ_AND_WRITE)
            and not self.has(changes.PROG_DESCRIPTORS_OF_ANY_MODE)
        )

    def _new_descriptor(self, found: Object, mode: int) -> Descriptor:
        self._get(found)
        return _FD[found.kind](found, mode)

    def _get(self, found: Object) -> None:
        found.refs += 1
        if isinstance(found, Map):
            found.urefs += 1

    def _put(self, found: Object) -> None:
        """Drop one of user space's references."""
        if isinstance(found, Map):
            if found.refs == 1:
                self._check_destroy(found)
            if found.urefs == 1 and isinstance(found, ProgArray):
                self._check_put([program for program in found.slots if program is not None])
            self._put_uref(found)
        elif isinstance(found, Program):
            self._check_put([found])
            self._put_program(found)
        else:
            assert isinstance(found, Link)
            self._put_link(found)
