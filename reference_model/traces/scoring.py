# SPDX-License-Identifier: GPL-2.0-only
"""Replay of recorded kernels: each trace on the release of each kernel, answer by answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UndefinedBehaviour
from ..kernel import TrustingKernel
from ..releases import Release, release
from ..terminal import escaped
from .files import TraceError, numbered
from .operation import Op
from .replayer import Replayer
from .trace import Answer, Trace


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first operation of a trace that model and kernel answer differently."""

    kernel: str
    trace: str
    position: int
    op: Op
    recorded: Answer
    modelled: Answer

    def __str__(self) -> str:
        return (
            f"{self.kernel}: {escaped(self.trace)}, "
            f"operation {self.position}: {json.dumps(self.op)}\n"
            f"    the kernel: {json.dumps(self.recorded)}\n"
            f"    the model:  {json.dumps(self.modelled)}"
        )


@dataclass(slots=True)
class Score:
    """What the replay of all traces on one release counted."""

    traces: int = 0
    answers: int = 0
    differ: int = 0
    undefined_kernel: int = 0
    undefined_model: int = 0
    differences: list[Mismatch] = field(default_factory=list)

    def numbers(self) -> dict[str, int]:
        """The counts alone."""
        return {
            "traces": self.traces,
            "answers": self.answers,
            "differ": self.differ,
            "undefined_kernel": self.undefined_kernel,
            "undefined_model": self.undefined_model,
        }


class _Impossible(ValueError):
    """An operation that is in the format, and that no kernel could be asked."""


_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError)
"""What the model raises for arguments that no kernel takes, such as a value of another size."""


def compare(trace: Trace, kernel: str, score: Score, on: Release | None = None) -> None:
    """Replay a trace on the release of a kernel, and add what is found to the score.

    ``on`` is a profile, or another release, to replay on in its place.

    Where the kernel broke, the model must raise UndefinedBehaviour.  Where the model raises it, the
    kernel may do anything, and the rest of the trace is not compared.  ValueError names an
    operation that no kernel could be asked.
    """
    replayer = Replayer(TrustingKernel(on or release(kernel), **trace.setup))
    answer = replayer.answer
    recorded = trace.answers.get(kernel)
    score.traces += 1
    score.undefined_kernel += recorded is None
    first = True
    for position, op in enumerate(trace.ops):
        try:
            modelled = answer(op)
        except UndefinedBehaviour:
            score.undefined_model += 1
            return
        except _WRONG as error:
            raise _Impossible(f"operation {position}, {op['op']}: {error}") from error
        if recorded is None:
            continue
        score.answers += 1
        if modelled != recorded[position]:
            score.differ += 1
            if first:
                first = False
                score.differences.append(
                    Mismatch(kernel, trace.id, position, op, recorded[position], modelled)
                )
    if recorded is None:
        score.differ += 1
        text = f"undefined: {trace.undefined[kernel]}"
        score.differences.append(
            Mismatch(kernel, trace.id, len(trace.ops) - 1, trace.ops[-1], text, "defined")
        )


def replay(
    paths: Iterable[str | Path],
    only: str | None = None,
    say: Callable[[str], object] = lambda text: None,
    on: Release | None = None,
) -> dict[str, Score]:
    """Replay all traces of the files on every kernel in them, or on the ``only`` one.

    ``on`` is a profile, or another release, to replay on in the place of each kernel's own.

    Traces that no kernel has answered compare nothing: ``say`` gets their number in each file.
    TraceError: a file is malformed, or has traces and no answers at all.
    """
    scores: dict[str, Score] = {}
    for path in paths:
        count = unanswered = 0
        for number, trace in numbered(path):
            kernels = (*trace.answers, *trace.undefined)
            count += 1
            unanswered += not kernels
            for kernel in kernels:
                if only in (None, kernel):
                    try:
                        compare(trace, kernel, scores.setdefault(kernel, Score()), on)
                    except _Impossible as error:
                        raise TraceError(f"{path}:{number}: not a trace: {error}") from error
        if count and count == unanswered:
            raise TraceError(
                f"{path}: none of its {count} traces has an answer of a kernel to compare with"
            )
        if unanswered:
            say(f"{path}: no kernel has answered {unanswered} of its {count} traces")
    return dict(sorted(scores.items(), key=lambda item: release(item[0])))


def table(scores: dict[str, Score]) -> str:
    """The scores for people, with each difference below."""
    heads = ("release", "traces", "answers", "differ", "undefined: kernel", "model")
    lines = ["{:<10} {:>7} {:>8} {:>7} {:>18} {:>6}".format(*heads)]
    for name, score in scores.items():
        lines.append(
            f"{name:<10} {score.traces:>7} {score.answers:>8} {score.differ:>7} "
            f"{score.undefined_kernel:>18} {score.undefined_model:>6}"
        )
    lines += [str(difference) for score in scores.values() for difference in score.differences]
    return "\n".join(lines)
