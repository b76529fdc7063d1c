# SPDX-License-Identifier: GPL-2.0-only
"""Every refusal of every operation: when, on which releases, and a way to provoke it.

The page of errors is made from this table.  A test provokes each refusal on every release, and
compares the table with what the code of the model can raise: nothing is missing and nothing is too
much.

>>> busy = [refusal for refusal in ALL if refusal.error is errors.StorageBusy]
>>> [(refusal.operation, refusal.until) for refusal in busy][1] == ("prog_load", SHARED_STORAGE)
True
>>> busy[1].on("5.8"), busy[1].on("5.9")
(True, False)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from .. import errors
from ..changes import SHARED_STORAGE
from .attachments import ATTACHMENTS
from .commands import COMMANDS
from .ids import IDS
from .maps import MAPS
from .objects import OBJECTS
from .programs import PROGRAMS
from .setup import Refusal, Setup

__all__ = ["ALL", "ELSEWHERE", "Refusal", "Setup", "errors", "SHARED_STORAGE"]


def _with_common(refusals: tuple[Refusal, ...]) -> Iterator[Refusal]:
    """Each command's common refusal before its own."""
    for operation, group in groupby(refusals, key=lambda refusal: refusal.operation):
        if operation in COMMANDS:
            yield COMMANDS[operation]
        yield from group


ALL: tuple[Refusal, ...] = tuple(_with_common((*MAPS, *PROGRAMS, *ATTACHMENTS, *IDS, *OBJECTS)))
"""All refusals, in the order of a map's life, and of an operation in the kernel's order."""

_CGRP = "only of BPF_MAP_TYPE_CGRP_STORAGE"
_ARRAY = "only of program arrays"
_LINK = "a link never takes the place of another entry"

ELSEWHERE: dict[tuple[str, type[errors.BpfError]], str] = {
    ("map_lookup_elem", errors.CgroupGone): _CGRP,
    ("map_update_elem", errors.CgroupGone): _CGRP,
    ("map_delete_elem", errors.CgroupGone): _CGRP,
    ("map_update_elem", errors.EntryExists): _CGRP,
    ("map_delete_elem", errors.NoEntry): _CGRP,
    ("map_create", errors.ArrayAttributes): "only of arrays of programs and of maps",
    ("map_create", errors.SpecialFieldArray): "a second reason for BTF that does not load",
    ("map_update_elem", errors.IndexTooBig): _ARRAY,
    ("map_delete_elem", errors.IndexTooBig): _ARRAY,
    ("map_update_elem", errors.TailCallIncompatible): _ARRAY,
    ("map_lookup_elem", errors.CommandNotSupported): "only of maps of maps, in this model",
    ("map_update_elem", errors.CommandNotSupported): "only of maps of maps, in this model",
    ("map_delete_elem", errors.CommandNotSupported): "only of maps of maps, in this model",
    ("map_get_next_key", errors.CommandNotSupported): _CGRP,
    ("prog_detach", errors.WrongDescriptor): "caught: another descriptor counts as none",
    ("close_socket", errors.CgroupGone): "an open socket keeps what it needs of its cgroup",
    ("link_create", errors.AlreadyAttached): _LINK,
    ("link_create", errors.NothingToReplace): _LINK,
    ("link_update", errors.TooManyHooks): "an update to another LSM hook fails in any case",
    ("prog_load", errors.MisalignedAccess): "only of types outside the model: its own are aligned",
}
"""What the code can raise and the table leaves out, and why."""
