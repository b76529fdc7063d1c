# SPDX-License-Identifier: GPL-2.0-only
"""Arguments at their boundaries: an ordinary call with one argument replaced, for each value.

Each flag alone, numbers at the ends of their range, names of each length, every attach type, and
descriptors of every kind, open and closed.  A call on hooks or maps that succeeds also tells what
it left behind.

>>> from reference_model import Kernel
>>> question = next(found for found in QUESTIONS if found.name == "prog_attach: flags=0x80000000")
>>> question.answer(Kernel)
'EINVAL'
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ..errors import BpfError, UndefinedBehaviour
from ..ids import MapInfo
from ..interface import KernelInterface
from ..kernel import Kernel
from ..uapi import (
    BPF_F_ALLOW_MULTI,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_LINK,
    BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    QUERY_SIZE,
    AttachType,
    ProgType,
)
from ..values import STORAGE_KEY, U32, U64, Bytes
from .ordinary import PIN
from .setup import EGRESS, PERCPU_STORAGE, SKB, STORAGE, Setup

Arguments = dict[str, Any]
Value = tuple[str, Callable[[Setup], Any]]
"""A value by its name, and how it is made."""

_MULTI = int(BPF_F_ALLOW_MULTI)


# -- values ----------------------------------------------------------------------------------------


def _plain(*values: Any) -> list[Value]:
    return [(_shown(value), lambda _, value=value: value) for value in values]  # type: ignore[misc]


def _shown(value: Any) -> str:
    if type(value) is int:
        return str(value) if value < 1 << 10 else hex(value)
    return repr(value)


def _flags(bits: int, base: int = 0) -> list[Value]:
    """The flags of an ordinary call with each other bit, and with all."""
    numbers = dict.fromkeys([0, *(base | 1 << bit for bit in range(bits)), (1 << bits) - 1])
    return [(hex(number), lambda _, number=number: number) for number in numbers]  # type: ignore[misc]


_NUMBERS = _plain(0, 1, 2, (1 << 31) - 2, (1 << 31) - 1, 1 << 31, (1 << 32) - 2, (1 << 32) - 1)
_COUNTS = _plain(0, 1, 2, 3, 4, 1 << 16, (1 << 16) + 1, 1 << 31, (1 << 32) - 1)
_REVISIONS = _plain(0, 1, 2, 3, 1 << 32, 1 << 63, (1 << 64) - 1)
_ATTACH_TYPES = _plain(*range(64), 1 << 16, 1 << 31, (1 << 32) - 1)
_FLAGS, _WIDE_FLAGS = _flags(32), _plain(*range(4), 4, 5, 8, 16, 1 << 31, 1 << 32, 1 << 63)
_NAMES = _plain("", "a" * 15, "a" * 16, "a" * 17, "a.b", "a_b", "a b", "a-b", "\xe9", "\x7f", "\n")
_SIZES = _plain(
    *map(Bytes, (0, 1, 4, 7, 8, 9, 12, 15, 16, 17, 20, 24, 4096, 4097, 32767, 32768, 32769)),
    *map(Bytes, (65407, 65408, 1 << 31, (1 << 32) - 1)),
)
_DESCRIPTORS: list[Value] = [
    ("none", lambda setup: None),
    ("cgroup", lambda setup: setup.web),
    ("removed cgroup", lambda setup: setup.gone),
    ("closed cgroup", lambda setup: setup.closed_cgroup),
    ("map", lambda setup: setup.counts),
    ("closed map", lambda setup: setup.closed_map),
    ("program", lambda setup: setup.count),
    ("other program", lambda setup: setup.plain()),
    ("program of another type", lambda setup: setup.sock),
    ("closed program", lambda setup: setup.closed_prog),
    ("link", lambda setup: setup.linked),
    ("closed link", lambda setup: setup.closed_link),
]
_KEYS: list[Value] = [
    ("of no cgroup", lambda setup: (0, EGRESS)),
    ("of the largest id", lambda setup: ((1 << 64) - 1, EGRESS)),
    ("of another hook", lambda setup: (setup.web, AttachType.BPF_CGROUP_INET_INGRESS)),
    ("of no attach type", lambda setup: (setup.web, (1 << 32) - 1)),
    ("of another cgroup", lambda setup: (setup.kernel.mkdir("other"), EGRESS)),
]


# -- ordinary calls --------------------------------------------------------------------------------


class Base(NamedTuple):
    """An ordinary call, what is put in its place, and what shows what the call did."""

    command: str
    arguments: Callable[[Setup], Arguments]
    values: dict[str, list[Value]]
    shown: Callable[[Setup, Any], str] = lambda setup, result: "ok"
    title: str = ""


def _hook(setup: Setup, result: Any) -> str:
    """The hook's flags, its number of programs and its revision."""
    query = setup.kernel.prog_query(setup.web, EGRESS)
    return f"ok: flags {int(query.attach_flags)}, programs {query.prog_cnt}, {query.revision}"


