# SPDX-License-Identifier: GPL-2.0-only
"""What there is on a machine: storage maps with their entries, programs, and attachments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ..uapi import (
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    AttachType,
    MapType,
)

STORAGE_MAPS: frozenset[MapType] = frozenset(
    {
        BPF_MAP_TYPE_CGROUP_STORAGE,
        BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
        BPF_MAP_TYPE_CGRP_STORAGE,
    }
)
"""The types of maps that are looked at."""

WIDE, NARROW = 16, 8
"""Bytes of a ``struct bpf_cgroup_storage_key``, and of a cgroup id alone."""


class Key(NamedTuple):
    """The key of an entry."""

    cgroup: int
    """The id of the cgroup."""
    attach_type: int | None
    """None in a map with an 8-byte key."""


@dataclass
class FoundMap:
    """A storage map."""

    id: int
    type: MapType
    name: str
    key_size: int
    value_size: int
    flags: int
    frozen: bool = False
    pins: list[str] = field(default_factory=list)
    """The paths where it is pinned."""
    entries: list[Key] | None = None
    """The keys of its entries; None if they were not read."""


@dataclass(frozen=True)
class FoundProgram:
    """A program that uses storage maps."""

    id: int
    type: str
    """Such as ``"cgroup_skb"``."""
    name: str
    maps: tuple[int, ...]
    """The ids of all its maps."""


@dataclass(frozen=True)
class FoundAttachment:
    """A place where a program is attached."""

    cgroup: str
    """The path of the cgroup, as the machine has it mounted."""
    cgroup_id: int | None
    """None if nobody told the id."""
    attach_type: AttachType
    program: int
    flags: int
    link: int | None = None
    """The id of the link that attached it, if it is known to be one."""


@dataclass
class Machine:
    """All of it."""

    maps: list[FoundMap] = field(default_factory=list)
    programs: list[FoundProgram] | None = field(default_factory=list)
    """None if nobody told them."""
    attachments: list[FoundAttachment] | None = field(default_factory=list)
    """None if nobody told them."""
    cgroups: dict[int, str] = field(default_factory=dict)
    """The paths of cgroups by their ids, as far as they are known."""
    whole: bool = True
    """Whether ``cgroups`` has all cgroups, so that an id that is not there was removed."""
    notes: list[str] = field(default_factory=list)
    """What could not be read, in sentences."""
