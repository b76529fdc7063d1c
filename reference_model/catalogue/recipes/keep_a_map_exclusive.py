# SPDX-License-Identifier: GPL-2.0-only
"""EBUSY no longer stops a second instance: pin the map under a fixed name instead."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
)

from ..story import Observe, Outcome, Promise, Recipe

PIN = "/sys/fs/bpf/counts"


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Let a second instance open the pinned map; only loading its program can fail."""
    web, counts = _first(kernel, observe)
    opened = kernel.obj_get(PIN)
    second = observe("second instance", lambda: _load(kernel, opened))
    if second is not None:
        kernel.prog_attach(web, second, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    _send(kernel, observe, web, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Stop if the map cannot be pinned."""
    web, counts = _first(kernel, observe)
    mine = _map(kernel, "counts2")
    observe("second instance", lambda: kernel.obj_pin(PIN, mine))
    kernel.close(mine)
    _send(kernel, observe, web, counts)


def _map(kernel: KernelInterface, name: str) -> Any:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)


def _load(kernel: KernelInterface, counts: Any) -> Any:
    return kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")


def _first(kernel: KernelInterface, observe: Observe) -> tuple[Any, Any]:
    web, counts = kernel.mkdir("web"), _map(kernel, "counts")
    observe("first instance", lambda: kernel.obj_pin(PIN, counts))
    count = _load(kernel, counts)
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    return web, counts


def _send(kernel: KernelInterface, observe: Observe, web: Any, counts: Any) -> None:
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe(
        "one packet counts",
        lambda: kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS)),
    )
    kernel.unlink(PIN)


STORY = Recipe(
    title="Keep a map exclusive without EBUSY",
    nav="Keep a map exclusive",
    problem="""
Before 5.9, loading a second program with a map failed with ``EBUSY``, so an agent could not run
twice. Since 5.9, the second instance loads and attaches, and both count in one storage.
""",
    when="""
* Use it if only one instance of your agent may use the map.
* It stops your own second instance. It does not stop other privileged processes.
* If programs are to share the map, see :story:`share_configuration`.
""",
    summary="""
Pin the map under a fixed name before you load the program. Pinning is atomic: for the second
instance it fails with ``EEXIST``. That instance stops, or takes over the pinned objects on purpose.
""",
    details="""
``BPF_OBJ_PIN`` never replaces a pin, on any release. The pin outlives the process, and so do the
attached program and its data. After a crash, the next instance finds the pin and must decide what
to do. To take over, open the pinned map, and the program or link that is pinned beside it, and do
not attach the program again.

A map without a pin is exclusive if you do not pass on its descriptor. Close the descriptor after
loading: the program keeps the map alive. Processes with ``CAP_SYS_ADMIN`` can still open the map
with ``BPF_MAP_GET_FD_BY_ID``.

Since 6.18, the kernel can enforce this. If a map is created with ``excl_prog_hash``, the kernel
rejects programs with another hash (commit :commit:`baefdbdf6812`; from source, not tested).

See :rule:`load.exclusive` for loading the second program before 5.9, and :rule:`load.shared` for
later kernels.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first instance": "ok", "second instance": "EEXIST", "one packet counts": 1},
            "``kernel/bpf/inode.c:bpf_obj_do_pin`` fails with ``EEXIST`` for an existing name, on "
            "all releases; trace legacy-map-released-by-unload (``EBUSY`` of the second load "
            "before 5.9)",
        ),
    ),
    promises=(
        Promise("The second instance is rejected", lambda seen: seen["second instance"] != "ok"),
        Promise("A packet is counted once", lambda seen: seen["one packet counts"] == 1),
    ),
    pitfalls="""
* The order matters: pin the map, load the program, attach it. When you stop, unpin last.
* Each mount of bpffs has its own files. Two containers with their own bpffs do not see each other's
  pins. Agree on one mount, or check with ``BPF_PROG_QUERY`` what is attached.
* ``LIBBPF_PIN_BY_NAME`` of libbpf does the opposite: it silently reuses a pinned map, so the second
  instance shares it.
* ``EBUSY`` was never a reliable guard. Before 5.9 it can remain for a moment, because the kernel
  frees a closed program a little later. On every release, a program that uses two maps of one type
  fails with the same error.
""",
    rules=("errors.path",),
)
