# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answer to the operations of traces, which are given or random.

Nothing in the answers comes from the model, but it keeps random sequences away from what would
break a kernel.  Kernels that answered alike share a list, and a kernel that broke has no answers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from reference_model import Release
from reference_model.traces import Answer, Trace

from .kernels import KernelImage
from .oracle import Asked, Broke, GuestKernel
from .sequences import Enough, Sequences

SHORTEST = 10
"""Operations of a sequence that are too few to be worth a trace."""

Given = list[Answer] | str | None
"""A kernel's answers to a trace, or how it broke, or None: the executor cannot do the trace."""


def new_sequences(releases: Sequence[str], count: int, number: int, length: int) -> list[Trace]:
    """Random sequences that are defined on all of these releases, operations only.

    Named after the seed and their place: ``"r7-0001"``.
    """
    found: list[Trace] = []

    class Machine(Sequences):
        releases: ClassVar[tuple[str, ...]]
        census: ClassVar[Counter[tuple[str, str]]] = Counter()

        def finish(self) -> None:
            if len(self.ops) >= SHORTEST and sys.exc_info()[1] is None:
                name = f"r{number}-{len(found) + 1:04}"
                found.append(Trace(name, self.ops, {}, {}, self.setup))
            if len(found) == count:
                raise Enough

    Machine.releases = tuple(sorted(releases, key=Release))
    while len(found) < count:
        with suppress(Enough):
            run_state_machine_as_test(
                seed(f"{number} {len(found)}")(Machine),
                settings=settings(
                    max_examples=count - len(found) + 1,
                    stateful_step_count=length,
                    deadline=None,
                    database=None,
                    derandomize=False,
                    phases=(Phase.generate,),
                    suppress_health_check=[*HealthCheck],
                    verbosity=Verbosity.quiet,
                ),
            )
    return found


def answers_of(asked: Asked, traces: Iterable[Trace]) -> Iterator[Given]:
    """For each trace what the kernel answered."""
    for one in traces:
        try:
            yield asked(one.ops, one.setup)
        except Broke as broke:
            yield str(broke)
        except RuntimeError as error:
            print(f"{one.id}: {str(error).strip().splitlines()[-1]}", file=sys.stderr)
            yield None


def in_a_guest(
    kernel: KernelImage, traces: Sequence[Trace], time_limit: float | None = None
) -> list[Given]:
    """The same of a kernel in a guest of its own."""
    with GuestKernel(kernel, time_limit) as asked:
        return list(answers_of(asked, traces))


def with_answers(traces: Iterable[Trace], kernel: str, given: Iterable[Given]) -> list[Trace]:
    """The traces with what one kernel answered now; where it could not, with what it had."""
    grown = []
    for one, answers in zip(traces, given, strict=True):
        if answers is not None:
            others, broken = dict(one.answers), dict(one.undefined)  # each kernel keeps its place
            if isinstance(answers, str):
                others.pop(kernel, None)
                broken[kernel] = answers
            else:
                others[kernel] = answers
                broken.pop(kernel, None)
            one = replace(one, answers=others, undefined=broken)
        grown.append(one)
    return grown


def with_old_answers(traces: Iterable[Trace], old: Iterable[Trace]) -> list[Trace]:
    """The traces with what kernels answered earlier to the same operations."""
    known = {one.id: one for one in old}
    return [
        replace(one, answers=found.answers, undefined=found.undefined)
        if (found := known.get(one.id)) and (found.ops, found.setup) == (one.ops, one.setup)
        else one
        for one in traces
    ]
