# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance.record FILE``: write down what real kernels answer.

Asks each kernel in a guest the operations of new random sequences, or those of a file (such as
``python -m reference_model export`` writes), and writes traces in the format of ``records/traces``:
kernels that answered alike share a list, and a kernel that broke has no answers.  Nothing in the
file comes from the model, but it keeps random sequences away from what would break a kernel.

Exit status: 0 if all kernels answered; 2 if a tool is missing or an option makes no sense; 3 if a
kernel that was wanted could not be run, or an executor could not do all traces: they lack there.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from reference_model import Release
from reference_model.traces import Answer, Trace, read
from reference_model.traces.export import line

from . import __main__ as command_line
from . import kernels, tools
from .explore import LENGTH
from .kernels import Kernel
from .offers import NotRun
from .oracle import Asked, Broke, GuestKernel, release_of
from .sequences import Sequences

SHORTEST = 10
"""Operations of a sequence that are too few to be worth a trace."""


def new_sequences(releases: Sequence[str], count: int, number: int, length: int) -> list[Trace]:
    """Random sequences that are defined on all of these releases, operations only.

    Named after the seed and their place: ``"r7-0001"``.
    """
    found: list[Trace] = []

    class Machine(Sequences):
        releases: ClassVar[tuple[str, ...]]
        census: ClassVar[Counter[tuple[str, str]]] = Counter()

        def finish(self) -> None:
            if len(self.ops) >= SHORTEST and len(found) < count and sys.exc_info()[1] is None:
                name = f"r{number}-{len(found) + 1:04}"
                found.append(Trace(name, self.ops, {}, {}, self.setup))

    Machine.releases = tuple(sorted(releases, key=Release))
    while len(found) < count:
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


def answers_of(asked: Asked, traces: Iterable[Trace]) -> Iterator[list[Answer] | str | None]:
    """For each trace the kernel's answers, or how it broke, or None: the executor cannot do it."""
    for one in traces:
        try:
            yield asked(one.ops, one.setup)
        except Broke as broke:
            yield str(broke)
        except RuntimeError as error:
            print(f"{one.id}: {str(error).strip().splitlines()[-1]}", file=sys.stderr)
            yield None


def in_a_guest(kernel: Kernel, traces: list[Trace]) -> list[list[Answer] | str | None]:
    """The same of a kernel in a guest of its own."""
    with GuestKernel(kernel) as asked:
        return list(answers_of(asked, traces))


def with_answers(
    traces: Iterable[Trace], kernel: str, given: Iterable[list[Answer] | str | None]
) -> list[Trace]:
    """The traces with what one more kernel answered."""
    grown = []
    for one, answers in zip(traces, given, strict=True):
        if isinstance(answers, str):
            one = replace(one, undefined={**one.undefined, kernel: answers})
        elif answers is not None:
            one = replace(one, answers={**one.answers, kernel: answers})
        grown.append(one)
    return grown


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m conformance.record",
        description="Write down what real kernels, in QEMU guests, answer to sequences.",
    )
    add = options.add_argument
    add("file", type=Path, metavar="FILE", help="where the traces go, .jsonl")
    add("--ops", type=Path, metavar="FILE", help="traces whose operations are asked")
    add("--kernels", metavar="LIST", help="as of python -m conformance (default: all)")
    add("--count", type=int, default=20, metavar="N", help="new sequences (%(default)s)")
    add("--seed", type=int, default=1, metavar="N", help="of the new sequences (%(default)s)")
    add("--length", type=int, default=LENGTH, metavar="N", help="of a sequence (%(default)s)")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status that the module's docstring lists."""
    options = parser().parse_args(arguments)
    try:
        branches, paths = command_line.chosen(options.kernels)
        tools.require([*tools.TO_BUILD, *tools.TO_BOOT])
        wanted = kernels.get(branches) if branches else []
        wanted += kernels.own(paths) + kernels.own_from_environment()
        here = [kernel for kernel in wanted if isinstance(kernel, Kernel)]
        if options.ops:
            traces = [replace(one, answers={}, undefined={}) for one in read(options.ops)]
        else:
            releases = [release_of(kernel) for kernel in here] or ["latest"]
            traces = new_sequences(releases, options.count, options.seed, options.length)
    except (tools.MissingTools, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    missing = [kernel for kernel in wanted if isinstance(kernel, NotRun)]
    asked = traces
    with ProcessPoolExecutor(max_workers=2) as pool:
        waiting = {kernel: pool.submit(in_a_guest, kernel, asked) for kernel in here}
        for kernel, future in waiting.items():
            given = future.result()
            traces = with_answers(traces, release_of(kernel), given)
            lacking = sum(answers is None for answers in given)
            if lacking:
                missing.append(NotRun(kernel.branch, f"{lacking} traces that the executor lacks"))
            print(f"{kernel.name}: {len(given) - lacking} traces", flush=True)
    options.file.write_text("".join(f"{line(one)}\n" for one in traces))
    for reason in missing:
        print(f"{reason.branch}: NOT RUN: {reason.reason}")
    return 3 if missing or not here else 0


if __name__ == "__main__":
    sys.exit(main())
