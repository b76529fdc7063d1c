# SPDX-License-Identifier: GPL-2.0-only
"""What the model answers to a question on a kernel with any set of changes.

The model decides on the few changes that the question asks it for, one after the other.  So the
answers are kept in a tree: a change at each branch, answers at each end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from .. import changes
from ..errors import UNDEFINED, UndefinedBehaviour
from ..kernel import Kernel
from ..releases import MAINLINE, Change, Release, release
from ..traces import Answer
from .questions import Question

Has = Mapping[Change, bool]
"""Whether a kernel has each change."""


@cache
def changes_of(name: str) -> Has:
    """The changes of a release, in order of release."""
    return {change: release(name).has(change) for change in changes.ALL}


class _Assumed(Release):
    """A kernel with given changes, and the order in which it is asked for them."""

    __slots__ = ("_assumed", "order")

    def __init__(self, has: Has) -> None:
        super().__init__(MAINLINE[-1])
        self._assumed = has
        self.order: list[Change] = []

    def _contains(self, change: Change) -> bool:
        self.order.append(change)
        return self._assumed[change]


class _Branch:
    """The change that the model asks for next, and what follows either way."""

    __slots__ = ("change", "following")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.following: dict[bool, _Branch | list[Answer]] = {}


class Predictions:
    """The answers of the model to a question, by the changes of the kernel.

    ``machine`` are the parameters of Kernel that describe the machine.
    """

    def __init__(self, question: Question, machine: Mapping[str, Any] | None = None) -> None:
        self.question = question
        self.asked: set[Change] = set()
        """The changes that the model asked for so far."""
        self._machine = machine or {}
        self._root: dict[bool, _Branch | list[Answer]] = {}

    def on(self, has: Has) -> list[Answer]:
        """What a kernel with these changes answers; UNDEFINED ends it where the kernel may crash.

        The same list for kernels between which the question does not distinguish.
        """
        at = self._root.get(True)
        while isinstance(at, _Branch):
            at = at.following.get(has[at.change])
        return self._run(has) if at is None else at

    def _run(self, has: Has) -> list[Answer]:
        release = _Assumed(has)

        def made(**setup: Any) -> Kernel:
            return Kernel(release, **{**self._machine, **setup})

        try:
            answers = self.question.ask(made)
        except UndefinedBehaviour:
            answers = [UNDEFINED]
        place, way = self._root, True
        for change in release.order:
            branch = place.setdefault(way, _Branch(change))
            assert isinstance(branch, _Branch)
            assert branch.change is change
            place, way = branch.following, has[change]
        place[way] = answers
        self.asked.update(release.order)
        return answers
