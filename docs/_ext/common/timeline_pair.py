# SPDX-License-Identifier: GPL-2.0-only
"""Runs in one figure: their steps in common columns, and the answers that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import starmap

from reference_model.timeline import Lane, Observation, Timeline, TimelineStep, moved


@dataclass(frozen=True)
class Panel:
    """One run of a figure; its lanes are numbered by the columns of the figure."""

    title: str
    run: Timeline
    """The run itself, numbered by its own steps."""
    attachments: list[Lane]
    storages: list[Lane]
    undefined: int | None
    """The column in which the behaviour became undefined."""
    answers: Mapping[int, list[Observation]]
    """What each column answered; a column is missing if the run has no such step."""
    differing: Mapping[int, list[Observation]]
    """Those of the answers that another run of the figure does not give in the same column."""


def aligned(runs: Mapping[str, Timeline]) -> tuple[list[TimelineStep], list[Panel]]:
    """Return the columns of a figure, and a panel for each run by its title.

    >>> attach, fire = TimelineStep("prog_attach"), TimelineStep("fire")
    >>> runs = {"before": Timeline("5.8", [attach]), "after": Timeline("5.9", [attach, fire])}
    >>> columns, panels = aligned(runs)
    >>> [column.operation for column in columns], [list(panel.answers) for panel in panels]
    (['prog_attach', 'fire'], [[0], [0, 1]])
    """
    timelines = list(runs.values())
    columns = _columns(timelines)
    steps = [timelines[run].steps[n] for run, n in (next(iter(one.items())) for one in columns)]
    answers = [
        {at: run.steps[one[number]].answers for at, one in enumerate(columns) if number in one}
        for number, run in enumerate(timelines)
    ]
    panels = []
    for number, (title, run) in enumerate(runs.items()):
        place = {one[number]: at for at, one in enumerate(columns) if number in one}
        others = [found for other, found in enumerate(answers) if other != number]
        panels.append(
            Panel(
                title,
                run,
                [moved(lane, place) for lane in run.attachments],
                [moved(lane, place) for lane in run.storages],
                None if run.undefined is None else place[run.undefined],
                answers[number],
                {
                    at: [it for it in texts if any(it not in o[at] for o in others if at in o)]
                    for at, texts in answers[number].items()
                },
            )
        )
    return steps, panels


def _columns(runs: Sequence[Timeline]) -> list[dict[int, int]]:
    """Return for each column the runs that have it, with the number of the step there."""
    made: list[dict[int, int]] = []
    known: list[TimelineStep] = []
    for number, run in enumerate(runs):
        matcher = SequenceMatcher(None, _keys(known), _keys(run.steps), autojunk=False)
        grown: list[dict[int, int]] = []
        named: list[TimelineStep] = []
        for tag, start, end, first, last in matcher.get_opcodes():
            grown += made[start:end]
            named += known[start:end]
            pairs = [*zip(known[start:end], run.steps[first:last], strict=False)]
            if tag == "equal" or (tag == "replace" and all(starmap(_one_observation, pairs))):
                for column, step in zip(made[start:end], range(first, last), strict=False):
                    column[number] = step
                first = min(last, first + end - start)
            grown += [{number: step} for step in range(first, last)]
            named += run.steps[first:last]
        made, known = grown, named
    return made


def _keys(steps: Iterable[TimelineStep]) -> list[object]:
    return [(step.operation, step.subject, step.times) for step in steps]


def _one_observation(one: TimelineStep, other: TimelineStep) -> bool:
    """Return whether an observation stopped after fewer operations in one of two runs."""
    names = [set(step.operation.split(" and ")) for step in (one, other)]
    labels = [{label for label, _ in step.answers if label} for step in (one, other)]
    return names[0] != names[1] and bool(names[0] & names[1]) and bool(labels[0] & labels[1])


def rows(lanes: list[Lane]) -> list[list[Lane]]:
    """Return lanes of one label after each other in one row, if they do not overlap."""
    found: list[list[Lane]] = []
    for lane in lanes:
        for row in found:
            same = row[0].label == lane.label
            if same and not any(other.overlaps(lane) for other in row):
                row.append(lane)
                break
        else:
            found.append([lane])
    return found
