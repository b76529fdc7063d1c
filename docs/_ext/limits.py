# SPDX-License-Identifier: GPL-2.0-only
"""Limits, found by trying them out on the model of every release.

``.. limit:: NAME`` puts a table of the releases and the limit into a page; see LIMITS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from common.tables import fold, table
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    BpfError,
    Bytes,
    Kernel,
    MapType,
    TailCall,
)

SHARED, PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
SKB, EGRESS = BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS


def accepts(release: str, map_type: MapType, key: int, value: int) -> bool:
    """Whether a release makes a map with these sizes."""
    try:
        Kernel(release).map_create(map_type, STORAGE_KEY if key == 16 else Bytes(key), Bytes(value))
    except BpfError:
        return False
    return True


def key_sizes(release: str) -> str:
    """The sizes of keys that a release takes, of those up to 64.

    >>> key_sizes("5.8"), key_sizes("5.9")
    ('16', '8, 16')
    """
    return ", ".join(str(n) for n in range(1, 65) if accepts(release, SHARED, n, 8))


def value_sizes(release: str, map_type: MapType) -> str:
    """The smallest and the largest size of a value.

    >>> value_sizes("4.19", SHARED), value_sizes("4.19", PERCPU), value_sizes("5.15", PERCPU)
    ('1 to 4096', 'no such type', '1 to 32768')
    """
    low, high = 1, 1 << 20
    if not accepts(release, map_type, 16, low):
        return "no such type"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(release, map_type, 16, middle) else (low, middle)
    least = 0 if accepts(release, map_type, 16, 0) else 1
    return f"{least} to {low}"


def programs(release: str) -> str:
    """How many programs fit on one hook of one cgroup."""
    kernel = Kernel(release)
    web, count = kernel.mkdir("web"), 0
    try:
        while count < 1000:
            kernel.prog_attach(web, kernel.prog_load(SKB), EGRESS, BPF_F_ALLOW_MULTI)
            count += 1
    except BpfError as error:
        return f"{count}, then {error.name}"
    return "more than 1000"


def tail_calls(release: str) -> str:
    """How many tail calls happen in one run of a program that calls itself without end."""
    kernel = Kernel(release)
    web = kernel.mkdir("web")
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    prog = kernel.prog_load(SKB, [Add(counts), TailCall(array)])
    kernel.map_update_elem(array, 0, prog)
    kernel.prog_attach(web, prog, EGRESS)
    kernel.fire(web, EGRESS)
    return str(int(kernel.map_lookup_elem(counts, (web, EGRESS))) - 1)


def maps_of_a_type(release: str) -> str:
    """How many maps of one type a program may use."""
    kernel = Kernel(release)
    maps = [kernel.map_create(SHARED, STORAGE_KEY, U64) for _ in range(2)]
    try:
        kernel.prog_load(SKB, [Add(found) for found in maps])
    except BpfError as error:
        return f"1, then {error.name}"
    return "2 or more"


def programs_of_a_map(release: str) -> str:
    """How many programs may be loaded with one map."""
    kernel = Kernel(release)
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    try:
        for _ in range(100):
            kernel.prog_load(SKB, Add(counts))
    except BpfError as error:
        return f"1, then {error.name}"
    return "any number"


LIMITS: dict[str, dict[str, Callable[[str], str]]] = {
    "key-size": {"key_size": key_sizes},
    "value-size": {
        "shared": lambda release: value_sizes(release, SHARED),
        "per-CPU": lambda release: value_sizes(release, PERCPU),
    },
    "programs": {"programs on a hook": programs},
    "tail-calls": {"tail calls": tail_calls},
    "maps": {"maps of one type in a program": maps_of_a_type},
    "programs-of-a-map": {"programs with one map": programs_of_a_map},
}
"""What can be asked for, and how it is found on a release."""


@cache
def found(name: str, release: str) -> tuple[str, ...]:
    """A limit on a release."""
    return tuple(find(release) for find in LIMITS[name].values())


class Limit(SphinxDirective):
    """``.. limit:: NAME``"""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in (*LIMITS, "percpu-layout"):
            raise self.error(f"no such limit: {name} (known: {', '.join(LIMITS)}, percpu-layout)")
        if name == "percpu-layout":
            return [layout()]
        spans = fold(lambda release: found(name, release))
        rows = [[str(span), *span.outcome] for span in spans]
        return [table(["release", *LIMITS[name]], rows, kind="limits")]


def layout() -> nodes.table:
    """The user's buffer of a per-CPU value, for some sizes of values and numbers of CPUs."""

    def size(value: int, cpus: int) -> int:
        kernel = Kernel("latest", cpus=cpus)
        made: Any = kernel.map_create(PERCPU, STORAGE_KEY, Bytes(value)).object
        return int(made.buffer_size)

    rows = [
        [str(value), str(size(value, 1)), *(str(size(value, cpus)) for cpus in (2, 4, 128))]
        for value in (1, 4, 8, 12, 16, 20, 64, 100)
    ]
    return table(["value_size", "slot", "2 CPUs", "4 CPUs", "128 CPUs"], rows, kind="limits")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("limit", Limit)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
