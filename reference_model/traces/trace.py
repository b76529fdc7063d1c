# SPDX-License-Identifier: GPL-2.0-only
"""One trace: what a line of a file holds, and how it is read, checked and written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..members import load
from ..releases import release
from .operation import Op
from .operations import OPERATIONS

Answer = Any
"""What a kernel answered to an operation, in the words of the format."""

_SETUP = frozenset({"memlock", "unprivileged_bpf_disabled"})


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of a file: operations, and what each kernel answered."""

    id: str
    ops: list[Op]
    answers: dict[str, list[Answer]]
    """The answers of each kernel, one for each operation."""
    undefined: dict[str, str]
    """The kernels that broke on it, and how; they have no answers."""
    setup: dict[str, int] = field(default_factory=dict)
    """How the kernel is set up before: parameters of Kernel, such as ``memlock``."""


def parse(line: str) -> Trace:
    """Return the trace in a line; ValueError says what is wrong, by operation and field."""
    data = load(line)
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, not {line.strip()[:40]!r}")
    name, ops = _member(data, "id"), _member(data, "ops")
    if not ops:
        raise ValueError("no operations")
    _check_operations(ops)
    answers: dict[str, list[Answer]] = {}
    undefined = _member(data, "undefined", {})
    kernels = list(undefined)
    for alike, given in map(_group, _member(data, "answers")):
        if len(given) != len(ops):
            raise ValueError(f"{len(given)} answers of {alike} for {len(ops)} operations")
        kernels += alike
        answers.update(dict.fromkeys(alike, given))
    for kernel in kernels:
        release(kernel)
        if kernels.count(kernel) > 1:
            raise ValueError(f"kernel {kernel!r} twice")
    setup = _member(data, "setup", {})
    if not setup.keys() <= _SETUP or not all(type(given) is int for given in setup.values()):
        raise ValueError(f"setup {setup!r}: it holds numbers for {', '.join(sorted(_SETUP))}")
    return Trace(name, ops, answers, undefined, setup)


_TYPES: dict[str, tuple[type, str]] = {
    "id": (str, "a text"),
    "ops": (list, "a list"),
    "answers": (list, "a list"),
    "undefined": (dict, "an object"),
    "setup": (dict, "an object"),
}


def _member(data: dict[str, Any], name: str, default: Any = None) -> Any:
    given = data.get(name, default)
    kind, expected = _TYPES[name]
    if given is None:
        raise ValueError(f"no {name!r}")
    if not isinstance(given, kind):
        raise ValueError(f"{name}: expected {expected}, not {str(given)[:40]!r}")
    return given


def _group(given: Any) -> tuple[list[str], list[Answer]]:
    """Return the kernels that answered alike, and their answers."""
    if not (isinstance(given, list) and [type(part) for part in given] == [list, list]):
        raise ValueError("answers: expected pairs of a list of kernels and a list of answers")
    for kernel in given[0]:
        if not isinstance(kernel, str):
            raise ValueError(f"answers: the name of a kernel is a text, not {str(kernel)[:40]!r}")
    return given[0], given[1]


def _check_operations(ops: list[Any]) -> None:
    """ValueError names the first operation that is wrong, its field, and why."""
    kinds: dict[str, str] = {}
    for number, op in enumerate(ops):
        kind = op.get("op") if isinstance(op, dict) else None
        if not isinstance(kind, str):
            raise ValueError(f"operation {number}: expected an object with 'op'")
        if kind not in OPERATIONS:
            known = ", ".join(OPERATIONS)
            raise ValueError(f"operation {number}: unknown operation {kind!r}: known are {known}")
        operation = OPERATIONS[kind]
        try:
            operation.check(op)
            for of, name in operation.names(op):
                if kinds.setdefault(name, of) != of:
                    raise ValueError(f"{name} is a {kinds[name]}, not a {of}")
        except ValueError as error:
            raise ValueError(f"operation {number}, {kind}: {error}") from None


def line(trace: Trace) -> str:
    """Return a trace as a line of a file, without the newline; parse() reads it."""
    alike: dict[str, list[str]] = {}
    for kernel, answers in trace.answers.items():
        alike.setdefault(json.dumps(answers), []).append(kernel)
    data: dict[str, Any] = {"id": trace.id, "ops": trace.ops}
    if trace.setup:
        data["setup"] = trace.setup
    data["answers"] = [[kernels, json.loads(given)] for given, kernels in alike.items()]
    data["undefined"] = trace.undefined
    return json.dumps(data)
