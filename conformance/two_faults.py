# SPDX-License-Identifier: GPL-2.0-only
"""Runs in a guest: makes each call that has one fault or two, and prints a line of JSON for each.

{"faults": "map_create: KeySize, MaxEntries", "answer": "EINVAL"}
"""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import ExitStack
from typing import Any

from reference_model import errors
from reference_model.linux import LinuxKernel
from reference_model.linux.deferred import wait_for_slots
from reference_model.linux.machine import running_release
from reference_model.refusals.pairs import FAULTS, Plan


def answer(plan: Plan, *, all_slots: bool) -> str:
    """What the running kernel answers; "failed: ..." if it could not be asked.

    ``all_slots``: the plan takes all slots of LSM hooks, and so the last attachment must fail
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
            return plan.answer(made)
        except Exception as error:
            traceback.print_exc()
            return f"failed: {error!r}"


def main() -> int:
    """Make all calls; return the exit status."""
    release = running_release().name
    for faults in FAULTS:
        plan = faults.plan(release)
        if plan is not None:
            given = answer(plan, all_slots=errors.TooManyHooks in faults.errors)
            print(json.dumps({"faults": faults.name, "answer": given}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
