# SPDX-License-Identifier: GPL-2.0-only
"""Which changes explain what a kernel answered: those with which the model answers the same.

The search begins with the mainline release that answers most questions as the kernel does, and then
adds and removes changes, one or two at a time, as long as more answers agree.  A change is told if
no other kernel that is as plausible answers the same and differs in that change, alone or together
with another one.

Plausible is what is near to a mainline release.  Kernels with backports have changes of later
releases, and hardly ever lack one of an earlier release: such a change counts ten times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from .. import changes
from ..profiles import Profile
from ..releases import MAINLINE, Change
from ..traces import Answer
from .predictions import Has, Predictions, changes_of

PROBED = tuple(change for change in changes.ALL if change.first is not None)
"""The changes of releases; nobody runs the proposal."""

_LACKING = 10
"""How much a change counts that a release has and a kernel lacks; one that it has besides: 1."""
_SLACK = 2
"""How much farther from a release a kernel can be that is as plausible: two changes more."""

States = Mapping[Change, bool | None]
"""Whether a kernel has each change; None if that cannot be told."""


@dataclass(frozen=True)
class Finding:
    """What a kernel is like."""

    nearest: str
    """The mainline release that it is nearest to in the told changes."""
    states: States
    unexplained: Sequence[str]
    """The questions that the kernel answered as no kernel of the model does."""
    shown_by: Mapping[Change, Sequence[str]]
    """The questions whose answers tell each change."""

    def profile(self, kernel: str) -> Profile:
        """The profile of the kernel, with the changes that were told."""
        given = {changes.NAMES[c]: has for c, has in self.states.items() if has is not None}
        return Profile(kernel, self.nearest, given)


@cache
def _mainline() -> Mapping[str, Has]:
    return {name: changes_of(name) for name in MAINLINE}


@cache
def _different() -> Sequence[Has]:
    """The mainline releases that differ by a change; the first one of those that do not."""
    every = list(_mainline().values())
    return [has for before, has in zip([None, *every], every, strict=False) if has != before]


def _bits(has: Has) -> int:
    """The changes of a kernel, a bit each."""
    return sum(1 << place for place, change in enumerate(PROBED) if has[change])


@cache
def _releases() -> Sequence[int]:
    return [_bits(has) for has in _different()]


def distance(states: States, has: Has) -> int:
    """How far a kernel is from a release with these changes."""
    return sum(
        (_LACKING if has[change] else 1)
        for change, given in states.items()
        if given is not None and given is not has[change]
    )


class _Search:
    """The questions that were answered, and the changes as far as they are found."""

    def __init__(
        self, predictions: Sequence[Predictions], answers: Mapping[str, list[Answer]]
    ) -> None:
        self.predictions = [each for each in predictions if each.question.name in answers]
        self.answers = answers
        first: Has = min(_different(), key=lambda has: len(self.wrong(has)))
        self.has = dict(first)

    def wrong(self, has: Has, among: Iterable[Predictions] | None = None) -> set[str]:
        """The questions that a kernel with these changes would have answered differently."""
        return {
            each.question.name
            for each in (self.predictions if among is None else among)
            if each.on(has) != self.answers[each.question.name]
        }

    def without(self, flipped: Sequence[Change]) -> Has:
        """The changes, with these decided differently."""
        return {**self.has, **{change: not self.has[change] for change in flipped}}

    def gain(self, flipped: Sequence[Change]) -> int:
        """How many answers more agree if these changes are decided differently."""
        concerned = [each for each in self.predictions if not each.asked.isdisjoint(flipped)]
        before, after = (
            self.wrong(self.has, concerned),
            self.wrong(self.without(flipped), concerned),
        )
        return len(before) - len(after)

    def implausible(self, flipped: Sequence[Change] = ()) -> int:
        """How far the kernel is from each release, with these changes decided differently."""
        mine = _bits(self.without(flipped))
        return min(
            _LACKING * (release & ~mine).bit_count() + (mine & ~release).bit_count()
            for release in _releases()
        )

    def run(self) -> None:
        """Find the changes."""
        while best := self._best(self._singles()) or self._best(self._pairs()):
            self.has.update(self.without(best))

    def _best(self, flips: Iterable[tuple[Change, ...]]) -> tuple[Change, ...] | None:
        """What brings most answers into agreement, and of that the most plausible; None if none."""
        gains = {flipped: self.gain(flipped) for flipped in flips}
        better = [flipped for flipped, gain in gains.items() if gain > 0]
        if not better:
            return None
        return max(better, key=lambda flipped: (gains[flipped], -self.implausible(flipped)))

    def _concerned(self) -> list[set[Change]]:
        """The changes that each question asks for that is answered wrongly."""
        wrong = self.wrong(self.has)
        return [each.asked for each in self.predictions if each.question.name in wrong]

    def _singles(self) -> Iterator[tuple[Change, ...]]:
        asked = set().union(*self._concerned())
        yield from ((change,) for change in PROBED if change in asked)

    def _pairs(self) -> Iterator[tuple[Change, ...]]:
        asked = set().union(*self._concerned())
        most = self.implausible() + _LACKING + _SLACK
        for pair in combinations(PROBED, 2):
            together = asked.intersection(pair) and any(
                each.asked.issuperset(pair) for each in self.predictions
            )
            if together and self.implausible(pair) <= most:
                yield pair

    def shown_by(self, change: Change) -> list[str]:
        """The questions that would be answered wrongly if the change were decided differently."""
        concerned = [each for each in self.predictions if change in each.asked]
        return sorted(self.wrong(self.without([change]), concerned) - self.wrong(self.has))

    def is_sure(self, change: Change) -> bool:
        """Whether no kernel as plausible answers the same and differs in the change."""
        if self.gain([change]) >= 0:
            return False
        shown_by = self.shown_by(change)
        showing = [each.asked for each in self.predictions if each.question.name in shown_by]
        rivals = ([change, other] for other in PROBED if all(other in asked for asked in showing))
        most = self.implausible() + _SLACK
        return not any(
            self.implausible(rival) <= most and self.gain(rival) >= 0
            for rival in rivals
            if rival[1] is not change
        )


def infer(
    predictions: Sequence[Predictions],
    answers: Mapping[str, list[Answer]],
    claimed: str = MAINLINE[-1],
) -> Finding:
    """Return what the answers say of a kernel; ``claimed``: the release that its name states."""
    search = _Search(predictions, answers)
    search.run()
    states = {change: search.has[change] if search.is_sure(change) else None for change in PROBED}

    def order(name: str) -> tuple[int, bool]:
        return distance(states, _mainline()[name]), name != claimed

    return Finding(
        min(MAINLINE, key=order),
        states,
        sorted(search.wrong(search.has)),
        {change: search.shown_by(change) for change in PROBED},
    )
