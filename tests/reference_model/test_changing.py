# SPDX-License-Identifier: GPL-2.0-only
"""Which attributes change: what the classes of the model declare, and what kernels do to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support_programs import EGRESS, SKB

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_PREORDER,
    BPF_F_REPLACE,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_LSM,
    STORAGE_KEY,
    U64,
    Kernel,
)
from reference_model.errors import UndefinedBehaviour
from reference_model.state import STATEFUL, Descriptor
from reference_model.traces import Replayer, read

TRACES = Path(__file__).parents[2] / "records" / "traces"
FILES = ("stories.jsonl", "hazards.jsonl", "divergence.jsonl", "found_by_exploring.jsonl")

Snapshot = dict[int, tuple[Any, dict[str, object]]]
"""Every object with a state, with its attributes as they are."""


def slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        yield from getattr(base, "__slots__", ())


def look(*found: Any) -> Snapshot:
    """All objects that can be reached from these."""
    waiting, seen = list(found), dict[int, tuple[Any, dict[str, object]]]()
    for thing in waiting:
        if isinstance(thing, dict):
            waiting += [*thing, *thing.values()]
        elif isinstance(thing, (list, tuple)):
            waiting += thing
        elif type(thing) in STATEFUL and id(thing) not in seen:
            values = {name: getattr(thing, name) for name in slots(type(thing))}
            if isinstance(thing, Descriptor):
                values = {name: getattr(thing, name) for name in ("mode", "object", "open")}
            seen[id(thing)] = thing, {name: plain(value) for name, value in values.items()}
            waiting += values.values()
    return seen


def plain(value: Any) -> object:
    """A value, to be compared with a later one of the same attribute; objects by identity."""
    if type(value) in STATEFUL:
        return id(value)
    if isinstance(value, dict):
        return [(plain(key), plain(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return bytes(value) if isinstance(value, bytearray) else value


def changed(before: Snapshot, after: Snapshot) -> set[tuple[type, str]]:
    return {
        (type(thing), name)
        for key, (thing, old) in before.items()
        if key in after
        for name, value in after[key][1].items()
        if value != old[name]
    }


@cache
def seen() -> frozenset[tuple[type, str]]:
    """What changed while kernels ran the operations of the recorded traces, and a few calls."""
    found: set[tuple[type, str]] = set()
    traces = [trace for file in FILES for trace in read(TRACES / file)]
    for release in ("5.8", "5.10", "latest"):
        for trace in traces:
            replayer = Replayer(Kernel(release, **trace.setup))
            kernel, held = replayer.kernel, dict[str, Any]()
            for op in trace.ops:
                held |= replayer.live
                before = look(held, kernel.objects, kernel.cgroups)
                try:
                    replayer.answer(op)
                except UndefinedBehaviour:
                    break
                found |= changed(before, look(held, replayer.live, kernel.objects, kernel.cgroups))
    kernel = Kernel()
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
    prog, web = kernel.prog_load(SKB), kernel.mkdir("web")
    other, multi = kernel.prog_load(SKB), int(BPF_F_ALLOW_MULTI)
    kernel.prog_attach(web, prog, EGRESS, multi)
    before = look(prog, counts, web)
    kernel.prog_bind_map(prog, counts)
    kernel.prog_attach(web, other, EGRESS, multi | BPF_F_REPLACE | BPF_F_PREORDER, replace=prog)
    found |= changed(before, look(prog, counts, web))
    lsm = kernel.prog_load(
        BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook="socket_bind"
    )
    before = look(kernel.lsm_slots)
    kernel.prog_attach(web, lsm, BPF_LSM_CGROUP)
    found |= changed(before, look(kernel.lsm_slots))
    return frozenset(found)


def test_nothing_changes_that_is_not_declared() -> None:
    assert {
        f"{kind.__name__}.{name}" for kind, name in seen() if name not in STATEFUL[kind]
    } == set()


@pytest.mark.parametrize("kind", STATEFUL, ids=lambda kind: kind.__name__)
def test_what_is_declared_changes(kind: type) -> None:
    """What a class declares itself, in it or in a class that inherits the declaration."""
    inherited = {name for base in kind.__mro__[1:] for name in STATEFUL.get(base, ())}
    family = {one for one in STATEFUL if issubclass(one, kind)}
    assert set(STATEFUL[kind]) - inherited <= {name for one, name in seen() if one in family}
