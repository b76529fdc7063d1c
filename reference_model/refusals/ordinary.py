# SPDX-License-Identifier: GPL-2.0-only
"""An ordinary call of each command: what the calls that are refused differ from.

>>> from reference_model import Kernel
>>> ORDINARY["prog_attach"](Setup(Kernel("5.9")))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..uapi import BPF_F_ALLOW_MULTI
from ..values import STORAGE_KEY, U64
from .setup import EGRESS, SKB, STORAGE, Setup

PIN = "/sys/fs/bpf/counts"
"""Where refusals pin the map."""


def _on_map(name: str, *arguments: Any) -> Callable[[Setup], object]:
    return lambda setup: getattr(setup.kernel, name)(setup.counts, *arguments)


def _on_entry(name: str, *arguments: Any) -> Callable[[Setup], object]:
    return lambda setup: getattr(setup.kernel, name)(setup.counts, setup.key, *arguments)


ORDINARY: dict[str, Callable[[Setup], object]] = {
    "map_create": lambda setup: setup.kernel.map_create(STORAGE, STORAGE_KEY, U64),
    "map_lookup_elem": _on_entry("map_lookup_elem"),
    "map_update_elem": _on_entry("map_update_elem", 1),
    "map_delete_elem": _on_entry("map_delete_elem"),
    "map_get_next_key": _on_map("map_get_next_key"),
    "map_lookup_and_delete_elem": _on_entry("map_lookup_and_delete_elem"),
    "map_lookup_batch": _on_map("map_lookup_batch"),
    "map_lookup_and_delete_batch": _on_map("map_lookup_and_delete_batch"),
    "map_update_batch": _on_map("map_update_batch"),
    "map_delete_batch": _on_map("map_delete_batch"),
    "map_freeze": _on_map("map_freeze"),
    "prog_load": lambda setup: setup.kernel.prog_load(SKB),
    "prog_bind_map": lambda setup: setup.kernel.prog_bind_map(setup.count, setup.counts),
    "prog_test_run": lambda setup: setup.kernel.prog_test_run(setup.count),
    "prog_attach": lambda setup: setup.kernel.prog_attach(
        setup.web, setup.count, EGRESS, int(BPF_F_ALLOW_MULTI)
    ),
    "prog_detach": lambda setup: setup.kernel.prog_detach(setup.web, None, EGRESS),
    "prog_query": lambda setup: setup.kernel.prog_query(setup.web, EGRESS),
    "link_create": lambda setup: setup.kernel.link_create(setup.web, setup.count, EGRESS),
    "link_update": lambda setup: setup.kernel.link_update(setup.linked, setup.count),
    "link_detach": lambda setup: setup.kernel.link_detach(setup.linked),
    "map_get_fd_by_id": lambda setup: setup.kernel.map_get_fd_by_id(setup.counts.id),
    "prog_get_fd_by_id": lambda setup: setup.kernel.prog_get_fd_by_id(setup.count.id),
    "link_get_fd_by_id": lambda setup: setup.kernel.link_get_fd_by_id(setup.linked.id),
    "map_get_next_id": lambda setup: setup.kernel.map_get_next_id(setup.counts.id - 1),
    "prog_get_next_id": lambda setup: setup.kernel.prog_get_next_id(setup.count.id - 1),
    "link_get_next_id": lambda setup: setup.kernel.link_get_next_id(setup.linked.id - 1),
    "obj_info": lambda setup: setup.kernel.obj_info(setup.counts),
    "link_info": lambda setup: setup.kernel.link_info(setup.linked),
    "obj_pin": lambda setup: setup.kernel.obj_pin(PIN, setup.counts),
    "obj_get": lambda setup: setup.kernel.obj_get(PIN),
}
"""By command; what it needs is made first, and each is the last call of its kind."""
