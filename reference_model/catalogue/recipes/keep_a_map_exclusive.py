# SPDX-License-Identifier: GPL-2.0-only
"""EBUSY no longer keeps a second instance away from a map: let the pin do it."""

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
    """A second instance opens the pinned map, and only its load can fail."""
    web, counts = _first(kernel, observe)
    opened = kernel.obj_get(PIN)
    second = observe("second instance", lambda: _load(kernel, opened))
    if second is not None:
        kernel.prog_attach(web, second, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    _send(kernel, observe, web, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Who cannot pin his map does not go on."""
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
    title="Keep a map to one program without EBUSY",
    problem="""
Up to 5.8 a map served one program: loading a second one with it failed with ``EBUSY``. Agents used
that as a guard against being started twice. From 5.9 on the second instance loads, attaches, and
both count into one storage.
""",
    summary="""
Make the guard explicit. Pin the map under a fixed name before you load: pinning is atomic, and the
second instance gets ``EEXIST``. It then stops, or takes the pinned objects over on purpose.
""",
    details="""
``BPF_OBJ_PIN`` never replaces a pin, on any release. The pin outlives the process, and so do the
attached program and its data: after a crash the next instance finds the pin and must decide. To
take over, open the pinned map (and program, or link, pinned beside it) and do not attach again.

A map that nobody can name is exclusive by itself: do not pin it, do not hand its descriptor on,
close it after loading. The program keeps it alive. Whoever may use ``BPF_MAP_GET_FD_BY_ID``
(``CAP_SYS_ADMIN``) can still get at it.

From 6.18 on the kernel can enforce it: a map that is created with ``excl_prog_hash`` is refused to
programs of another hash (commit :commit:`baefdbdf6812`). The model does not have that attribute.

That the second load is ``EBUSY`` up to 5.8 (:rule:`load.exclusive`) and succeeds from 5.9 on
(:rule:`load.shared`) is recorded in the trace "legacy-map-released-by-unload".
""",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first instance": "ok", "second instance": "EEXIST", "one packet counts": 1},
            "kernel/bpf/inode.c:bpf_obj_do_pin: a name that exists is EEXIST, all releases",
        ),
    ),
    promises=(
        Promise("The second instance is turned away", lambda seen: seen["second instance"] != "ok"),
        Promise("A packet is counted once", lambda seen: seen["one packet counts"] == 1),
    ),
    pitfalls="""
* The order matters: pin first, then load and attach. And unpin last when you stop.
* Each mount of bpffs is a tree of its own. Two containers with a bpffs each do not see each other's
  pins. Agree on one mount, or ask ``BPF_PROG_QUERY`` what is attached already.
* libbpf's ``LIBBPF_PIN_BY_NAME`` does the opposite: it takes a pinned map over without a word. With
  it the second instance shares the map.
* ``EBUSY`` was never a good guard. Up to 5.8 it may linger, because a closed program is freed a
  little later, and a program that uses two maps of one kind gets the same error on every release.
""",
    rules=("errors.path",),
)
