# SPDX-License-Identifier: GPL-2.0-only
"""What a scribe writes down: operations, and the names of the objects in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from ..errors import ERRNO_NAMES, BpfError
from .kinds import Kind, Maybe, Name, Number, Some, Word
from .names import LETTERS
from .operation import Op
from .operations import OPERATIONS
from .trace import Answer

_ERRNOS = {name: number for number, name in ERRNO_NAMES.items()}


class NotExportable(Exception):
    """A story asks for something that the format has no operation for; the text says what."""


class OtherPath(Exception):
    """The story asks something else than the trace holds: the kernel answered as no model did."""


class Refused(BpfError):
    """A refusal of which only the errno's name is known."""

    def __init__(self, name: str) -> None:
        OSError.__init__(self, _ERRNOS.get(name, 0), f"{name}: as recorded")

    @property
    def name(self) -> str:
        """The errno's name: ``"EBUSY"``."""
        return ERRNO_NAMES[self.errno or 0]


class Notebook:
    """The operations so far, and the objects that they name.

    ``answer`` answers an operation of the format, or raises UndefinedBehaviour.
    """

    def __init__(self, answer: Callable[[Op], Answer]) -> None:
        self.cpus: tuple[int, ...] = (0, 1)
        self._answer = answer
        self.ops: list[Op] = []
        """The operations so far."""
        self._names: dict[object, str] = {}
        self._things: dict[str, Any] = {}
        self._counts = dict.fromkeys(LETTERS.values(), 0)
        self._ids: dict[str, Answer] = {}

    def _ask(self, kind: str, **given: Any) -> Answer:
        """Write an operation down, with fields as the table says, and have it answered.

        Raises a refusal.
        """
        fields = OPERATIONS[kind].fields
        op = {"op": kind}
        op |= {name: self._written(fields[name], value) for name, value in given.items()}
        self.ops.append(op)
        answer = self._answer(op)
        if isinstance(answer, str) and answer != "ok" and not answer.startswith("denied"):
            if answer not in _ERRNOS:
                raise OtherPath(f"the answer of {json.dumps(op)} is {answer!r}")
            raise Refused(answer)
        return answer

    def _written(self, kind: Kind, given: Any) -> Any:
        """Return an argument of a call as a field of the format."""
        if isinstance(kind, Maybe):
            return None if given is None else self._written(kind.kind, given)
        if isinstance(kind, Some):
            return [self._written(kind.kind, each) for each in given]
        if isinstance(kind, Name) and not isinstance(given, str):
            return self._name(given)
        if isinstance(kind, Word):
            return word_for(kind.word, given)
        return int(given) if isinstance(kind, Number) else given

    def _new(self, letter: str) -> str:
        self._counts[letter] += 1
        return f"{letter}{self._counts[letter]}"

    def _keep(self, name: str, thing: Any) -> Any:
        self._names[thing] = name
        self._things[name] = thing
        return thing

    def _name(self, thing: object) -> str:
        """The name of a living thing; NotExportable for one that is closed or foreign."""
        if thing not in self._names:
            raise NotExportable(f"{thing!r} has no name in the format: it is closed, or no such")
        return self._names[thing]


def word_for(names: dict[Any, Any], thing: Any) -> Any:
    """Return the word of the format for a thing; NotExportable if it has none."""
    if thing not in names:
        raise NotExportable(f"the format has no name for {thing!r}")
    return names[thing]


def absent(**given: object) -> None:
    """NotExportable names an argument that is given, and that the format has no field for."""
    for name, value in given.items():
        if value:
            raise NotExportable(f"the format has no field for {name}={value!r}")


C = TypeVar("C", bound=Callable[..., Any])


def no_operation(call: C) -> C:
    """Return a method for a call of the interface that the format cannot say."""

    @wraps(call)
    def method(self: Notebook, *given: Any, **further: Any) -> NoReturn:
        raise NotExportable(f"the format has no operation for Kernel.{call.__name__}")

    return cast(C, method)
