# SPDX-License-Identifier: GPL-2.0-only
"""Special fields in the BTF of a value: which ones a kernel finds, and which BTF does not load.

Modelled: ``kernel/bpf/btf.c``: ``btf_find_struct_field``, ``btf_find_nested_struct``,
``btf_repeat_fields``, ``btf_parse_fields`` and ``btf_parse_struct_metas``; before 6.2
``btf_find_field``.  Left out: BTF that does not load because of more than 11 kptrs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from . import changes, errors
from .errors import BpfError
from .releases import Change
from .values import KPTR, RES_SPIN_LOCK, SPIN_LOCK, TIMER, Array, Field, Special, Struct, Type

SINCE = {
    SPIN_LOCK: changes.SPIN_LOCK,
    TIMER: changes.TIMER,
    KPTR: changes.KPTR,
    RES_SPIN_LOCK: changes.RES_SPIN_LOCK,
}
"""The change before which a special field is a struct like any other."""

MOST_FIELDS = 11
"""``BTF_FIELDS_MAX``: of a value with more special fields the kernel finds none."""

_LOCKS = frozenset({SPIN_LOCK, RES_SPIN_LOCK})
"""The fields for which the kernel looks in structs with a bpf_spin_lock, when BTF is loaded."""

Has = Callable[[Change], bool]
"""Whether a kernel has a change."""


class Found(NamedTuple):
    """A special field that a kernel found, and where it stands in the value."""

    special: Special
    field: Field


def special_fields_in(value: Type | None, has: Has) -> tuple[Found, ...]:
    """Return the special fields that a kernel finds in a value, in the order of its members.

    BpfError is what loading the BTF fails with.
    """
    if value is None:
        return ()
    known = frozenset(special for special, since in SINCE.items() if has(since))
    if not has(changes.BTF_RECORD):
        return _alone(value, known)
    for struct in _structs(value):
        if SPIN_LOCK in known and SPIN_LOCK in struct.members.values():
            _parse(struct, known & _LOCKS, has)
    try:
        return tuple(_parse(value, known, has))
    except BpfError:
        return ()


def kinds(value: Type) -> set[Special]:
    """Return the kinds of special fields that are anywhere in a value."""
    members = (_flat(member)[0] for each in _structs(value) for member in each.members.values())
    return {member for member in members if isinstance(member, Special)}


def nested_lock(value: Type) -> bool:
    """Whether a bpf_spin_lock is in a struct or array that is a member of the value."""
    members = value.members.values() if isinstance(value, Struct) else ()
    return SPIN_LOCK in kinds(value) and SPIN_LOCK not in members


def _alone(value: Type, known: frozenset[Special]) -> tuple[Found, ...]:
    """The members that are special fields; of a kind that is there twice the kernel finds none."""
    if not isinstance(value, Struct):
        return ()
    members = list(value.members.values())
    return tuple(
        Found(member, Field(value.offsets[name], member.size))
        for name, member in value.members.items()
        if isinstance(member, Special) and member in known
        if member is KPTR or members.count(member) == 1
    )


def _structs(value: Type) -> list[Struct]:
    """The structs that the BTF of a value describes, each once, the value first."""
    waiting, found = [value], {}
    while waiting:
        element, _ = _flat(waiting.pop())
        if isinstance(element, Struct) and id(element) not in found:
            found[id(element)] = element
            waiting += element.members.values()
    return list(found.values())


def _parse(value: Type, known: frozenset[Special], has: Has) -> list[Found]:
    """``btf_parse_fields()``: the fields of these kinds; BpfError if they do not go together."""
    if not isinstance(value, Struct):
        return []
    found = _some(_search(value, known, has, set()))
    if len(found) > MOST_FIELDS:
        raise errors.SpecialFieldTwice(found[0].special)
    if {one.special for one in found} >= _LOCKS:
        raise errors.SpinLocksOfBothKinds
    return found


def _search(
    struct: Struct, known: frozenset[Special], has: Has, seen: set[Special]
) -> Iterator[Found]:
    """``btf_find_struct_field()``: ``seen`` are the kinds that can be there only once."""
    nested = has(changes.NESTED_FIELDS)
    for name, member in struct.members.items():
        element, count = _flat(member) if nested else (member, 1)
        inside: list[Found] = []
        if isinstance(element, Special) and element in known and count:
            if element in seen:
                raise errors.SpecialFieldTwice(element)
            if element is not KPTR:
                seen.add(element)
            inside = [Found(element, Field(0, element.size))]
        elif nested and isinstance(element, Struct) and count:
            whole = has(changes.FIELDS_COUNTED_IN_WHOLE_VALUE)
            inside = _some(_search(element, known, has, seen if whole else set()))
        for one in inside:
            if count > 1 and one.special is not KPTR:
                raise errors.SpecialFieldArray(one.special)
        for number in range(min(count, MOST_FIELDS + 1) if inside else 0):
            base = struct.offsets[name] + number * element.size
            for special, (offset, width) in inside:
                yield Found(special, Field(base + offset, width))


def _some(found: Iterator[Found]) -> list[Found]:
    """The fields, but no more than it takes to see that they are too many."""
    return list(islice(found, MOST_FIELDS + 1))


def _flat(described: Type) -> tuple[Type, int]:
    """The type of an array's elements and their number, also of an array of arrays."""
    element, count = described, 1
    while isinstance(element, Array):
        count *= element.length
        element = element.element
    return element, count
