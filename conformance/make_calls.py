# SPDX-License-Identifier: GPL-2.0-only
"""Runs in a guest: makes calls of one kind, and prints a line of JSON for each.

{"call": "map_create: KeySize, MaxEntries", "answer": "EINVAL"}
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from reference_model import errors
from reference_model.linux import LinuxKernel
from reference_model.linux.deferred import wait_for_slots
from reference_model.linux.machine import running_release
from reference_model.refusals.boundaries import QUESTIONS
from reference_model.refusals.pairs import FAULTS


def answer(ask: Callable[[Callable[..., LinuxKernel]], str | None], *, all_slots: bool) -> str:
    """What the running kernel answers to a call; "failed: ..." if it could not be asked.

    ``all_slots``: the call takes all slots of LSM hooks, and so the last attachment must fail
    at once, and not wait for a slot.
    """
    with ExitStack() as held:

        def made(**options: Any) -> LinuxKernel:
            kernel = held.enter_context(LinuxKernel(allow_unsafe=True, **options))
            if all_slots:
                wait_for_slots(kernel.root)
                kernel.slots_settled = True
            return kernel

        try:
            return ask(made) or "failed: it cannot be prepared"
        except Exception as error:
            traceback.print_exc()
            return f"failed: {error!r}"


def two_faults(release: str) -> Iterator[tuple[str, str]]:
    """The calls with one fault or two, and their answers."""
    for faults in FAULTS:
        plan = faults.plan(release)
        if plan is not None:
            yield faults.name, answer(plan.answer, all_slots=errors.TooManyHooks in faults.errors)


def boundaries(release: str) -> Iterator[tuple[str, str]]:
    """The calls with an argument at its boundary, and their answers.

    Calls that only make a map or a program share a kernel, which makes them quicker.
    """
    with LinuxKernel(allow_unsafe=True) as shared:
        for question in QUESTIONS:
            if question.modelled(release) is None:
                continue
            if question.only_makes:
                yield question.name, question.answer(lambda: shared) or "failed"
            else:
                yield question.name, answer(question.answer, all_slots=False)


MAKING = {"two-faults": two_faults, "boundaries": boundaries}
"""What makes the calls of each kind, by the name of the subcommand that records them."""


def main(kind: str) -> int:
    """Make all calls; return the exit status."""
    for name, given in MAKING[kind](running_release().name):
        print(json.dumps({"call": name, "answer": given}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