def _map(setup: Setup, result: Any) -> str:
    """What the kernel says of a new map."""
    info = setup.kernel.obj_info(result)
    assert isinstance(info, MapInfo)
    sizes = f"{info.key_size}, {info.value_size}, {info.max_entries}"
    return f"ok: sizes {sizes}, flags {int(info.map_flags):#x}, name {info.name!r}, btf {info.btf}"


def _query(setup: Setup, result: Any) -> str:
    flags = [int(flag) for flag in result.prog_attach_flags]
    written = len(result.prog_ids)
    return f"ok: flags {int(result.attach_flags)}, {written} of {result.prog_cnt}, each {flags}"


def _attach(setup: Setup, **changed: Any) -> Arguments:
    plain = {"cgroup": setup.web, "prog": setup.count, "attach_type": EGRESS, "flags": _MULTI}
    return plain | changed


def _beside(setup: Setup, **changed: Any) -> Arguments:
    """Attaching beside another program."""
    setup.attach(other := setup.plain())
    found = {name: other if value == "other" else value for name, value in changed.items()}
    return _attach(setup, **found)


def _beside_link(setup: Setup, **changed: Any) -> Arguments:
    link = setup.link(setup.plain())
    found = _attach(setup, **changed)
    return found | {"relative": link if changed["relative"] == "other" else link.id}


def _create(setup: Setup, **changed: Any) -> Arguments:
    return _attach(setup, flags=0) | changed


def _detach(setup: Setup, flags: int = _MULTI, **changed: Any) -> Arguments:
    setup.attach(setup.count, flags)
    return {"cgroup": setup.web, "prog": setup.count, "attach_type": EGRESS, **changed}


def _asked(setup: Setup, **changed: Any) -> Arguments:
    for _ in range(3):
        setup.attach(setup.plain())
    return {"cgroup": setup.web, "attach_type": EGRESS, **changed}


def _update(setup: Setup, **changed: Any) -> Arguments:
    return {"link": setup.linked, "new_prog": setup.count, **changed}


def _storage(setup: Setup, map_type: int = STORAGE, **changed: Any) -> Arguments:
    return {"map_type": map_type, "key": STORAGE_KEY, "value": U64, **changed}


def _cgrp(setup: Setup) -> Arguments:
    flags = int(BPF_F_NO_PREALLOC)
    plain = {"map_type": BPF_MAP_TYPE_CGRP_STORAGE, "key": U32, "value": U64}
    return plain | {"map_flags": flags, "btf": True}


def _entry(setup: Setup, **changed: Any) -> Arguments:
    setup.attach()
    return {"map": setup.counts, "key": setup.key, **changed}


def _pinned(setup: Setup) -> Arguments:
    setup.kernel.obj_pin(PIN, setup.counts)
    return {"path": PIN}


def _pinned_link(setup: Setup) -> Arguments:
    setup.kernel.obj_pin(PIN, setup.linked)
    return {"path": PIN}


