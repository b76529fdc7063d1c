# SPDX-License-Identifier: GPL-2.0-only
"""What is not done to a kernel that must continue to run.

Each test says which bug of which releases it keeps away from, by the change that repaired it; the
model knows the same places as undefined behaviour.  A guest that may die lifts the guard.
"""

from __future__ import annotations

from .. import changes
from ..releases import Release
from ..state import Descriptor
from ..uapi import BPF_F_PREORDER, BPF_F_REPLACE
from .descriptors import LinkFd, Map, ProgFd, Program
from .errors import Unsafe


class Guard:
    """Raises Unsafe before an operation that may crash a kernel of this release."""

    def __init__(self, release: Release, *, lifted: bool) -> None:
        self._has = release.has
        self._lifted = lifted
        self._preorder = False

    def _refuse(self, reason: str) -> None:
        if not self._lifted:
            raise Unsafe(reason)

    def link_update(self, link: object, new: object, flags: int, old: Descriptor | None) -> None:
        """The storages of a link stay those of its old program."""
        if not (isinstance(link, LinkFd) and isinstance(new, ProgFd) and link.open and new.open):
            return
        current = link.object.program
        held = isinstance(old, ProgFd) and old.open and old.object is current
        if flags not in (0, int(BPF_F_REPLACE)) or (flags and not held):
            return  # the kernel refuses that before it looks at anything
        if new.object.type is not current.type:
            return
        if (
            not self._has(changes.LINK_UPDATE_COMPARES_MAPS)
            and new.object.cookies != current.cookies
        ):
            self._refuse("a link update to a program with other storage maps")
        if self._preorder and not self._has(changes.PREORDER_INDEX):
            self._refuse("a link update where programs were attached with BPF_F_PREORDER")

    def attached(self, flags: int) -> None:
        """Something was attached with these flags."""
        self._preorder = self._preorder or bool(flags & BPF_F_PREORDER)

    def attach_twice(self, program: Program, elsewhere: bool) -> None:
        """Before 5.9 each attachment owns a storage, and two of them have the same key."""
        if elsewhere and any(program.cookies) and not self._has(changes.SHARED_STORAGE):
            self._refuse("a second attachment of a program on one hook, before 5.9")

    def wants_links_counted(self) -> bool:
        """Whether attach_twice() can refuse at all."""
        if self._lifted:  # counting asks the kernel, which a user may not
            return False
        return self._has(changes.LINKS) and not self._has(changes.SHARED_STORAGE)

    def tail_calls(
        self, array: Map, caller: Program | None = None, callee: Program | None = None
    ) -> None:
        """A called program works on the storages of the one that was attached."""
        if self._has(changes.TAIL_CALL_COOKIES_TIGHT):
            return
        callers = [*array.callers, *([caller] if caller else [])]
        callees = [*array.callees, *([callee] if callee else [])]
        refuses = self._has(changes.TAIL_CALL_COOKIES)
        for first in callers:
            for second in callees:
                for mine, needed in zip(first.cookies, second.cookies, strict=True):
                    if needed and mine != needed and not (refuses and mine):
                        self._refuse("a tail call into a program with other storage maps")

    def update_percpu(self, cpus: tuple[int, ...]) -> None:
        """Releases that take the number of a CPU for its place read beyond the user's value."""
        wrong = self._has(changes.CPU_FLAGS) and not self._has(changes.SPARSE_CPUS)
        if cpus[-1] >= len(cpus) and wrong:
            self._refuse("a per-CPU update where the numbers of the CPUs have holes")

    def send_below_removed(self) -> None:
        """From 5.3 to 5.4.12 a removed ancestor was released before its descendants."""
        if self._has(changes.CGROUP_BPF_REFCOUNT) and not self._has(changes.ANCESTORS_HELD):
            self._refuse("traffic of a socket below a removed cgroup")
