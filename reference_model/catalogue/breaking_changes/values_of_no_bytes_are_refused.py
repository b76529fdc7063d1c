# SPDX-License-Identifier: GPL-2.0-only
"""A value of 0 bytes: created on 4.19, EINVAL from 4.20 and 4.19.71 on."""

from __future__ import annotations

from typing import Any

from ... import changes
from ...uapi import BPF_MAP_TYPE_CGROUP_STORAGE
from ...values import STORAGE_KEY, Bytes
from ..story import BreakingChange, Explains, Observer, Outcome


def run(kernel: Any, observe: Observer) -> None:
    """Create maps with values of no bytes, and of one."""

    def create(size: int) -> Any:
        return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, Bytes(size))

    observe("no bytes", lambda: create(0))
    observe("one byte", lambda: create(1))


STORY = BreakingChange(
    title="Values of 0 bytes are refused",
    summary="""
Linux 4.19 created a map whose ``value_size`` is 0: a map of keys without values. From 4.20 on, and
from 4.19.71 on among the stable releases, that is ``EINVAL``. One byte is enough on every release.
""",
    affected="""
Who wants only to know which cgroups have a program attached and saved the value. And who leaves
``value_size`` out by mistake: on early 4.19 nothing told him.
""",
    details="""
Commit :commit:`b0584ea66d73` (Linux 4.20, 4.19.71) added the test to
``local_storage.c:cgroup_storage_map_alloc``. It stands behind that of the key size and before all
others, for both map types. Before it, only the upper limit of ``value_size`` was tested.

All kernels with which the stories were recorded have the test. That a map was created without it is
deduced from the source: the other tests let 0 pass.

In C an empty struct has 0 bytes, so ``__type(value, struct {})`` asks for such a map.
""",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"no bytes": "ok", "one byte": "ok"},
            "local_storage.c:cgroup_storage_map_alloc, without the test that 4.19.71 has",
        ),
        Outcome(
            changes.ZERO_VALUE_REFUSED,
            {"no bytes": "EINVAL", "one byte": "ok"},
            "local_storage.c:cgroup_storage_map_alloc of 4.19.71 and 5.4; kernel 4.19.108",
        ),
    ),
    before="4.19",
    after="4.20",
    symptoms=("EINVAL from BPF_MAP_CREATE with value_size 0",),
    find="""
Search the definitions of these maps for ``value_size`` of 0, for empty structs as value types, and
for definitions that name no value at all. Make the value a ``__u8`` or ``__u64``.
""",
    rules=("create.value-zero",),
    recipes=("one_object_for_all_kernels",),
    explains=(Explains(changes.ZERO_VALUE_REFUSED),),
)
