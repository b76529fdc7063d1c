# SPDX-License-Identifier: GPL-2.0-only
"""The choice of the questions that ``cgroup-storage probe`` asks, among the recorded programs.

A program can be a question if the model leaves nothing undefined in it: on no release, and on no
release with one change more or less, as kernels with backports are.  Of these programs a few are
chosen that together distinguish whatever all of them distinguish, small ones first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from reference_model import MAINLINE, Change, Release, changes, traces
from reference_model.errors import UNDEFINED, TooManyHooks
from reference_model.kernel import Kernel
from reference_model.outputs import write_whole
from reference_model.probe.predictions import Has, Predictions
from reference_model.probe.questions import FILE, Question, RefusedCall, Sequence, Written
from reference_model.probe.written import WRITTEN
from reference_model.refusals.pairs import FAULTS, WARNS_BEFORE

from .files import LICENCE, TRACES

RECORDS = ("divergence", "stories", "ids", "programs", "queries", "hazards")
LONGEST = 25
"""The most operations of a trace that can be a question."""

_RUNS = frozenset({"fire", "run_hooks", "socket", "prog_test_run"})
"""The calls after which a program may run."""
_NOT_ASKED = {TooManyHooks, *WARNS_BEFORE}
"""Errors that take what others need, or that come with a warning.

Calls with ids are not asked either: the ids of a machine are not those of the model.
"""
_WARNS = {"fields-in-two-structs"}
"""Traces on which some kernels log a warning."""
_PINS = frozenset({"obj_pin", "obj_get"})


def releases() -> dict[str, Has]:
    """All releases that differ by a recorded change, also those of stable branches, in order."""
    names = {*MAINLINE, *(name for change in changes.ALL for name in change.backports)}
    found: dict[tuple[bool, ...], str] = {}
    for release in sorted(map(Release, names)):
        found.setdefault(tuple(map(release.has, changes.ALL)), release.name)
    return {name: dict(zip(changes.ALL, has, strict=True)) for has, name in found.items()}


def candidates() -> Iterator[Question]:
    """The programs that may be questions."""
    for record in RECORDS:
        for trace in traces.read(TRACES / f"{record}.jsonl"):
            changes_sysctl = "unprivileged_bpf_disabled" in trace.setup
            asked = trace.id not in _WARNS and len(trace.ops) <= LONGEST
            if asked and not trace.undefined and not changes_sysctl:
                yield Sequence(trace.id, ops=tuple(trace.ops), setup=trace.setup)
    yield from map(Written, WRITTEN)
    ends = (MAINLINE[-1], *reversed(MAINLINE))
    for faults in FAULTS:
        command = faults.refusals[0].operation
        if command.endswith("_id") or not _NOT_ASKED.isdisjoint(faults.errors):
            continue
        on = next((release for release in ends if faults.plan(release) is not None), None)
        if on is not None:
            yield RefusedCall(faults.name, on=on)


def is_safe(found: Predictions, known: dict[str, Has]) -> bool:
    """Whether a program is defined on all releases, and with one change more or less."""
    if any(UNDEFINED in found.on(has) for has in known.values()):
        return False
    return all(UNDEFINED not in found.on(other) for _, _, other in _neighbours(found, known))


def shows(found: Predictions, known: dict[str, Has]) -> set[tuple[str, str]]:
    """The changes that a program distinguishes, each with the release that is like the kernel."""
    return {
        (name, changes.NAMES[change])
        for name, change, other in _neighbours(found, known)
        if found.on(known[name]) != found.on(other)
    }


def _neighbours(found: Predictions, known: dict[str, Has]) -> Iterator[tuple[str, Change, Has]]:
    """Each release with each change more or less that the program asks for."""
    for has in known.values():
        found.on(has)
    for change in sorted(found.asked, key=changes.ALL.index):
        for name, has in known.items():
            yield name, change, {**has, change: not has[change]}


def needs(found: Question, known: Iterable[str]) -> Question:
    """The same question, with what it needs on some release."""
    called: set[str] = set()

    class Watched(Kernel):
        def __getattribute__(self, name: str) -> Any:
            called.add(name)
            return super().__getattribute__(name)

    predictions = Predictions(found)
    for has in releases().values():
        predictions.on(has)
    for name in known:
        found.ask(partial(Watched, name))
    return replace(
        found,
        runs=not called.isdisjoint(_RUNS),
        lsm=changes.LSM_CGROUP in predictions.asked,
        pins=not called.isdisjoint(_PINS),
    )


def _cost(found: Question) -> float:
    """How long a kernel takes for a question, about: a call of a refusal needs some before it."""
    asked = needs(found, MAINLINE[::10])
    length = len(found.ops) if isinstance(found, Sequence) else 4
    return length + 10 * asked.runs + 20 * asked.lsm + 20 * asked.pins


def chosen(say: Callable[[str], object] = lambda text: None) -> list[Question]:
    """The questions, in the order in which they were chosen."""
    every = releases()
    mainline = {name: has for name, has in every.items() if name in MAINLINE}
    distinguish: dict[Question, set[tuple[str, str]]] = {}
    for found in candidates():
        predictions = Predictions(found)
        if is_safe(predictions, every) and (shown := shows(predictions, mainline)):
            distinguish[found] = shown
    say(f"{len(distinguish)} programs distinguish something")
    costs = {found: _cost(found) for found in distinguish}
    left = set().union(*distinguish.values())
    picked: list[Question] = []
    while left:
        best = max(distinguish, key=lambda found: len(distinguish[found] & left) / costs[found])
        left -= distinguish.pop(best)
        picked.append(needs(best, MAINLINE))
    return picked


def write(questions: list[Question], path: Path = FILE) -> None:
    """Write the file of the questions, whole or not at all: a line for each."""
    lines = ",\n".join(f"  {json.dumps({**one.data(), **one.needs})}" for one in questions)
    write_whole(path, f'{{\n "LICENSE": {json.dumps(LICENCE)},\n "questions": [\n{lines}\n ]\n}}\n')
