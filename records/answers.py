# SPDX-License-Identifier: GPL-2.0-only
"""Which kernels answered a story or a trace, and what each of them answered.

A story was run on a kernel as a whole; or its operations were recorded as traces; or the traces
that it names as its evidence asked a part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from reference_model import Release
from reference_model.catalogue import UNDEFINED, Evidence, Observations, Story, stories
from reference_model.traces import Trace
from reference_model.traces.export import observed_in, story_programs

from . import results
from .archive import Archive, committed
from .digests import digest

# -- the whole story -------------------------------------------------------------------------------


def observed(name: str, story: Story, kernels: list[dict[str, Any]]) -> dict[str, Observations]:
    """What a story observed where it ran; a run from before the story last changed is ignored."""
    ran = {record["kernel"]["version"]: record["stories"].get(name) for record in kernels}
    current = digest(story)
    return {
        kernel: found["observed"]
        for kernel, found in ran.items()
        if found is not None and found["digest"] == current
    }


def agreeing_twins(name: str, kernels: list[dict[str, Any]], part: str = "twins") -> list[str]:
    """The kernels on which a story's version in C or Go, as it is, printed what is expected.

    ``part`` is one of ``results.VERSIONS``.
    """
    ran = {r["kernel"]["version"]: r.get(part, {}).get(name) for r in kernels}
    found = {kernel: twin for kernel, twin in ran.items() if twin is not None}
    current = results.VERSIONS[part][1](name) if found else ""
    return [
        kernel
        for kernel, twin in found.items()
        if not twin["differs"] and twin["digest"] == current
    ]


def replayed(name: str, archive: Archive) -> dict[str, Observations | None]:
    """What a story observes by the answers to its own operations; None if the kernel crashed."""
    traces = archive.traces_of(name)
    if not traces:
        return {}
    (program,) = (made for made in story_programs([name]) if made.name == name)
    seen: dict[str, Observations | None] = {}
    for kernel in dict.fromkeys(k for found in traces for k in (*found.answers, *found.undefined)):
        given = observed_in(program, traces, kernel)
        if given is not None or any(kernel in found.undefined for found in traces):
            seen[kernel] = given
    return seen


class Confirmation(NamedTuple):
    """The kernels that showed all that a story expects of them."""

    ran: list[str]
    """The story itself ran there."""
    days: list[str]
    """When it ran there."""
    traced: list[str]
    """Its operations were recorded there as a trace."""
    twins: list[str]
    """Its C version ran there."""
    go: list[str]
    """Its version in Go ran there."""
    crashed: list[str]
    """Where the outcome is undefined, and the kernel crashed."""

    @property
    def kernels(self) -> list[str]:
        """All but those that the versions in C and Go alone ran on, oldest first."""
        return sorted((*self.ran, *self.traced, *self.crashed), key=Release)


def confirmed(name: str, story: Story, archive: Archive) -> Confirmation:
    """Where a story showed what is expected."""
    ran = observed(name, story, archive.kernels)
    traced = {k: given for k, given in replayed(name, archive).items() if k not in ran}
    good_ran = [kernel for kernel, seen in ran.items() if is_expected(story, kernel, seen)]
    good_traced = [kernel for kernel, seen in traced.items() if is_expected(story, kernel, seen)]
    undefined = [
        kernel
        for kernel in (*good_ran, *good_traced)
        if UNDEFINED in story.expected(kernel).seen.values()
    ]
    good_ran = [kernel for kernel in good_ran if kernel not in undefined]
    return Confirmation(
        ran=good_ran,
        days=sorted({r["date"] for r in archive.kernels if r["kernel"]["version"] in good_ran}),
        traced=sorted((k for k in good_traced if k not in undefined), key=Release),
        twins=[k for k in agreeing_twins(name, archive.kernels) if k not in undefined],
        go=[k for k in agreeing_twins(name, archive.kernels, "go") if k not in undefined],
        crashed=sorted((k for k in undefined if broke(ran.get(k, traced.get(k)))), key=Release),
    )


def broke(seen: Observations | None) -> bool:
    """Whether a kernel broke: it gave no answer, or the last one is undefined."""
    return seen is None or UNDEFINED in seen.values()


def is_expected(story: Story, kernel: str, seen: Observations | None) -> bool:
    """Whether a story observes this on a kernel; None if the kernel crashed."""
    wanted = results.expected(story, kernel)
    if seen is None:
        return UNDEFINED in wanted.values()
    return results.agrees(json.loads(json.dumps(seen)), wanted)


# -- a part of it, in a trace ----------------------------------------------------------------------


def in_words(evidence: Evidence, found: Trace, kernel: str) -> dict[str, str]:
    """What a kernel answered in a trace, by the story's labels; empty if it was not asked."""
    given = found.answers.get(kernel)
    if given is None:
        return {}
    seen: dict[str, list[str]] = {}
    for position, label in evidence.labels.items():
        answer = given[position]
        if answer == "skip":
            continue
        if position in evidence.part and not isinstance(answer, str):
            answer = answer[evidence.part[position]]
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        if answer == "GARBAGE":
            answer = "bogus key"
        if position in evidence.zero and isinstance(answer, int):
            answer = "more than 0" if answer else "0"
        if position in evidence.there and isinstance(answer, int):
            answer = "a number"
        texts = seen.setdefault(label, [])
        if str(answer) not in texts:
            texts.append(str(answer))
    return {label: ", ".join(texts) for label, texts in seen.items()}


def contradictions(
    evidence: Evidence, found: Trace, kernel: str, expected: Observations
) -> Iterator[str]:
    """Where a kernel answered otherwise than the story expects, in words."""
    given = found.answers.get(kernel)
    for position, label in evidence.labels.items() if given else ():
        assert given is not None
        answer = given[position]
        if answer == "skip" or label not in expected:
            continue
        if not evidence.agree(position, answer, expected[label]):
            yield f"{label}: {found.id} has {answer}, expected {expected[label]}"


# -- who was asked at all --------------------------------------------------------------------------


@cache
def kernels_of_story(name: str) -> frozenset[str]:
    """The releases on which a story ran as it is, or that answered the traces of its evidence."""
    story: Story = stories()[name]
    ran = observed(name, story, committed().kernels)
    return frozenset(ran).union(*(kernels_of_trace(found.trace) for found in story.evidence))


def kernels_of_trace(name: str) -> frozenset[str]:
    """The releases that answered a trace."""
    answered = committed().trace(name).answers
    return frozenset(kernel for kernel in answered if not Release(kernel).proposal)


def kernels_of(names: Iterable[str] = (), traces: Iterable[str] = ()) -> list[str]:
    """The releases that were asked any of these stories or traces, oldest first."""
    asked = [*map(kernels_of_story, names), *map(kernels_of_trace, traces)]
    return sorted(frozenset().union(*asked), key=Release)
