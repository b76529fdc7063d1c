# SPDX-License-Identifier: GPL-2.0-only
"""The refusal that all commands of bpf(2) had in common: the sysctl shut everybody else out.

map_create() and prog_load() have kept it; they tell of it themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import changes, errors
from .room import EGRESS, Refusal, Room


def _on_map(name: str, *arguments: Any) -> Callable[[Room], object]:
    def act(room: Room) -> object:
        return getattr(room.kernel, name)(room.closed_map, *arguments)

    return act


_KEY = (1, EGRESS)

_ACTS: dict[str, Callable[[Room], object]] = {
    "map_lookup_elem": _on_map("map_lookup_elem", _KEY),
    "map_update_elem": _on_map("map_update_elem", _KEY, 1),
    "map_delete_elem": _on_map("map_delete_elem", _KEY),
    "map_get_next_key": _on_map("map_get_next_key"),
    "map_lookup_and_delete_elem": _on_map("map_lookup_and_delete_elem", _KEY),
    "map_lookup_batch": _on_map("map_lookup_batch"),
    "map_lookup_and_delete_batch": _on_map("map_lookup_and_delete_batch"),
    "map_update_batch": _on_map("map_update_batch"),
    "map_delete_batch": _on_map("map_delete_batch"),
    "map_freeze": _on_map("map_freeze"),
    "prog_bind_map": lambda room: room.kernel.prog_bind_map(room.closed_prog, room.closed_map),
    "prog_test_run": lambda room: room.kernel.prog_test_run(room.closed_prog),
    "prog_attach": lambda room: room.kernel.prog_attach(room.web, room.closed_prog, EGRESS),
    "prog_detach": lambda room: room.kernel.prog_detach(room.web, None, EGRESS),
    "prog_query": lambda room: room.kernel.prog_query(room.web, EGRESS),
    "link_create": lambda room: room.kernel.link_create(room.web, room.closed_prog, EGRESS),
    "link_update": _on_map("link_update", None),
    "link_detach": _on_map("link_detach"),
    "link_info": _on_map("link_info"),
    "obj_pin": lambda room: room.kernel.obj_pin("/sys/fs/bpf/counts", room.closed_map),
    "obj_get": lambda room: room.kernel.obj_get("/sys/fs/bpf/counts"),
}


def _refusal(name: str, act: Callable[[Room], object]) -> Refusal:
    def provoke(room: Room) -> object:
        room.web, room.closed_map, room.closed_prog  # noqa: B018 (while they can be made)
        with room.kernel.user("CAP_NET_ADMIN"):
            return act(room)

    when = "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``), and "
    when += "``kernel.unprivileged_bpf_disabled`` is set"
    until = changes.UNPRIVILEGED_COMMANDS
    return Refusal(
        name, errors.NotPermitted, when, provoke, until=until, rule="errors.unprivileged"
    )


COMMANDS: dict[str, Refusal] = {name: _refusal(name, act) for name, act in _ACTS.items()}
"""The refusal of each command; it comes before all others."""
