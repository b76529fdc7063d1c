# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance explore``: random programs on the model and on real kernels.

Hypothesis makes sequences of operations; each runs on the model and then, in a guest, on a kernel,
and every answer is compared.  What they answer differently is shrunk and printed, as a program in
the notation of the site and as a trace.  Steps that the model calls undefined are not run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import reference_model
from reference_model import UndefinedBehaviour
from reference_model.commands import positive, up_to, whole
from reference_model.traces import Answer, Op, Replayer
from reference_model.traces.listing import listing
from reference_model.workers import workers

from . import guest
from .command_line import Exit, JsonOutput, Progress, add, add_json, jobs_of
from .command_line import wanted as wanted_kernels
from .kernels import KernelImage
from .oracle import Asked, Broke, GuestKernel, release_of
from .sequences import Enough, Sequences

LENGTH = 80
"""Rules that Hypothesis runs for a sequence; some make two or three steps."""
LONGEST = 10_000
"""Rules of the longest sequence that can be asked for: a guest has a time limit."""
BATCH = 40
"""Sequences of one run of Hypothesis."""
SHRINKING = 30.0
"""Seconds for which Hypothesis may shrink; by itself it would continue for five minutes.

What it leaves is shrunk further by leaving out one operation after the other.
"""
DIFFERENT = 10
"""Divergences after which an exploration ends."""


@dataclass
class DivergenceFound(Exception):
    """A sequence whose last step the model and the kernel answer differently."""

    release: str
    ops: tuple[Op, ...]
    setup: dict[str, int]
    modelled: Answer
    answered: Answer
    stable: bool = True
    """Whether the kernel answers the same when it is asked again."""

    @property
    def broke(self) -> bool:
        """Whether the kernel broke somewhere in the sequence; the last step may be innocent."""
        return isinstance(self.answered, str) and self.answered.startswith("undefined: ")

    @property
    def kind(self) -> str:
        """What tells it from other divergences: the operation and both answers, roughly."""
        if self.broke:
            return str(self.answered)
        return f"{self.ops[-1]['op']}: {_rough(self.modelled)} / {_rough(self.answered)}"

    def __str__(self) -> str:
        say = f"the kernel: {json.dumps(self.answered)}\nthe model:  {json.dumps(self.modelled)}"
        if not self.stable:
            say += "\nthe kernel answers differently each time"
        program = listing(self.release, self.ops, self.setup, say, len(self.ops) - 1)
        setup = {"setup": self.setup} if self.setup else {}
        trace = {"id": "divergence", "ops": self.ops, **setup, "answers": []}
        return f"{program}\n\n{json.dumps(trace)}"


def _rough(answer: Answer) -> str:
    if isinstance(answer, str):
        return answer.partition(":")[0]
    return "value"


@dataclass
class Exploration:
    """What an exploration of one kernel found."""

    release: str
    steps: int = 0
    sequences: int = 0
    census: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each operation got each answer of the model."""
    divergences: list[DivergenceFound] = field(default_factory=list)
    seconds: float = 0
    model_seconds: float = 0
    """What the model alone takes for the same steps."""
    failure: str = ""

    @property
    def dropped(self) -> int:
        """Steps that were not run, because they are undefined."""
        return sum(n for (_, answer), n in self.census.items() if answer == "undefined")

    def operations(self) -> dict[str, dict[str, int]]:
        """The census by operation."""
        table: dict[str, dict[str, int]] = {}
        for (kind, answer), count in sorted(self.census.items()):
            table.setdefault(kind, {})[answer] = count
        return table

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "release": self.release,
            "steps": self.steps,
            "sequences": self.sequences,
            "dropped": self.dropped,
            "seconds": round(self.seconds, 2),
            "model_seconds": round(self.model_seconds, 3),
            "divergences": [
                {"kind": found.kind, "stable": found.stable, "text": str(found)}
                for found in self.divergences
            ],
            "failure": self.failure,
            "operations": self.operations(),
        }


def compare(
    release: str, ops: Sequence[Op], setup: dict[str, int], asked: Asked
) -> DivergenceFound | None:
    """Ask the kernel and the model; the first difference, or None.

    Where the model is undefined the kernel may do anything.
    """
    modelled = model_answers(release, ops, setup)
    try:
        answered = asked(ops, setup)
    except Broke as broke:
        if len(modelled) < len(ops):
            return None
        return DivergenceFound(release, tuple(ops), setup, modelled[-1], f"undefined: {broke}")
    for number, (ours, theirs) in enumerate(zip(modelled, answered, strict=False)):
        if ours != theirs:
            return DivergenceFound(release, tuple(ops[: number + 1]), setup, ours, theirs)
    return None


def model_answers(release: str, ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
    """The model's answers, up to where it is undefined."""
    replayer = Replayer(reference_model.Kernel(release, **setup))
    answers: list[Answer] = []
    for op in ops:
        try:
            answers.append(replayer.answer(op))
        except UndefinedBehaviour:
            break
    return answers


