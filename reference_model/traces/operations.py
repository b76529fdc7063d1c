# SPDX-License-Identifier: GPL-2.0-only
"""The operations of the format: the one table that reading, replaying and writing derive from."""

from __future__ import annotations

from ..state import CAPABILITIES
from ..uapi import QUERY_SIZE, AttachFlag, ElemFlag, MapFlag
from .kinds import (
    Body,
    Choice,
    Ever,
    Flags,
    Hex,
    Key,
    Maybe,
    Name,
    Number,
    Shape,
    Some,
    StepList,
    Text,
    Word,
)
from .names import ATTACH_TYPES, COMMANDS, DESCRIPTORS, EVENTS, MAP_TYPES, PROG_TYPES
from .operation import ANY, KernelCall, Operation


def _call(name: str, *fields: str, by_name: tuple[str, ...] = ()) -> KernelCall:
    return name, fields, by_name


_CGROUP, _MAP, _PROG, _LINK, _SOCK = (
    Name("cgroup"), Name("map"), Name("prog"), Name("link"), Name("sock"),
)  # fmt: skip
_EVER = Ever("cgroup")
_DESCRIPTOR = {"map": _MAP, "prog": _PROG, "link": _LINK}
_ONE_DESCRIPTOR = (("map",), ("prog",), ("link",))
_HOOK = Word(ATTACH_TYPES)
_HOOKS = Some(_HOOK, least=1)
_EVENT = Word(EVENTS)
_MAP_TYPE = Word(MAP_TYPES)
_KEY, _U32, _U64, _BOOL = Key(), Number((1 << 32) - 1), Number(), Choice((False, True))
_BY = Choice(("id", "st_ino"))
_ELEM_FLAGS = Flags(of=ElemFlag)
_ON_HOOK = {"cgroup": _CGROUP, "prog": _PROG, "attach_type": _HOOK}
_ENTRY = {"map": _MAP, "key": _KEY, "by": _BY}
_ELEMENT = {"map": _MAP, "cgroup": _EVER, "value": _U32, "flags": _U64}
_ID = {"by": "id"}

