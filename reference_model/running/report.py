# SPDX-License-Identifier: GPL-2.0-only
"""What follows from what there is: what is shared, and which entries have nothing attached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..terminal import escaped
from ..uapi import BPF_F_ALLOW_MULTI, BPF_MAP_TYPE_CGRP_STORAGE, AttachType, MapFlag
from .found import NARROW, FoundAttachment, FoundMap, FoundProgram, Key, Machine

_SHOWN = 5
"""Entries without an attachment that the short report lists of each map."""


def data(machine: Machine) -> dict[str, Any]:
    """What there is, and what follows, in the form that the page on kernels documents."""
    users: dict[int, list[FoundProgram]] = {}
    for program in machine.programs or ():
        for number in dict.fromkeys(program.maps):
            users.setdefault(number, []).append(program)
    places: dict[int, list[FoundAttachment]] = {}
    for each in machine.attachments or ():
        places.setdefault(each.program, []).append(each)
    maps = []
    for found in sorted(machine.maps, key=lambda map: map.id):
        programs = users.get(found.id, [])
        attached = [each for program in programs for each in places.get(program.id, ())]
        maps.append(_map(machine, found, programs, attached))
    return {"maps": maps, "notes": machine.notes}


def _map(
    machine: Machine,
    found: FoundMap,
    programs: list[FoundProgram],
    attached: list[FoundAttachment],
) -> dict[str, Any]:
    entries = found.entries
    alone = None if entries is None else [k for k in entries if _is_alone(machine, k, attached)]
    return {
        "id": found.id,
        "name": found.name,
        "type": found.type.name.removeprefix("BPF_MAP_TYPE_").lower(),
        "key_size": found.key_size,
        "value_size": found.value_size,
        "flags": found.flags,
        "frozen": found.frozen,
        "pins": found.pins,
        "programs": [
            {"id": program.id, "type": program.type, "name": program.name} for program in programs
        ]
        if machine.programs is not None
        else None,
        "attachments": [
            {
                "cgroup": each.cgroup,
                "cgroup_id": each.cgroup_id,
                "attach_type": _hook(each.attach_type),
                "program": each.program,
                "multi": bool(each.flags & BPF_F_ALLOW_MULTI),
                "link": each.link,
            }
            for each in attached
        ]
        if machine.attachments is not None
        else None,
        "entries": None if entries is None else len(entries),
        "without_attachment": None
        if alone is None or not _compares(machine)
        else [_key(machine, key) for key in alone],
        "shared_by": _sharing(found, attached),
    }


def _compares(machine: Machine) -> bool:
    """Whether entries can be compared with attachments."""
    return bool(machine.cgroups) and None not in (machine.programs, machine.attachments)


def _is_alone(machine: Machine, key: Key, attached: list[FoundAttachment]) -> bool:
    """Whether no program that uses the map is attached where the key says."""
    return not any(
        each.cgroup_id == key.cgroup and key.attach_type in (None, int(each.attach_type))
        for each in attached
    )


def _key(machine: Machine, key: Key) -> dict[str, Any]:
    path = machine.cgroups.get(key.cgroup)
    return {
        "cgroup_id": key.cgroup,
        "cgroup": path,
        "attach_type": None if key.attach_type is None else _hook(key.attach_type),
        "removed": path is None and machine.whole,
    }


def _hook(number: int) -> str:
    try:
        return AttachType(number).name.removeprefix("BPF_").lower()
    except ValueError:
        return f"attach type {number}"


def _sharing(found: FoundMap, attached: list[FoundAttachment]) -> list[dict[str, Any]]:
    """The entries that more than one attachment uses, with their programs."""
    if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
        return []
    groups: dict[tuple[str, str | None], list[FoundAttachment]] = {}
    for each in attached:
        hook = None if found.key_size == NARROW else _hook(each.attach_type)
        groups.setdefault((each.cgroup, hook), []).append(each)
    return [
        {
            "cgroup": cgroup,
            "attach_type": hook,
            "programs": sorted({each.program for each in group}),
            "attach_types": sorted({_hook(each.attach_type) for each in group}),
        }
        for (cgroup, hook), group in groups.items()
        if len(group) > 1
    ]


# -- for people ------------------------------------------------------------------------------------


_SHARING = "sharing.html"
_ALONE = "breaking_changes/entries_outlive_detach.html"


def text(found: dict[str, Any], *, verbose: bool = False, site: str = "") -> str:
    """The result of data() for people; ``site`` comes before the path of each page."""
    maps = found["maps"]
    lines = [f"{len(maps)} storage maps." if len(maps) != 1 else "1 storage map."]
    for each in maps:
        lines += ["", *_described(each, verbose)]
    if found["notes"]:
        lines += ["", *found["notes"]]
    pages = []
    if any(each["shared_by"] for each in maps):
        pages.append(f"Entries that attachments share: see {site}{_SHARING}")
    if any(each["without_attachment"] for each in maps):
        pages.append(f"Entries without an attachment: see {site}{_ALONE}")
    if pages:
        lines += ["", *pages]
    return "\n".join(map(escaped, lines))


def _described(one: dict[str, Any], verbose: bool) -> Iterator[str]:
    form = {
        NARROW: "8-byte key, one entry for all attach types of a cgroup",
    }.get(one["key_size"], f"{one['key_size']}-byte key, an entry for each attach type of a cgroup")
    if one["type"] == "cgrp_storage":
        form = "file descriptors of cgroups as keys"
    flags = f", flags {MapFlag(one['flags'])}" if one["flags"] else ""
    frozen = ", frozen" if one["frozen"] else ""
    yield f"Map {one['id']} {one['name']!r}: {one['type']}, {form}, {one['value_size']}-byte " \
        f"value{flags}{frozen}"  # fmt: skip
    for path in one["pins"]:
        yield f"  pinned at {path}"
    for program in one["programs"] or ():
        yield f"  used by program {program['id']} {program['name']!r} ({program['type']})"
    if one["programs"] == []:
        yield "  used by no program"
    for each in one["attachments"] or ():
        by = f" by link {each['link']}" if each["link"] else ""
        multi = ", multi" if each["multi"] else ""
        yield f"  program {each['program']} is attached to {each['cgroup']} at " \
            f"{each['attach_type']}{by}{multi}"  # fmt: skip
    if one["programs"] and one["attachments"] == [] and one["type"] != "cgrp_storage":
        yield "  attached nowhere"
    for group in one["shared_by"]:
        yield f"  shared in {group['cgroup']}: {_shares(group)}"
    yield from _entries(one, verbose)


def _shares(group: dict[str, Any]) -> str:
    programs = " and ".join(map(str, group["programs"]))
    hooks = " and ".join(group["attach_types"])
    many, use = ("programs", "use") if len(group["programs"]) > 1 else ("program", "uses")
    return f"{many} {programs} at {hooks} {use} one entry"


def _entries(one: dict[str, Any], verbose: bool) -> Iterator[str]:
    count, alone = one["entries"], one["without_attachment"]
    if count is None:
        return
    if alone is None:
        yield f"  entries: {count}"
        return
    yield f"  entries: {count}, without an attachment: {len(alone)}"
    shown = alone if verbose else alone[:_SHOWN]
    for key in shown:
        removed = " (removed)" if key["removed"] else ""
        cgroup = key["cgroup"] or f"cgroup {key['cgroup_id']}{removed}"
        hook = f" at {key['attach_type']}" if key["attach_type"] else ""
        yield f"    {cgroup}{hook}"
    if len(alone) > len(shown):
        yield f"    and {len(alone) - len(shown)} more: --verbose lists all"