class Remembered:
    """Asks the same only once: Hypothesis runs sequences again, and expects the same."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._known: dict[str, list[Answer] | Broke] = {}

    def __call__(self, ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        line = json.dumps([ops, setup])
        if line not in self._known:
            try:
                self._known[line] = self._asked(ops, setup)
            except Broke as broke:
                self._known[line] = broke
        known = self._known[line]
        if isinstance(known, Broke):
            raise known
        return known


def explore(
    release: str,
    asked: Asked,
    *,
    steps: int,
    first_seed: int = 0,
    length: int = LENGTH,
    undefined: bool = False,
    shrinking: float = SHRINKING,
    say: Callable[[str], None] = lambda text: None,
) -> Exploration:
    """Compare model and kernel until as many steps were asked, or too much differs.

    ``steps`` 0: until something differs.  A divergence like one before is passed over.
    """
    report = Exploration(release)
    known: set[str] = set()
    begun = time.perf_counter()
    for number in itertools.count(first_seed):
        remembered = Remembered(asked)
        left = steps - report.steps if steps else BATCH * length
        found = _walk(report, remembered, known, number, left, length, undefined, shrinking)
        if found is not None:
            shrunk = _shrunk(found, remembered)
            again = compare(release, shrunk.ops, shrunk.setup, asked)
            stable = again is not None and again.answered == shrunk.answered
            shrunk = DivergenceFound(
                release, shrunk.ops, shrunk.setup, shrunk.modelled, shrunk.answered, stable
            )
            known |= {found.kind, shrunk.kind}
            report.divergences.append(shrunk)
            say(f"{release}: DIFFERS after {report.steps} steps:\n{shrunk}\n")
            if not steps or len(report.divergences) == DIFFERENT:
                break
        report.seconds = time.perf_counter() - begun
        if steps and report.steps >= steps:
            break
        rate = report.steps / report.seconds
        say(f"{release}: {report.steps} steps in {report.sequences} sequences, {rate:.0f} a second")
    report.seconds = time.perf_counter() - begun
    return report


def _walk(
    report: Exploration,
    asked: Asked,
    known: set[str],
    number: int,
    left: int,
    length: int,
    undefined: bool,
    shrinking: float,
) -> DivergenceFound | None:
    """One run of Hypothesis, at most ``left`` steps: the smallest divergence that it found."""
    outer_undefined = undefined
    end = report.steps + left
    best: DivergenceFound | None = None
    until = 0.0

    class Machine(Sequences):
        releases: ClassVar[tuple[str, ...]] = (report.release,)
        undefined: ClassVar[bool] = outer_undefined
        census: ClassVar[Counter[tuple[str, str]]] = Counter()

        def finish(self) -> None:
            nonlocal best, until
            if sys.exc_info()[1] is not None:
                return  # Hypothesis gave the example up
            if best is None:
                ops = self.ops[: end - report.steps]
                self.count(ops)
            elif time.perf_counter() > until:
                raise Enough
            else:
                ops = self.ops
            found = compare(report.release, ops, self.setup, asked)
            if found is None or found.kind in known:
                if report.steps == end:
                    raise Enough
                return
            if best is None:
                until = time.perf_counter() + shrinking
            if best is None or len(found.ops) < len(best.ops):
                best = found
            raise found

        def count(self, ops: Sequence[Op]) -> None:
            begun = time.perf_counter()
            model_answers(report.release, ops, self.setup)
            report.model_seconds += time.perf_counter() - begun
            report.steps += len(ops)
            report.sequences += 1
            report.census.update(self.census)
            self.census.clear()

    chosen = settings(
        max_examples=min(BATCH, left // 20 + 2),
        stateful_step_count=length,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=[*HealthCheck],
        verbosity=Verbosity.quiet,
    )
    with suppress(DivergenceFound, Enough):
        run_state_machine_as_test(seed(number)(Machine), settings=chosen)
    return best


def _shrunk(found: DivergenceFound, asked: Asked) -> DivergenceFound:
    """The same divergence without the operations that it can do without."""
    again = True
    while again:
        again = False
        for place in reversed(range(len(found.ops) - (not found.broke))):
            ops = _done(found, found.ops[:place] + found.ops[place + 1 :])
            if not ops or not found.broke and ops[-1] != found.ops[-1]:
                continue
            other = compare(found.release, ops, found.setup, asked)
            if other is not None and other.kind == found.kind:
                found, again = other, True
                break
        if found.setup and not again:
            other = compare(found.release, found.ops, {}, asked)
            if other is not None and other.kind == found.kind:
                found, again = other, True
    return found


def _done(found: DivergenceFound, ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """The operations that are run if these are asked: defined, and on names that live."""
    answers = model_answers(found.release, ops, found.setup)
    return tuple(op for op, answer in zip(ops, answers, strict=False) if answer != "skip")


# -- the command line ----------------------------------------------------------------------------


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Run random programs on the model and on real kernels, and compare every answer."
    parser = add(commands, "explore", run, what)
    add_json(parser)
    option = parser.add_argument
    steps = "number of operations for each kernel (default: %(default)s)"
    option("--steps", type=positive, default=300, metavar="N", help=steps)
    option("--forever", action="store_true", help="run until an answer differs or you press Ctrl-C")
    option(
        "--seed",
        type=whole,
        metavar="N",
        help="choose other sequences (default: 0, or the time with --forever)",
    )
    length = "operations in a sequence (default: %(default)s)"
    option("--length", type=up_to(LONGEST), default=LENGTH, metavar="N", help=length)
    option(
        "--undefined", action="store_true", help="include undefined operations, which crash kernels"
    )


@dataclass(frozen=True)
class Options:
    """What every kernel is asked."""

    steps: int
    first_seed: int
    length: int
    undefined: bool
    time_limit: float | None = None


def explore_kernel(kernel: KernelImage, options: Options) -> Exploration:
    """Explore one kernel in a guest; what goes wrong stands in the report."""
    release = release_of(kernel)
    with GuestKernel(kernel, options.time_limit) as asked:
        try:
            return explore(
                release,
                asked,
                steps=options.steps,
                first_seed=options.first_seed,
                length=options.length,
                undefined=options.undefined,
                say=lambda text: print(text, flush=True),
            )
        except Exception as error:
            return Exploration(release, failure=f"{type(error).__name__}: {error}")


def reports_of(
    wanted: Sequence[KernelImage], options: Options, jobs: int
) -> Iterator[tuple[KernelImage, Exploration]]:
    """Explore the kernels, each in a process of its own."""
    try:
        with workers(jobs) as pool:
            waiting = {pool.submit(explore_kernel, kernel, options): kernel for kernel in wanted}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
    finally:
        guest.sweep()  # what was ended early left its folder


def summary(kernel: KernelImage, report: Exploration) -> str:
    """A report in a line or two."""
    if report.failure:
        return f"{kernel.name}: FAILED: {report.failure}"
    rate = report.steps / report.seconds if report.seconds else 0
    alone = report.steps / report.model_seconds if report.model_seconds else 0
    found = len(report.divergences)
    return (
        f"{kernel.name} as {report.release}: {report.steps:,} steps in {report.sequences} "
        f"sequences, {found or 'no'} divergence{'s' * (found > 1)}; {report.dropped} undefined "
        f"steps dropped; {report.seconds:.0f} s, {rate:.0f} steps a second (model alone: "
        f"{alone:,.0f})"
    )


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    first = options.seed if options.seed is not None else 0
    if options.forever and options.seed is None:
        first = int(time.time())
        progress.say(f"seed {first}")
    steps = 0 if options.forever else options.steps
    task = Options(steps, first, options.length, options.undefined, options.time_limit)
    reports = []
    with JsonOutput(options) as output:
        wanted = wanted_kernels(options, progress)
        for kernel, report in reports_of(wanted.here, task, jobs_of(options)):
            progress.say(summary(kernel, report))
            reports.append({"kernel": kernel.identity.as_json(), **report.as_json()})
        output.write(reports)
    good = not any(report["divergences"] or report["failure"] for report in reports)
    return wanted.status(good=good, say=progress.say)
