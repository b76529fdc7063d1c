# SPDX-License-Identifier: GPL-2.0-only
"""What answers sequences of operations: a kernel in a guest, or a model in its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

from reference_model.releases import MAINLINE, Release
from reference_model.traces import Answer, Op

from . import tools
from .conversation import Conversation, GuestDied
from .kernels import KernelImage
from .payload import Payload

EXECUTOR = Payload(
    name="executor",
    argv=(tools.PYTHON, "executor.py"),
    files={
        "executor.py": Path(__file__).with_name("executor.py"),
        "reference_model": tools.REPOSITORY / "reference_model",
    },
    time_limit=24 * 3600,
)


class Broke(Exception):
    """The kernel broke on the sequence: it warned, crashed or hung; the text says how."""


class Asked(Protocol):
    """Answers the operations of a sequence, all of them, or raises Broke."""

    def __call__(self, ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]: ...


def release_of(kernel: KernelImage) -> str:
    """The model's name of the release; a kernel newer than the model counts as the latest."""
    try:
        return Release(kernel.version).name
    except ValueError:
        return MAINLINE[-1]


class GuestKernel:
    """A kernel in a guest that is booted when it is first asked, and again after it broke."""

    def __init__(self, kernel: KernelImage, time_limit: float | None = None) -> None:
        self.kernel = kernel
        self._payload = replace(EXECUTOR, time_limit=time_limit or EXECUTOR.time_limit)
        self.boots = 0
        self.seconds = 0.0
        """What the executor spent on answers, by the guest's clock."""
        self._guest: Conversation | None = None
        self._restricted = False

    def __enter__(self) -> GuestKernel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.stop()

    def __call__(self, ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        """The kernel's answers; Broke if it broke, RuntimeError if the executor did."""
        if self.kernel.branch == "own":
            # a kernel before 5.13 boots with 0, and does not let a 1 be changed any more
            setup = {"unprivileged_bpf_disabled": 2, **setup}
            if setup["unprivileged_bpf_disabled"] == 0 and self._restricted:
                self.stop()
            self._restricted = setup["unprivileged_bpf_disabled"] != 0
        line = json.dumps({"id": "", "ops": [*ops], "setup": setup})
        try:
            if self._guest is None:
                self.boots += 1
                self._guest = Conversation(self.kernel, self._payload).__enter__()
            data = json.loads(self._guest.ask(line))
        except GuestDied as died:
            self._guest = None
            if not died.result.warnings and died.result.boot_seconds is None:
                raise RuntimeError(f"{self.kernel.name} does not start: {died}") from None
            raise Broke(str(died)) from None
        self.seconds += data["seconds"]
        broke: str = data["broke"]
        if broke.startswith("the kernel"):
            self.stop()  # its taint flags are set, and so it can warn no more
            raise Broke(broke)
        if broke:
            raise RuntimeError(broke)
        answers: list[Answer] = data["answers"]
        return answers

    def stop(self) -> None:
        """Let the guest end; the next question boots a new one."""
        if self._guest is not None:
            guest, self._guest = self._guest, None
            guest.__exit__(None, None, None)
