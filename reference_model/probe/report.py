# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is like, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from .. import changes
from ..releases import Change
from ..terminal import escaped
from .asking import Answers
from .inference import Finding
from .limits import NEVER_ASKED
from .predictions import Predictions, changes_of

STATES = {True: "present", False: "absent", None: "unknown"}
"""The words for whether a kernel has a change."""

_INDENT = " " * 6


def reason(
    change: Change, finding: Finding, answers: Answers, predictions: Sequence[Predictions]
) -> str:
    """Why it cannot be told whether the kernel has a change."""
    if change in NEVER_ASKED:
        return NEVER_ASKED[change]
    decided = {
        known: has if has is not None else changes_of(finding.nearest)[known]
        for known, has in finding.states.items()
    }
    assumed = {**changes_of(finding.nearest), **decided}
    other = {**assumed, change: not assumed[change]}
    showing = [each for each in predictions if each.on(assumed) != each.on(other)]
    for each in showing:
        if each.question.name in answers.not_asked:
            return answers.not_asked[each.question.name]
    for each in showing:
        if each.question.name not in finding.unexplained:
            return "another change, which the kernel may have or lack, has the same effect"
        given = answers.given[each.question.name]
        return f"the kernel answered {_last(given)} to {each.question.name!r}, which the model " \
            "does not explain"  # fmt: skip
    return "no call shows it on this kernel"


def _last(given: list[Any]) -> Any:
    return given[-1] if given else "nothing"


def data(finding: Finding, answers: Answers, predictions: Sequence[Predictions]) -> dict[str, Any]:
    """The result as plain data, in the form that the page on kernels documents."""
    found = {}
    for change, has in finding.states.items():
        entry: dict[str, Any] = {"state": STATES[has], "since": change.first}
        if has is None:
            entry["reason"] = reason(change, finding, answers, predictions)
        else:
            entry["shown_by"] = list(finding.shown_by[change])
        found[changes.NAMES[change]] = entry
    return {
        "kernel": answers.kernel,
        "nearest": finding.nearest,
        "changes": found,
        "unexplained": {name: answers.given[name] for name in finding.unexplained},
    }


def text(found: dict[str, Any], *, verbose: bool = False) -> str:
    """The result of data() for people: what differs from the nearest release, or all."""
    return "\n".join(_lines(found, verbose))


def _lines(found: dict[str, Any], verbose: bool) -> Iterator[str]:
    nearest, every = found["nearest"], found["changes"]
    has = changes_of(nearest)
    by_name = {name: change for change, name in changes.NAMES.items()}
    states = [entry["state"] for entry in every.values()]
    decided = [name for name in every if every[name]["state"] != "unknown"]
    differing = [n for n in decided if every[n]["state"] != STATES[has[by_name[n]]]]
    yield f"Linux {escaped(found['kernel'])} is nearest to Linux {nearest}."
    yield (
        f"Of {len(states)} changes it has {states.count('present')} and lacks "
        f"{states.count('absent')}; {states.count('unknown')} are unknown."
    )
    for state, head in (("present", "has"), ("absent", "lacks")):
        names = [name for name in differing if every[name]["state"] == state]
        if names:
            yield f"\nOther than Linux {nearest} it {head}:"
            yield from (_entry(name, by_name[name]) for name in names)
    if not differing:
        yield f"\nNo change that could be determined differs from Linux {nearest}."
    if unknown := [name for name in every if every[name]["state"] == "unknown"]:
        yield "\nUnknown:"
        yield from (f"  {name}: {every[name]['reason']}" for name in unknown)
    if found["unexplained"]:
        yield "\nThe model does not explain these answers:"
        yield from (f"  {name}: {_last(given)}" for name, given in found["unexplained"].items())
    if verbose:
        yield "\nAll changes:"
        yield from (f"  {entry['state']:<8} {name}" for name, entry in every.items())


def _entry(name: str, change: Change) -> str:
    effect = fill(
        change.effect.replace("``", ""),
        width=96,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
    )
    backports = f", backports {', '.join(change.backports)}" if change.backports else ""
    return f"  {name} (Linux {change.first}{backports})\n{effect}"


def claimed(kernel: str) -> str:
    """The mainline release in a name such as ``6.1.0-18-amd64``, or the name.

    >>> claimed("6.1.0-18-amd64")
    '6.1'
    """
    return ".".join(kernel.split("-")[0].split(".")[:2])
