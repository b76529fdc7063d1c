# SPDX-License-Identifier: GPL-2.0-only
"""The whole state of a kernel, written down; and errors that must leave it as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any

import pytest

from reference_model import (
    AttachType,
    BpfError,
    Cgroup,
    Kernel,
    UndefinedBehaviour,
    changes,
    errors,
)
from reference_model.prog_arrays import Owner
from reference_model.state import STATEFUL, Object
from reference_model.storages import Storage

# What the walk sees of a kernel as a whole, and what it leaves out.
KERNEL = (
    *("capabilities", "cgroups", "cpus", "last_ids", "last_inode", "locked_pages", "lsm_slots"),
    *("objects", "pins", "root"),
)
LEFT_OUT = {
    "failing": "the test's own instrument: a failed allocation was its turn",
    "memlock": "set by the test",
    "unprivileged_bpf_disabled": "set by the test",
    "has": "what the release contains, a constant",
    "release": "a constant",
    "storages": "the semantics, a constant without state",
}
# Of these the walk sees every slot; anything else that it meets is a plain value.
CLASSES = STATEFUL.keys()
PLAIN = {int, str, bool, NoneType, AttachType, Owner}
# Where a storage stands in its map's list; a dump without order leaves these out.
ORDER = {"newer", "older", "newest"}
CONSTANT = {"key", "value", "record", "body", "runs", "type", "identity"}

State = dict[str, Any]
Path = Any
"""The way to a value: a name, or a pair of a way and a step."""


def dump(kernel: Kernel, held: Iterable[object] = (), *, order: bool = True) -> State:
    """Each object of the kernel under a name, with all that it knows.

    ``held`` are descriptors and sockets of user space, which the kernel does not list; without
    ``order`` the dump does not say in which order the storages of a map stand.
    """
    return _Walk(kernel, order).state(held)


class _Walk:
    def __init__(self, kernel: Kernel, order: bool) -> None:
        self._kernel, self._order = kernel, order
        self._names: dict[int, str] = {}
        self._state: State = {}

    def state(self, held: Iterable[object]) -> State:
        known = vars(self._kernel).keys()
        assert known == {*KERNEL, *LEFT_OUT}, "the kernel has grown: say what the dump does"
        for field in KERNEL:
            self._state[field] = self._value(getattr(self._kernel, field), field)
        self._state["held"] = [
            self._value(item, ("held", number)) for number, item in enumerate(held)
        ]
        return self._state

    def _value(self, value: Any, path: Path) -> Any:
        """A value as the dump has it; what is plain stands inline, as most of all values are."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind in CLASSES:
            return self._names.get(id(value)) or self._name(value, path)
        if kind is dict:
            items = [
                (
                    key if type(key) in PLAIN else self._value(key, (path, key)),
                    item if type(item) in PLAIN else self._value(item, (path, key)),
                )
                for key, item in value.items()
            ]
            return items if self._order else sorted(items, key=repr)
        if kind is list:
            return [self._value(item, (path, at)) for at, item in enumerate(value)]
        if kind is bytearray:
            return bytes(value)
        assert isinstance(value, (int, tuple, frozenset)), f"what is {value!r} at {path}?"
        return value

    def _name(self, found: Any, path: Path) -> str:
        """The name of an object that is met for the first time; its fields are written down."""
        name = self._names[id(found)] = _new_name(found, path)
        kind = type(found)
        names, read = _reader(kind, self._order)  # type: ignore[arg-type]
        fields = self._state[name] = dict(zip(names, read(found), strict=True))
        for field, value in fields.items():
            if type(value) not in PLAIN:
                constant = field in CONSTANT and kind is not Storage
                fields[field] = id(value) if constant else self._value(value, (name, field))
        return name


def _new_name(found: Any, path: Path) -> str:
    """What the object is called; one that has no name of its own by the way to it."""
    if isinstance(found, Object):
        return f"{found.kind} {found.id}"
    if isinstance(found, Cgroup):
        return f"cgroup {found.st_ino}"
    if isinstance(found, Storage) and found.map.entries.get(found.key) is found:
        return f"storage {found.map.id} {found.key}"
    return _text(path)


def _text(path: Path) -> str:
    if isinstance(path, str):
        return path
    return f"{_text(path[0])}[{path[1]}]"


@cache
def _reader(cls: Any, order: bool) -> tuple[list[str], Callable[[object], tuple[Any, ...]]]:
    """The attributes of a class, and what reads them all at once.

    Without order those are left out that say in which order storages stand.
    """
    slots = [slot for base in cls.__mro__ for slot in getattr(base, "__slots__", ())]
    names = [slot for slot in slots if order or slot not in ORDER]
    assert len(names) > 1, f"{cls}: attrgetter() returns no tuple for one attribute"
    return names, attrgetter(*names)


def differences(before: State, after: State) -> list[str]:
    """What differs between two dumps, a line each."""
    lines = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            lines += [
                f"{name}.{field}: {old[field]!r} -> {new[field]!r}"
                for field in old
                if old[field] != new[field]
            ]
        elif old != new:
            lines.append(f"{name}: {old!r} -> {new!r}")
    return lines


@contextmanager
def refused(
    kernel: Kernel, name: str, reason: type[BpfError] = BpfError, *held: object
) -> Iterator[None]:
    """The block ends with this errno, for this reason, and nothing in the kernel has changed."""
    before = dump(kernel, held)
    with pytest.raises(reason) as caught:
        yield
    assert caught.value.name == name
    assert differences(before, dump(kernel, held)) == []
    kernel.check_invariants()


@contextmanager
def undefined(kernel: Kernel, reason: str, *held: object) -> Iterator[None]:
    """The block ends with UndefinedBehaviour that says this, and nothing has changed."""
    before = dump(kernel, held)
    with pytest.raises(UndefinedBehaviour, match=reason):
        yield
    assert differences(before, dump(kernel, held)) == []
    kernel.check_invariants()


def out_of_memory(kernel: Kernel) -> AbstractContextManager[None]:
    """The block fails with ENOMEM, and nothing has changed."""
    return refused(kernel, "ENOMEM", errors.OutOfMemory)


def without_memory(kernel: Kernel) -> AbstractContextManager[None]:
    """The block attaches without memory for a shared storage: ENOMEM, or undefined: 4.20 to 5.5."""
    if kernel.has(changes.STORAGES_BY_TYPE) and not kernel.has(changes.STORAGE_POINTERS):
        return undefined(kernel, "uninitialized pointer")
    return out_of_memory(kernel)


def answer(operation: Callable[[], object]) -> object:
    """What an operation answers: its value, or the name of its errno."""
    try:
        return operation()
    except BpfError as error:
        return error.name
