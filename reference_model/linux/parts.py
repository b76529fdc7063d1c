# SPDX-License-Identifier: GPL-2.0-only
"""What the parts of a LinuxKernel use of each other.

Each part inherits LinuxPart alone, as the parts of the model inherit KernelPart.  A heading names
the module that implements the declarations below it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from .state import LinuxState

if TYPE_CHECKING:
    from ..cgroups import Cgroup as AnyCgroup
    from .descriptors import Link, Open, Socket
    from .tree import Cgroup


class LinuxPart(LinuxState):
    """The state of a LinuxKernel, and the methods by which its parts work together."""

    # -- cgroups ----------------------------------------------------------------------------------

    @abstractmethod
    def _settle(self) -> None:
        """Wait for the release of each removed cgroup that no socket keeps, its own or below."""

    # -- map_create -------------------------------------------------------------------------------

    @abstractmethod
    def _when_memory_is_back(self, make: Callable[[], int]) -> int:
        """Repeat a call for a moment if locked memory was short: the kernel may give it back."""

    # -- attachments ------------------------------------------------------------------------------

    @abstractmethod
    def _check_twice(
        self, cgroup: AnyCgroup, prog: object, attach_type: int, *, link: bool = False
    ) -> None:
        """Unsafe if the program would have a second attachment on the hook, where that is a bug."""

    @abstractmethod
    def _programs_on_hook_of(self, link: Link) -> int | None:
        """How many programs are attached to the hook of a link, if the kernel says so."""

    @abstractmethod
    def _when_slot_is_free(self, attach_type: int, attach: Callable[[], int]) -> int:
        """Attach once the slots of LSM hooks that lost their last program are free."""

    @abstractmethod
    def _unless_slots_are_taken(self, attach_type: int, act: Callable[[], int]) -> None:
        """Call, and once more when the slots of LSM hooks are free if all may have been taken."""

    # -- pins -------------------------------------------------------------------------------------

    @abstractmethod
    def _let_go(self, descriptor: Open | Socket | Cgroup) -> None:
        """Close something that is open."""