OPERATIONS: dict[str, Operation] = {
    # cgroups, sockets, events
    "mkdir": Operation(fields={"cgroup": _CGROUP, "parent": Maybe(_CGROUP)}, makes="cgroup"),
    "rmdir": Operation(fields={"cgroup": _CGROUP}, ends="cgroup"),
    "cgroup_ids": Operation(fields={"cgroup": _CGROUP}, reads=True),
    "fire": Operation(
        fields={"cgroup": _CGROUP, "hooks": _HOOKS, "event": _EVENT, "cpu": Choice((0, 1))},
        either=(("hooks",), ("event",)),
    ),
    "sock_open": Operation(
        fields={"sock": _SOCK, "cgroup": _CGROUP, "hooks": _HOOKS},
        optional={"hooks": ["sock_create"]},
        makes="sock",
        call=_call("socket", "cgroup"),
    ),
    "sock_send": Operation(
        fields={"sock": _SOCK, "hooks": _HOOKS, "event": _EVENT}, either=(("hooks",), ("event",))
    ),
    "sock_close": Operation(
        fields={"sock": _SOCK}, ends="sock", call=_call("close_socket", "sock")
    ),
    # maps
    "map_create": Operation(
        fields={
            "map": _MAP,
            "type": _MAP_TYPE,
            "key_size": _U32,
            "value_size": _U32,
            "max_entries": _U32,
            "map_flags": Flags(of=MapFlag),
            "btf_key": Maybe(Shape()),
            "btf_value": Maybe(Shape()),
            "name": Text(),
        },
        optional={"btf_key": None, "btf_value": None, "name": ""},
        makes="map",
    ),
    "map_of_maps_create": Operation(fields={"outer": _MAP_TYPE, "inner": _MAP}),
    "map_lookup": Operation(
        fields={**_ENTRY, "flags": _ELEM_FLAGS, "whole": _BOOL},
        optional={**_ID, "flags": 0, "whole": False},
        reads=True,
    ),
    "map_update": Operation(
        fields={**_ENTRY, "value": _U64, "data": Hex(), "flags": _ELEM_FLAGS},
        optional=_ID,
        either=(("value",), ("data",)),
    ),
    "map_delete": Operation(
        fields=_ENTRY, optional=_ID, call=_call("map_delete_elem", "map", "key")
    ),
    "map_freeze": Operation(fields={"map": _MAP}, call=_call("map_freeze", "map")),
    "map_keys": Operation(fields={"map": _MAP, "count": _U32}, reads=True),
    "map_next_key": Operation(
        fields={**_ENTRY, "key": Maybe(_KEY)},
        optional=_ID,
        reads=True,
        call=_call("map_get_next_key", "map", "key"),
    ),
    "map_command": Operation(
        fields={"command": Choice(COMMANDS), **_ENTRY}, optional=_ID, reads=True
    ),
    "cgrp_lookup": Operation(
        fields=_ELEMENT,
        optional={"value": 0},
        reads=True,
        call=_call("map_lookup_elem", "map", "cgroup", "flags"),
    ),
    "cgrp_update": Operation(
        fields=_ELEMENT, call=_call("map_update_elem", "map", "cgroup", "value", "flags")
    ),
    "cgrp_delete": Operation(
        fields=_ELEMENT,
        optional={"value": 0, "flags": 0},
        call=_call("map_delete_elem", "map", "cgroup"),
    ),
    "cgrp_next": Operation(
        fields={**_ELEMENT, "cgroup": Maybe(_EVER)},
        optional={"value": 0, "flags": 0},
        reads=True,
        call=_call("map_get_next_key", "map", "cgroup"),
    ),
    # programs
    "prog_array_create": Operation(
        fields={"map": _MAP, "slots": Number(1 << 16)}, optional={"slots": 1}, makes="map"
    ),
    "prog_array_update": Operation(
        fields={"map": _MAP, "prog": _PROG, "slot": _U32},
        optional={"slot": 0},
        call=_call("map_update_elem", "map", "slot", "prog"),
    ),
    "prog_load": Operation(
        fields={
            "prog": _PROG,
            "type": Word(PROG_TYPES),
            "expected_attach_type": Maybe(_HOOK),
            "body": Body(),
            "maps": Some(_MAP),
            "tail_call": Maybe(_MAP),
            "steps": Some(StepList()),
            "helper_flags": _U64,
            "lsm_hook": Text(),
            "sleepable": _BOOL,
        },
        optional={"tail_call": None, "lsm_hook": "", "sleepable": False},
        either=(("body", "maps", "tail_call"), ("steps",)),
        makes="prog",
    ),
    "prog_test_run": Operation(
        fields={"prog": _PROG, "repeat": _U32},
        reads=True,
        call=_call("prog_test_run", "prog", "repeat"),
    ),
    "prog_attach": Operation(
        fields={**_ON_HOOK, "flags": Flags(of=AttachFlag), "replace": Maybe(_PROG)},
        call=_call("prog_attach", "cgroup", "prog", "attach_type", "flags", by_name=("replace",)),
    ),
    "prog_detach": Operation(
        fields={
            **_ON_HOOK,
            "prog": Maybe(_PROG),
            "flags": Flags(of=AttachFlag),
            "expected_revision": _U64,
            "closed": _BOOL,
        },
        optional={"flags": 0, "expected_revision": 0, "closed": False},
    ),
    "prog_query": Operation(
        fields={
            "cgroup": _CGROUP,
            "attach_type": _HOOK,
            "effective": _BOOL,
            "count": Number(64),
            "size": Number(QUERY_SIZE, 28),
            "prog_attach_flags": _BOOL,
            "revision": _BOOL,
        },
        optional={"count": None, "size": QUERY_SIZE, "prog_attach_flags": False, "revision": False},
        reads=True,
    ),
    # links and descriptors
    "link_create": Operation(
        fields={"link": _LINK, **_ON_HOOK},
        makes="link",
        call=_call("link_create", "cgroup", "prog", "attach_type"),
    ),
    "link_update": Operation(fields={"link": _LINK, "new_prog": _PROG, "old_prog": Maybe(_PROG)}),
    "link_detach": Operation(fields={"link": _LINK}, call=_call("link_detach", "link")),
    "close": Operation(
        fields=_DESCRIPTOR, either=_ONE_DESCRIPTOR, ends=ANY, call=_call("close", ANY)
    ),
    "obj_pin": Operation(
        fields={**_DESCRIPTOR, "path": Text()},
        either=_ONE_DESCRIPTOR,
        call=_call("obj_pin", "path", ANY),
    ),
    "obj_get": Operation(
        fields={**_DESCRIPTOR, "path": Text(), "flags": Flags(of=MapFlag)},
        optional={"flags": 0},
        either=_ONE_DESCRIPTOR,
        makes=ANY,
        call=_call("obj_get", "path", "flags"),
    ),
    "obj_info": Operation(fields=_DESCRIPTOR, either=_ONE_DESCRIPTOR, reads=True),
    "object_ids": Operation(fields={"of": Choice(DESCRIPTORS)}, reads=True),
    "unlink": Operation(fields={"path": Text()}, call=_call("unlink", "path")),
    "user": Operation(fields={"capabilities": Maybe(Some(Choice(tuple(sorted(CAPABILITIES)))))}),
}
"""All operations of the format."""
