# SPDX-License-Identifier: GPL-2.0-only
"""Methods that run operations of one call: compiled from the table of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .kinds import Ever, Key, Kind, Maybe, Name, Word
from .operation import ANY, Op, Operation, descriptor_of
from .operations import OPERATIONS
from .trace import Answer

Run = Callable[[Any, Op], Answer]
"""Runs an operation on a replayer."""

Returns = Mapping[str, Callable[[Any, Any], Answer]]
"""The answers of some operations, made of what their call returns; others answer ``"ok"``."""


def add_calls(replayer: type, returns: Returns) -> None:
    """Add a method for each operation of one call that the class of a replayer has not."""
    for kind, operation in OPERATIONS.items():
        if operation.call is not None and kind not in vars(replayer):
            setattr(replayer, kind, _run(operation, returns.get(kind)))


def _argument(operation: Operation, name: str) -> str:
    """Return the Python expression of an argument of a call; ``op`` holds the field of it."""
    if name == ANY:
        return "replayer._named(descriptor_of(op))"
    kind: Kind = operation.fields[name]
    kind = kind.kind if isinstance(kind, Maybe) else kind
    if isinstance(kind, Ever):
        return f"replayer._ever(op[{name!r}])"
    if isinstance(kind, Name):
        return f"replayer._named(op[{name!r}])"
    if isinstance(kind, Word):
        return f"fields[{name!r}].meaning[op[{name!r}]]"
    if isinstance(kind, Key):
        return "replayer._key(op, replayer._named(op['map']).object.wide_key)"
    if name in operation.optional:
        return f"op.get({name!r}, {operation.optional[name]!r})"
    return f"op[{name!r}]"


def _run(operation: Operation, returns: Callable[[Any, Any], Answer] | None) -> Run:
    """Return what runs an operation that is one call: a function as one would write it by hand."""
    assert operation.call is not None
    call, by_place, by_name = operation.call
    arguments = [_argument(operation, name) for name in by_place]
    arguments += [f"{name}={_argument(operation, name)}" for name in by_name]
    lines = [f"done = replayer.kernel.{call}({', '.join(arguments)})"]
    if operation.makes is not None:
        lines.append(f"replayer.live[op[{operation.makes!r}]] = done")
    if operation.ends is not None:
        ended = "descriptor_of(op)" if operation.ends == ANY else f"op[{operation.ends!r}]"
        lines.append(f"del replayer.live[{ended}]")
    if returns is not None:
        lines.append("return returns(replayer, done)")
    space: dict[str, Any] = {
        "descriptor_of": descriptor_of,
        "fields": operation.fields,
        "returns": returns,
    }
    exec("\n    ".join(["def run(replayer, op):", *lines]), space)
    run: Run = space["run"]
    return run