_BEFORE, _ID, _LINK = int(BPF_F_BEFORE), int(BPF_F_ID), int(BPF_F_LINK)
_ORDERED = {"flags": _flags(16, _MULTI), "relative": _DESCRIPTORS, "expected_revision": _REVISIONS}
_IDS = _plain(0, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
_ON_MAP = ("map_get_next_key", "map_lookup_and_delete_elem", "map_freeze", "map_lookup_batch",
           "map_lookup_and_delete_batch", "map_update_batch", "map_delete_batch")  # fmt: skip

BASES: tuple[Base, ...] = (
    # attaching
    Base("prog_attach", _attach, {
        "cgroup": _DESCRIPTORS, "prog": _DESCRIPTORS, "attach_type": _ATTACH_TYPES,
        "flags": _FLAGS, "replace": _DESCRIPTORS, "relative": _DESCRIPTORS,
        "expected_revision": _REVISIONS,
    }, _hook),
    Base("prog_attach", _beside, _ORDERED, _hook, "beside another"),
    Base("prog_attach", partial(_beside, flags=_MULTI | int(BPF_F_REPLACE), replace="other"),
         {"replace": _DESCRIPTORS, **_ORDERED}, _hook, "with BPF_F_REPLACE"),
    Base("prog_attach", partial(_beside, flags=_MULTI | _BEFORE, relative="other"),
         {"relative": _DESCRIPTORS, "flags": _flags(16, _MULTI | _BEFORE)}, _hook,
         "before another"),
    Base("prog_attach", partial(_beside, flags=_MULTI | _BEFORE | _ID), {"relative": _IDS}, _hook,
         "before an id"),
    Base("prog_attach", partial(_beside, flags=_MULTI | _BEFORE | _LINK),
         {"relative": _DESCRIPTORS}, _hook, "before a link"),
    # links
    Base("link_create", _create, {
        "cgroup": _DESCRIPTORS, "prog": _DESCRIPTORS, "attach_type": _ATTACH_TYPES,
        "flags": _FLAGS, "relative": _DESCRIPTORS, "expected_revision": _REVISIONS,
    }, _hook),
    Base("link_create", partial(_beside_link, flags=_BEFORE | _LINK, relative="other"),
         {"relative": _DESCRIPTORS, "flags": _flags(16, _BEFORE | _LINK)}, _hook,
         "before another"),
    Base("link_create", partial(_beside_link, flags=_BEFORE | _LINK | _ID, relative=""),
         {"relative": _IDS}, _hook, "before an id"),
    Base("link_update", _update,
         {"link": _DESCRIPTORS, "new_prog": _DESCRIPTORS, "flags": _FLAGS,
          "old_prog": _DESCRIPTORS}, _hook),
    Base("link_update",
         lambda setup: _update(setup, flags=int(BPF_F_REPLACE), old_prog=setup.count),
         {"old_prog": _DESCRIPTORS}, _hook, "with BPF_F_REPLACE"),
    Base("link_detach", lambda setup: {"link": setup.linked}, {"link": _DESCRIPTORS}, _hook),
    # detaching, asking
    Base("prog_detach", _detach, {
        "cgroup": _DESCRIPTORS, "prog": _DESCRIPTORS, "attach_type": _ATTACH_TYPES,
        "flags": _FLAGS, "expected_revision": _REVISIONS,
    }, _hook),
    Base("prog_detach", partial(_detach, flags=0), {"prog": _DESCRIPTORS}, _hook,
         "of the only one"),
    Base("prog_query", _asked, {
        "cgroup": _DESCRIPTORS, "attach_type": _ATTACH_TYPES, "query_flags": _FLAGS,
        "prog_attach_flags": _plain(False, True), "count": _COUNTS,
        "size": _plain(*range(28, QUERY_SIZE + 1)),
    }, _query),
    Base("prog_query", partial(_asked, query_flags=int(BPF_F_QUERY_EFFECTIVE)), {
        "attach_type": _ATTACH_TYPES, "prog_attach_flags": _plain(False, True),
        "count": _COUNTS,
    }, _query, "effective"),
    # maps
    Base("map_create", _storage, {
        "map_type": _plain(0, *range(48, 64), 1 << 16, 1 << 31, (1 << 32) - 1), "key": _SIZES,
        "value": _SIZES, "max_entries": _NUMBERS, "map_flags": _FLAGS, "map_name": _NAMES,
        "numa_node": _NUMBERS, "inner_map": _DESCRIPTORS,
    }, _map),
    Base("map_create", partial(_storage, map_flags=int(BPF_F_NUMA_NODE)), {"numa_node": _NUMBERS},
         _map, "with BPF_F_NUMA_NODE"),
    Base("map_create", partial(_storage, map_type=PERCPU_STORAGE),
         {"key": _SIZES, "value": _SIZES, "max_entries": _NUMBERS, "map_flags": _FLAGS}, _map,
         "per CPU"),
    Base("map_create", _cgrp, {
        "key": _SIZES, "value": _SIZES, "max_entries": _NUMBERS,
        "map_flags": _flags(32, int(BPF_F_NO_PREALLOC)), "map_name": _NAMES,
        "numa_node": _NUMBERS,
    }, _map, "of CGRP_STORAGE"),
    Base("map_lookup_elem", _entry,
         {"map": _DESCRIPTORS, "key": _KEYS, "flags": _WIDE_FLAGS}),
    Base("map_update_elem", partial(_entry, value=1),
         {"map": _DESCRIPTORS, "key": _KEYS, "flags": _WIDE_FLAGS}),
    Base("map_delete_elem", _entry, {"map": _DESCRIPTORS, "key": _KEYS}),
    *(Base(name, lambda setup, name=name: {  # type: ignore[misc]
          "map": setup.counts, **({"key": setup.key} if name.endswith("_elem") else {})
      }, {"map": _DESCRIPTORS}) for name in _ON_MAP),
    # programs
    Base("prog_load", lambda setup: {"prog_type": SKB}, {
        "prog_type": _plain(0, *range(48, 64), 1 << 31, (1 << 32) - 1), "prog_name": _NAMES,
        "helper_flags": _REVISIONS, "prog_flags": _FLAGS,
    }),
    *(Base("prog_load", lambda setup, kind=kind: {"prog_type": kind},  # type: ignore[misc]
           {"expected_attach_type": _ATTACH_TYPES}, title=str(kind)[len("BPF_PROG_TYPE_"):])
      for kind in ProgType),
    Base("prog_bind_map", lambda setup: {"prog": setup.plain(), "map": setup.counts},
         {"prog": _DESCRIPTORS, "map": _DESCRIPTORS}),
    Base("prog_test_run", lambda setup: {"prog": setup.plain()},
         {"prog": _DESCRIPTORS, "repeat": _plain(0, 1, 2, 1000, (1 << 16) + 1)},
         lambda setup, result: f"ok: {result}"),
    # ids and information
    Base("map_get_fd_by_id", lambda setup: {"number": setup.counts.id},
         {"number": _IDS, "open_flags": _FLAGS}),
    Base("prog_get_fd_by_id", lambda setup: {"number": setup.count.id}, {"number": _IDS}),
    Base("link_get_fd_by_id", lambda setup: {"number": setup.linked.id}, {"number": _IDS}),
    *(Base(f"{kind}_get_next_id", lambda setup, kind=kind: {  # type: ignore[misc]
          "start": {"map": lambda: setup.counts, "prog": lambda: setup.count,
                    "link": lambda: setup.linked}[kind]().id - 1
      }, {"start": _IDS[1:]}) for kind in ("map", "prog", "link")),
    Base("obj_info", lambda setup: {"descriptor": setup.counts}, {"descriptor": _DESCRIPTORS}),
    Base("obj_pin", lambda setup: {"path": PIN, "descriptor": setup.counts},
         {"descriptor": _DESCRIPTORS}),
    Base("obj_get", _pinned, {"file_flags": _FLAGS}),
    Base("obj_get", _pinned_link, {"file_flags": _plain(0, 8, 16, 24, 1 << 14)}, title="of a link"),
)  # fmt: skip
"""The ordinary calls, and the values of each argument."""


# -- questions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A call with a value in the place of an argument."""

    name: str
    """Such as "prog_attach: flags=0x80000000"."""
    base: Base
    argument: str
    value: Callable[[Setup], Any]

    @property
    def only_makes(self) -> bool:
        """Whether the call and its arguments leave all objects of a kernel as they are."""
        making = self.base.command in ("prog_load", "map_create")
        return making and self.argument != "inner_map"

    def answer(self, made: Callable[[], Any]) -> str | None:
        """What a new kernel answers: an errno, or "ok"; None if it cannot be brought to it."""
        setup = Setup(made())
        try:
            arguments = self.base.arguments(setup)
            arguments[self.argument] = self.value(setup)
        except BpfError:
            return None
        try:
            result = getattr(setup.kernel, self.base.command)(**arguments)
        except BpfError as error:
            return error.name
        return self.base.shown(setup, result)

    def modelled(self, release: str) -> str | None:
        """What the model answers; None if there is no such call, or its outcome is undefined."""
        try:
            return self.answer(partial(Kernel, release))
        except (TypeError, ValueError, UndefinedBehaviour):
            return None


def _questions() -> Iterator[Question]:
    for base in BASES:
        known = inspect.signature(getattr(KernelInterface, base.command)).parameters
        title = f"{base.command} {base.title}".rstrip()
        for argument, values in base.values.items():
            assert argument in known, argument
            for shown, value in values:
                yield Question(f"{title}: {argument}={shown}", base, argument, value)


QUESTIONS = tuple(_questions())
"""All calls."""


def modelled(release: str) -> dict[str, str]:
    """What the model answers on a release, by the names of the questions."""
    found = ((question.name, question.modelled(release)) for question in QUESTIONS)
    return {name: answer for name, answer in found if answer is not None}
