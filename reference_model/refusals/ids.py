# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of ids and of information."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import changes, errors
from ..releases import Change
from ..uapi import BPF_F_RDONLY, BPF_F_WRONLY
from .setup import Refusal, Setup

_INT_MAX = (1 << 31) - 1
_NOBODY = 0xFFFFFF
_OBJECTS: dict[str, tuple[str, Change | None]] = {
    "map": ("map", None),
    "prog": ("program", None),
    "link": ("link", changes.LINK_IDS),
}


def _unprivileged(command: str, kind: str, less: int) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        thing = {"map": "counts", "prog": "count", "link": "linked"}[kind]
        number = getattr(setup, thing).id - less
        setup.kernel.unprivileged_bpf_disabled = 0
        with setup.kernel.user("CAP_BPF", "CAP_NET_ADMIN"):
            return getattr(setup.kernel, command)(number)

    return provoke


def _by_id(command: str, *arguments: Any) -> Callable[[Setup], object]:
    return lambda setup: getattr(setup.kernel, command)(*arguments)


def _ids(kind: str, name: str, since: Change | None) -> Iterator[Refusal]:
    get, following = f"{kind}_get_fd_by_id", f"{kind}_get_next_id"
    rule = "command.ids"
    for command in (get, following):
        if since is not None:
            yield Refusal(
                command,
                errors.UnknownCommand,
                "the kernel does not support the command",
                _by_id(command, 1),
                until=since,
            )
        if command == following:
            yield Refusal(
                command,
                errors.StartId,
                "the id to start from is 2147483647 or more",
                _by_id(command, _INT_MAX),
                since,
                rule=rule,
            )
        elif kind == "map":
            yield Refusal(
                command,
                errors.MapFlags,
                "flags other than ``BPF_F_RDONLY`` and ``BPF_F_WRONLY``",
                _by_id(command, _NOBODY, 1),
                rule=rule,
            )
        yield Refusal(
            command,
            errors.NotPermitted,
            "no ``CAP_SYS_ADMIN``",
            _unprivileged(command, kind, int(command == following)),
            since,
            rule=rule,
        )
        if command == get and kind == "map":
            yield Refusal(
                command,
                errors.MapFlags,
                "``BPF_F_RDONLY`` together with ``BPF_F_WRONLY``",
                _by_id(command, _NOBODY, int(BPF_F_RDONLY | BPF_F_WRONLY)),
                rule=rule,
            )
        yield Refusal(
            command,
            errors.NoSuchId,
            f"no {name} has this id" if command == get else f"no {name} has a higher id",
            _by_id(command, _NOBODY),
            since,
            rule=rule,
        )


def _info(command: str, closed: str, since: Change | None) -> Iterator[Refusal]:
    def on(which: str) -> Callable[[Setup], object]:
        return lambda setup: getattr(setup.kernel, command)(getattr(setup, which))

    yield Refusal(
        command, errors.BadInfoDescriptor, "the descriptor is not open", on(closed), since
    )
    yield Refusal(
        command,
        errors.WrongDescriptor,
        "the descriptor refers to a cgroup or to another file",
        on("web"),
    )
    yield Refusal(
        command,
        errors.WrongDescriptor,
        "the descriptor refers to a link",
        on("linked"),
        changes.LINKS,
        changes.LINK_IDS,
    )


IDS: tuple[Refusal, ...] = (
    *(refusal for kind, (name, since) in _OBJECTS.items() for refusal in _ids(kind, name, since)),
    *_info("obj_info", "closed_map", None),
    *_info("link_info", "closed_link", changes.LINKS),
)
"""Refusals of what is done with ids, and of BPF_OBJ_GET_INFO_BY_FD."""
