# SPDX-License-Identifier: GPL-2.0-only
"""The questions: short programs that are defined on every release, in ``questions.json``.

A question is a trace without answers, a call that one refusal or two of ``refusals`` apply to, or a
program of ``written``.
``python -m records questions`` chooses the questions among the recorded programs.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import BpfError, UndefinedBehaviour
from ..interface import KernelInterface
from ..refusals.pairs import FAULTS, NotTogether, Plan
from ..traces import Answer, Op, Replayer
from .written import WRITTEN

FILE = Path(__file__).with_name("questions.json")

Made = Callable[..., KernelInterface]
"""Makes a kernel; takes the setup that a question needs."""


@dataclass(frozen=True, eq=False)
class Question:
    """A program that a kernel is asked to run."""

    name: str
    runs: bool = True
    """Whether a program of it runs on any release, so that its faults could show."""
    lsm: bool = False
    """Whether it needs the hooks of Linux security modules."""
    pins: bool = False
    """Whether it needs bpffs."""

    @abstractmethod
    def ask(self, made: Made) -> list[Answer]:
        """Run the program on a new kernel; what the kernel answers."""

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """The members of the question in the file, beside its needs."""

    @property
    def needs(self) -> dict[str, bool]:
        """What it needs, as far as it does."""
        given = {"runs": self.runs, "lsm": self.lsm, "pins": self.pins}
        return {name: needed for name, needed in given.items() if needed}


@dataclass(frozen=True, eq=False)
class Sequence(Question):
    """The operations of a trace."""

    ops: tuple[Op, ...] = ()
    setup: Mapping[str, int] | None = None

    def ask(self, made: Made) -> list[Answer]:
        replayer = Replayer(made(**(self.setup or {})))
        answers: list[Answer] = []
        try:
            for op in self.ops:
                answers.append(replayer.answer(op))
        finally:
            with suppress(UndefinedBehaviour):
                replayer.answer({"op": "user", "capabilities": None})
        return answers

    def data(self) -> dict[str, Any]:
        return {"id": self.name, "ops": [*self.ops], "setup": dict(self.setup or {})}


NOT_TOGETHER = "not prepared"
"""The answer where a kernel refuses what prepares the call."""


@dataclass(frozen=True, eq=False)
class RefusedCall(Question):
    """A call with one fault or two, prepared as on a release."""

    on: str = ""

    @cached_property
    def _plan(self) -> Plan:
        plan = next(faults for faults in FAULTS if faults.name == self.name).plan(self.on)
        assert plan is not None, f"there is no call of {self.name} on {self.on}"
        return plan

    def ask(self, made: Made) -> list[Answer]:
        """Run the program; the sysctl stays as it is."""
        try:
            return [self._plan.answer(lambda unprivileged_bpf_disabled: made())]
        except NotTogether:
            return [NOT_TOGETHER]

    def data(self) -> dict[str, Any]:
        return {"faults": self.name, "on": self.on}


@dataclass(frozen=True, eq=False)
class Written(Question):
    """A program of ``written``."""

    def ask(self, made: Made) -> list[Answer]:
        try:
            WRITTEN[self.name](made())
        except BpfError as error:
            return [error.name]
        return ["ok"]

    def data(self) -> dict[str, Any]:
        return {"written": self.name}


def question(data: Mapping[str, Any]) -> Question:
    """The question with these members of the file."""
    needs = {name: bool(data.get(name)) for name in ("runs", "lsm", "pins")}
    if "faults" in data:
        return RefusedCall(data["faults"], **needs, on=data["on"])
    if "written" in data:
        return Written(data["written"], **needs)
    return Sequence(data["id"], **needs, ops=tuple(data["ops"]), setup=data["setup"])


def read(path: Path = FILE) -> list[Question]:
    """The questions of the file."""
    return [question(data) for data in json.loads(path.read_text(encoding="utf-8"))["questions"]]
