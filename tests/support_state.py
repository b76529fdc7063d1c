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

# What a state has of a kernel as a whole, and what it leaves out.
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
# Of these it sees every slot; anything else that it meets is a plain value.
CLASSES = STATEFUL.keys()
CONTAINERS = {dict, list, bytearray}
PLAIN = {int, str, bool, NoneType, AttachType, Owner}
# Where a storage stands in its map's list; a dump without order leaves these out.
ORDER = {"newer", "older", "newest"}
CONSTANT = {"key", "value", "record", "body", "runs", "type", "identity"}

Path = Any
"""The way to a value: a name, or a pair of a way and a step."""


class State:
    """A kernel at one moment: every object that hangs on it, with the values of its attributes.

    It keeps what it met, so that an id stands for the same object as long as the state is there.
    """

    def __init__(self, kernel: Kernel, held: Iterable[object], order: bool) -> None:
        assert vars(kernel).keys() == {*KERNEL, *LEFT_OUT}, "the kernel has grown: say what to do"
        self.order = order
        self.kernel, self.held = _KERNEL(kernel), (*held,)
        self.attributes: dict[int, tuple[Any, tuple[Any, ...], list[int]]] = {}
        """An object of the model, by its id, the values of its attributes, the ids of constants."""
        self.contents: dict[int, tuple[Any, Any]] = {}
        """A list, dictionary or bytearray, by its id, and what is in it."""
        waiting = [*self.kernel, *self.held]
        for value in waiting:
            kind: Any = type(value)
            if id(value) in self.attributes or id(value) in self.contents:
                continue
            if kind in CLASSES:
                _, constants, read = _reader(kind, order)
                values = read(value)
                self.attributes[id(value)] = value, values, [*map(id, values[:constants])]
                values = values[constants:]
            elif kind is dict:
                self.contents[id(value)] = value, (*value.items(),)
                values = (*value, *value.values())
            elif kind is list:
                values = (*value,)
                self.contents[id(value)] = value, values
            elif kind is bytearray:
                self.contents[id(value)] = value, bytes(value)
                continue
            else:
                plain = kind in PLAIN or isinstance(value, (int, tuple, frozenset))
                assert plain, f"what is {value!r}?"
                continue
            waiting += [each for each in values if type(each) not in PLAIN]

    def named(self) -> dict[str, Any]:
        """Each object under a name, with all that it knows, in which names stand for objects."""
        return _Names(self).state()

    def is_identical(self, other: State) -> bool:
        """Whether the same objects hold the same in the same order; so they have the same names."""
        return (
            self.kernel == other.kernel
            and self.held == other.held
            and self.attributes == other.attributes
            and self.contents == other.contents
        )


def dump(kernel: Kernel, held: Iterable[object] = (), *, order: bool = True) -> State:
    """The state of the kernel now.

    ``held`` are descriptors and sockets of user space, which the kernel does not list; without
    ``order`` the state does not say in which order the storages of a map stand.
    """
    return State(kernel, held, order)


class _Names:
    def __init__(self, of: State) -> None:
        self._of = of
        self._names: dict[int, str] = {}
        self._state: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        for field, value in zip(KERNEL, self._of.kernel, strict=True):
            self._state[field] = self._value(value, field)
        self._state["held"] = [
            self._value(item, ("held", number)) for number, item in enumerate(self._of.held)
        ]
        return self._state

    def _value(self, value: Any, path: Path) -> Any:
        """A value with names in the place of objects."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind in CLASSES:
            return self._names.get(id(value)) or self._name(value, path)
        if kind not in CONTAINERS:
            return value
        _, content = self._of.contents[id(value)]
        if kind is dict:
            items = [
                (self._value(key, (path, key)), self._value(item, (path, key)))
                for key, item in content
            ]
            return items if self._of.order else sorted(items, key=repr)
        if kind is list:
            return [self._value(item, (path, at)) for at, item in enumerate(content)]
        return content

    def _name(self, found: Any, path: Path) -> str:
        """The name of an object that is met for the first time; its fields are written down."""
        name = self._names[id(found)] = self._new_name(found, path)
        fields = self._state[name] = self._fields(found)
        _, constants, _ = _reader(found.__class__, self._of.order)
        for number, (field, value) in enumerate(fields.items()):
            if number >= constants:
                fields[field] = self._value(value, (name, field))
            elif type(value) not in PLAIN:
                fields[field] = id(value)
        return name

    def _new_name(self, found: Any, path: Path) -> str:
        """What the object is called; one that has no name of its own by the way to it."""
        if isinstance(found, Object):
            return f"{found.kind} {found.id}"
        if isinstance(found, Cgroup):
            return f"cgroup {found.st_ino}"
        if isinstance(found, Storage):
            fields = self._fields(found)
            _, entries = self._of.contents[id(self._fields(fields["map"])["entries"])]
            if dict(entries).get(fields["key"]) is found:
                return f"storage {fields['map'].id} {fields['key']}"
        return _text(path)

    def _fields(self, found: Any) -> dict[str, Any]:
        """The attributes of an object, those that are constant first."""
        names, _, _ = _reader(found.__class__, self._of.order)
        return dict(zip(names, self._of.attributes[id(found)][1], strict=True))


def _text(path: Path) -> str:
    if isinstance(path, str):
        return path
    return f"{_text(path[0])}[{path[1]}]"


_KERNEL = attrgetter(*KERNEL)


@cache
def _reader(cls: Any, order: bool) -> tuple[list[str], int, Callable[[object], tuple[Any, ...]]]:
    """The attributes of a class, how many of them are constant, and what reads them all at once.

    Those that are constant come first.  Without order those are left out that say in which order
    storages stand.
    """
    slots = [slot for base in cls.__mro__ for slot in getattr(base, "__slots__", ())]
    constant = [slot for slot in slots if slot in CONSTANT and cls is not Storage]
    names = [*constant, *(s for s in slots if s not in constant and (order or s not in ORDER))]
    assert len(names) > 1, f"{cls}: attrgetter() returns no tuple for one attribute"
    return names, len(constant), attrgetter(*names)


def differences(before: State, after: State) -> list[str]:
    """What differs between two states, a line each."""
    if before.is_identical(after):
        return []
    first, second = before.named(), after.named()
    lines = []
    for name in sorted({*first, *second}):
        old, new = first.get(name), second.get(name)
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
