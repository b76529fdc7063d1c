# SPDX-License-Identifier: GPL-2.0-only
"""What the parts of the model use of each other.

Each part of a Kernel inherits KernelPart alone, and Kernel lists the parts.  So a part depends on
no other part, only on the declarations here.  A heading names the module that implements them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .state import State

if TYPE_CHECKING:
    from .attachments import Attachment
    from .cgroups import Cgroup
    from .links import Link
    from .maps import Map
    from .programs import Program
    from .state import Descriptor
    from .storages import Storage
    from .uapi import AttachType, ProgType


class KernelPart(State):
    """The state of a kernel, and the methods by which its parts work together."""

    # -- references -------------------------------------------------------------------------------

    @abstractmethod
    def _map(self, map: object) -> Map:
        """Return a descriptor's map; EBADF if it is closed, EINVAL for another kind."""

    @abstractmethod
    def _program(self, descriptor: object, prog_type: ProgType | None = None) -> Program:
        """Return a descriptor's program; EBADF if closed, EINVAL for another kind or type."""

    @abstractmethod
    def _link(self, descriptor: object) -> Link:
        """Return a descriptor's link; EBADF if it is closed, EINVAL for another kind."""

    @abstractmethod
    def _check_put(self, programs: Sequence[Program], freed: Iterable[Storage | None] = ()) -> None:
        """UndefinedBehaviour if dropping these references destroys a map with storages in it.

        ``freed`` are the storages that are freed first.  Source: ``cgroup_storage_map_free()``.
        """

    @abstractmethod
    def _check_destroy(self, found: Map, freed: Iterable[Storage | None] = ()) -> None:
        """UndefinedBehaviour if the kernel could not destroy the map."""

    @abstractmethod
    def _put_program(self, program: Program) -> None:
        """Drop a reference; the last one frees the program, its bindings and its maps."""

    @abstractmethod
    def _put_uref(self, found: Map) -> None:
        """Drop a reference of user space; the last one empties a program array."""

    # -- cgroups ----------------------------------------------------------------------------------

    @abstractmethod
    def _make_root(self) -> None:
        """Create the root cgroup, which has inode number 1."""

    @abstractmethod
    def _live_cgroup(self, cgroup: Cgroup | None) -> Cgroup:
        """``cgroup_get_from_fd()``: EBADF unless it is an open directory, ENOENT if removed."""

    @abstractmethod
    def _ending(self, cgroup: Cgroup) -> list[Cgroup]:
        """The cgroups that end when a removed one loses its last reference, lowest first."""

    @abstractmethod
    def _end(self, ending: list[Cgroup]) -> None:
        """Release the BPF state of these cgroups and free those that no descendant needs."""

    # -- programs ---------------------------------------------------------------------------------

    @abstractmethod
    def _attach_type(self, number: int) -> AttachType | None:
        """The attach type of this number, or None if this kernel has none."""

    @abstractmethod
    def _check_attach_type(self, program: Program, attach_type: AttachType | None) -> None:
        """``bpf_prog_attach_check_attach_type()``: EINVAL; EPERM without CAP_NET_ADMIN (5.8)."""

    # -- attachments ------------------------------------------------------------------------------

    @abstractmethod
    def _cgroup_attach(
        self,
        cgroup: Cgroup,
        attach_type: AttachType,
        program: Program,
        link: Link | None,
        flags: int,
        replaced: Program | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        """``__cgroup_bpf_attach()``: attach a program directly, or through a new link."""

    @abstractmethod
    def _cgroup_detach(self, cgroup: Cgroup, hook_id: AttachType | str, entry: Attachment) -> None:
        """``__cgroup_bpf_detach()``: remove the attachment; the caller drops its program."""

    @abstractmethod
    def _check_index(self, hook_id: AttachType | str, entry: Attachment) -> None:
        """UndefinedBehaviour where the kernel counts PREORDER programs wrongly.

        Source: ``cgroup.c:replace_effective_prog``, ``purge_effective_progs``.
        """

    @abstractmethod
    def _check_release(self, cgroups: list[Cgroup]) -> None:
        """UndefinedBehaviour where the kernel could not release the BPF state of these cgroups."""

    @abstractmethod
    def _cgroup_bpf_release(self, cgroup: Cgroup) -> None:
        """``cgroup_bpf_release()``: release the programs, links and storages of the cgroup."""

    # -- links ------------------------------------------------------------------------------------

    @abstractmethod
    def _put_link(self, link: Link) -> None:
        """Drop a reference; the last one detaches the link and drops its program."""
