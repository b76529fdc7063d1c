# SPDX-License-Identifier: GPL-2.0-only
"""Stories as traces: what a story asks a kernel, for any executor, and what it then observes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..catalogue import RELEASES, Observations, Recipe, Story, observed, stories
from ..catalogue.story import Run
from ..kernel import Kernel
from .notebook import OtherPath
from .operation import Op
from .replayer import Replayer
from .scribe import Scribe
from .trace import Answer, Trace


@dataclass(frozen=True)
class StoryProgram:
    """What a story runs, or what a recipe's old program does: the source of one or more traces."""

    name: str
    """The story's name, with ``".old"`` behind it for a recipe's old program."""
    run: Run
    releases: tuple[str, ...]
    setup: dict[str, int]


def story_programs(names: Iterable[str] | None = None) -> Iterator[StoryProgram]:
    """The programs of these stories, or of all; KeyError names an unknown one."""
    found: dict[str, Story] = stories()
    for name in found if names is None else names:
        story = found[name]
        yield StoryProgram(name, story.run, RELEASES, story.kernel)
        if isinstance(story, Recipe) and story.old is not None:
            used = tuple(dict.fromkeys((story.old_release, story.fails_on)))
            yield StoryProgram(f"{name}.old", story.old, used, story.kernel)


def exported(program: StoryProgram) -> list[Trace]:
    """The traces of a program, operations only: one for each path that it takes on the releases.

    A path with which another one begins is not written twice.  A single trace has the program's
    name, several have the first release of each path behind it: ``"replace_a_program@5.9"``.
    """
    paths: dict[str, list[Op]] = {}
    for release in program.releases:
        scribe = Scribe(Replayer(Kernel(release, **program.setup)).answer)
        observed(program.run, scribe)
        if not any(_begins(ops, scribe.ops) for ops in paths.values()):
            paths = {first: ops for first, ops in paths.items() if not _begins(scribe.ops, ops)}
            paths[release] = scribe.ops
    many = len(paths) > 1
    return [
        Trace(f"{program.name}@{first}" if many else program.name, ops, {}, {}, program.setup)
        for first, ops in paths.items()
    ]


def _begins(whole: list[Op], part: list[Op]) -> bool:
    return whole[: len(part)] == part


def observed_in(program: StoryProgram, traces: Iterable[Trace], kernel: str) -> Observations | None:
    """What a program observes by the answers of a recorded kernel.

    ``traces`` are those of the program; None if none of them fits: the kernel has no answers there,
    or it answered so that the program would have gone on in another way.
    """
    for trace in traces:
        if kernel in trace.answers:
            with suppress(OtherPath):
                return observed(program.run, Scribe(_Record(trace, kernel)))
    return None


class _Record:
    """Answers operations as a kernel did."""

    def __init__(self, trace: Trace, kernel: str) -> None:
        self._left = iter(zip(trace.ops, trace.answers[kernel], strict=True))

    def __call__(self, op: Op) -> Answer:
        recorded, answer = next(self._left, (None, None))
        if op != recorded:
            raise OtherPath(f"the program asks {json.dumps(op)}, the trace {json.dumps(recorded)}")
        return answer
