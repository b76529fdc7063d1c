# SPDX-License-Identifier: GPL-2.0-only
"""What can go wrong on a real kernel: its own refusals, what is missing, what is not safe.

A kernel's refusal is a KernelError: it carries the errno that the kernel gave and no reason,
because the kernel gives none; for a program the verifier's log is attached as a note.
"""

from __future__ import annotations

from ..errors import ERRNO_NAMES, BpfError


class KernelError(BpfError):
    """The running kernel refused a command and changed nothing.

    >>> raise KernelError(16, "BPF_PROG_LOAD")
    Traceback (most recent call last):
        ...
    reference_model.linux.errors.KernelError: [Errno 16] EBUSY: BPF_PROG_LOAD
    """

    def __init__(self, number: int, command: str, log: str = "") -> None:
        OSError.__init__(self, number, f"{ERRNO_NAMES.get(number, number)}: {command}")
        self.number = number  # type: ignore[misc]  # the kernel's, so not the same for each class
        self.reason = command  # type: ignore[misc]
        if log:
            self.add_note(log)

    @property
    def name(self) -> str:
        """The errno's name: ``"EBUSY"``."""
        return ERRNO_NAMES.get(self.errno or 0, str(self.errno))


class Missing(RuntimeError):
    """This machine lacks something that LinuxKernel needs; the text names it and the fix."""


class Unsafe(RuntimeError):
    """The operation could harm this machine and was not run; see LinuxKernel(allow_unsafe=True).

    It is not an answer: neither the kernel's nor the model's.
    """

    def __init__(self, reason: str, harm: str = "may crash the kernel that runs") -> None:
        super().__init__(
            f"not run: {reason}: this {harm}, so it is only for a virtual machine that may die; "
            "there use LinuxKernel(allow_unsafe=True)"
        )
