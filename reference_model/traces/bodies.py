# SPDX-License-Identifier: GPL-2.0-only
"""The bodies of programs in the format: lists such as ``["add", "m1", 1]``, one for each step.

The arguments of a step are those of its class, in the same order.  A field of a value is
``[offset, width]``.  Where all steps are alike, the format says it shorter, with ``body``, ``maps``
and ``tail_call``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from ..maps import MapFd
from ..steps import (
    Add,
    BitVerdict,
    Call,
    CgroupOf,
    CgrpAdd,
    CgrpDelete,
    Copy,
    Flush,
    Guard,
    Mention,
    Mix,
    Return,
    SetRetval,
    Step,
    Store,
    TailCall,
    Verdict,
)

STEPS: dict[str, type[Step]] = {
    "add": Add,
    "mix": Mix,
    "store": Store,
    "copy": Copy,
    "flush": Flush,
    "verdict": Verdict,
    "bit_verdict": BitVerdict,
    "guard": Guard,
    "set_retval": SetRetval,
    "cgrp_add": CgrpAdd,
    "cgrp_delete": CgrpDelete,
    "return": Return,
    "mention": Mention,
    "call": Call,
    "tail_call": TailCall,
}
"""The steps of the format, by their names in it."""

BODIES = ("add", "mix")
"""The steps that ``body`` can stand for."""

MAP, NUMBER, FIELD, HELPER = "a map", "a number", "[offset, width]", "a helper"
CGROUP, RCU = "task, parent or socket", "true or false"
_ARGUMENTS = {"MapFd": MAP, "int": NUMBER, "str | None": FIELD, "str": HELPER}
_ARGUMENTS |= {"CgroupOf": CGROUP, "bool": RCU}

ARGUMENTS = {
    name: tuple(_ARGUMENTS[str(field.type)] for field in fields(step))
    for name, step in STEPS.items()
}
"""What the arguments of each step are, in order; those of kind FIELD can be left out."""

_NAMES = {step: name for name, step in STEPS.items()}

Given = list[Any]
"""A step as a list."""


def long(op: dict[str, Any]) -> list[Given]:
    """Return the steps of an operation, also where ``body``, ``maps`` and ``tail_call`` say it."""
    if "steps" in op:
        steps: list[Given] = op["steps"]
        return steps
    kind, number = op["body"]
    jump = [["tail_call", op["tail_call"]]] if op.get("tail_call") else []
    return [*([kind, name, number] for name in op["maps"]), *jump]


def short(steps: list[Given]) -> dict[str, Any]:
    """Return the fields of an operation with these steps, as short as the format can say them."""
    jump = {}
    if steps and steps[-1][0] == "tail_call" and steps[-1][2] == 0:
        jump = {"tail_call": steps[-1][1]}
    simple = steps[:-1] if jump else steps
    bodies = [[step[0], step[2]] for step in simple if len(step) == 3]
    alike = len(bodies) == len(simple) and all(body == bodies[0] for body in bodies)
    if alike and (not bodies or bodies[0][0] in BODIES):
        body = bodies[0] if bodies else ["add", 1]
        return {"body": body, "maps": [step[1] for step in simple], **jump}
    return {"steps": steps}


def maps_of(step: Given) -> Iterator[str]:
    """Yield the names of the maps in a step."""
    for kind, argument in zip(ARGUMENTS[step[0]], step[1:], strict=False):
        if kind is MAP:
            yield argument


def read(step: Given, named: Callable[[str], Any]) -> Step:
    """Return the step that a list describes; ``named`` returns the map of a name."""
    given = [
        named(argument)
        if kind is MAP
        else "{}:{}".format(*argument)
        if kind is FIELD and argument is not None
        else CgroupOf(argument)
        if kind is CGROUP
        else argument
        for kind, argument in zip(ARGUMENTS[step[0]], step[1:], strict=False)
    ]
    return STEPS[step[0]](*given)


def read_all(op: dict[str, Any], named: Callable[[str], Any]) -> list[Step]:
    """Return the steps of an operation: those of long(), and quicker where they are alike."""
    if "steps" in op or op.get("tail_call"):
        return [read(step, named) for step in long(op)]
    kind, number = op["body"]
    step: Callable[..., Step] = STEPS[kind]
    return [step(named(name), number) for name in op["maps"]]


def written(
    step: Step, name_of: Callable[[MapFd], str], place_of: Callable[[MapFd, str], tuple[int, int]]
) -> Given:
    """Return a step as a list; KeyError holds its class if the format has no such step.

    ``name_of`` returns the name of a map, ``place_of`` offset and width of a field in its value.
    """
    name = _NAMES[type(step)]
    values = [getattr(step, field.name) for field in fields(step)]
    maps = iter([value for value, kind in zip(values, ARGUMENTS[name], strict=True) if kind is MAP])
    given: Given = [name]
    for value, kind in zip(values, ARGUMENTS[name], strict=True):
        if kind is MAP:
            given.append(name_of(value))
        elif kind is FIELD:
            found = next(maps)
            given.append(None if value is None else [*place_of(found, value)])
        elif kind is CGROUP:
            given.append(str(value))
        else:
            given.append(value)
    while given[-1] is None:
        given.pop()
    return given


def source(step: Given) -> str:
    """Return a step as a Python expression, in which maps are variables."""
    given = [
        repr(argument)
        if kind is HELPER
        else f"CgroupOf.{argument.upper()}"
        if kind is CGROUP
        else str(argument)
        for kind, argument in zip(ARGUMENTS[step[0]], step[1:], strict=False)
    ]
    return f"{STEPS[step[0]].__name__}({', '.join(given)})"
