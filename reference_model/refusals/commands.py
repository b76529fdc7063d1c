# SPDX-License-Identifier: GPL-2.0-only
"""The refusal that all commands of bpf(2) had in common: the sysctl shut everybody else out.

map_create() and prog_load() have kept it; they tell of it themselves.  The commands on ids need
CAP_SYS_ADMIN on every release.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import changes, errors
from .setup import EGRESS, Refusal, Setup


def _on_map(name: str, *arguments: Any) -> Callable[[Setup], object]:
    def act(setup: Setup) -> object:
        return getattr(setup.kernel, name)(setup.closed_map, *arguments)

    return act


_KEY = (1, EGRESS)

_ACTS: dict[str, Callable[[Setup], object]] = {
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
    "prog_bind_map": lambda setup: setup.kernel.prog_bind_map(setup.closed_prog, setup.closed_map),
    "prog_test_run": lambda setup: setup.kernel.prog_test_run(setup.closed_prog),
    "prog_attach": lambda setup: setup.kernel.prog_attach(setup.web, setup.closed_prog, EGRESS),
    "prog_detach": lambda setup: setup.kernel.prog_detach(setup.web, None, EGRESS),
    "prog_query": lambda setup: setup.kernel.prog_query(setup.web, EGRESS),
    "link_create": lambda setup: setup.kernel.link_create(setup.web, setup.closed_prog, EGRESS),
    "link_update": _on_map("link_update", None),
    "link_detach": _on_map("link_detach"),
    "obj_info": _on_map("obj_info"),
    "link_info": _on_map("link_info"),
    "obj_pin": lambda setup: setup.kernel.obj_pin("/sys/fs/bpf/counts", setup.closed_map),
    "obj_get": lambda setup: setup.kernel.obj_get("/sys/fs/bpf/counts"),
}


def _refusal(name: str, act: Callable[[Setup], object]) -> Refusal:
    def provoke(setup: Setup) -> object:
        setup.web, setup.closed_map, setup.closed_prog  # noqa: B018 (while they can be made)
        with setup.kernel.user("CAP_NET_ADMIN"):
            return act(setup)

    when = "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``), and "
    when += "``kernel.unprivileged_bpf_disabled`` is set"
    until = changes.UNPRIVILEGED_COMMANDS
    return Refusal(
        name, errors.NotPermitted, when, provoke, until=until, rule="errors.unprivileged"
    )


COMMANDS: dict[str, Refusal] = {name: _refusal(name, act) for name, act in _ACTS.items()}
"""The refusal of each command; it comes before all others."""
