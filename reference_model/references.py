# SPDX-License-Identifier: GPL-2.0-only
"""References to maps, programs and links: what a descriptor refers to, and the last reference.

Modelled: ``kernel/bpf/syscall.c``: ``__bpf_map_get``, ``bpf_prog_get``, ``bpf_link_get_from_fd``,
``bpf_map_put``, ``bpf_map_put_uref``, ``bpf_prog_put``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import errors
from .cgroups import Cgroup
from .links import Link, LinkFd
from .maps import Map, MapFd, StorageMap
from .parts import KernelPart
from .prog_arrays import ProgArray
from .programs import ProgFd, Program
from .state import Descriptor
from .storages import Storage
from .uapi import ProgType


class References(KernelPart):
    """What descriptors refer to, and what the kernel frees with the last reference."""

    def _map(self, map: object) -> Map:
        if isinstance(map, MapFd):
            if map.open:
                return map.object
            raise errors.BadDescriptor
        raise not_a(map)

    def _program(self, descriptor: object, prog_type: ProgType | None = None) -> Program:
        if not isinstance(descriptor, ProgFd):
            raise not_a(descriptor)
        if not descriptor.open:
            raise errors.BadDescriptor
        if prog_type is not None and descriptor.object.type is not prog_type:
            raise errors.WrongDescriptor
        return descriptor.object

    def _link(self, descriptor: object) -> Link:
        if not isinstance(descriptor, LinkFd):
            raise not_a(descriptor)
        if not descriptor.open:
            raise errors.BadDescriptor
        return descriptor.object

    def _check_put(self, programs: Sequence[Program], freed: Iterable[Storage | None] = ()) -> None:
        dying = {program for program in programs if program.refs == programs.count(program)}
        for found in {found for program in dying for found in program.maps}:
            if found.refs == sum(found in program.maps for program in dying):
                self._check_destroy(found, freed)

    def _check_destroy(self, found: Map, freed: Iterable[Storage | None] = ()) -> None:
        if isinstance(found, StorageMap) and found.entries:
            self.storages.check_destroy(found, set(freed))

    def _put_program(self, program: Program) -> None:
        program.refs -= 1
        if program.refs:
            return
        del self.objects["prog"][program.id]
        for storage_map in program.storage_maps:
            if storage_map is not None and storage_map.owner is program:
                storage_map.owner = None
        for found in program.maps:
            self._put_map(found)

    def _put_map(self, found: Map) -> None:
        """Drop a reference; the last one destroys the map."""
        found.refs -= 1
        if not found.refs:
            del self.objects["map"][found.id]
            found.destroy(self)

    def _put_uref(self, found: Map) -> None:
        found.urefs -= 1
        if not found.urefs and isinstance(found, ProgArray):
            found.clear(self)
        self._put_map(found)


def not_a(descriptor: object) -> Exception:
    """EINVAL for another kind of descriptor (None: descriptor 0), TypeError for anything else."""
    if descriptor is None:
        return errors.WrongDescriptor()
    if isinstance(descriptor, (Cgroup, Descriptor)):
        return errors.WrongDescriptor() if descriptor.open else errors.BadDescriptor()
    return TypeError(f"expected a descriptor, not {descriptor!r}")
