# SPDX-License-Identifier: GPL-2.0-only
"""What frees a storage of the old type, in the document of the new one."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, CGRP_STORAGE, Claim, Patch
from ..text import filled
from ..words import commit


def fourth_difference() -> str:
    """Return the fourth difference between the types."""
    return filled(
        "``BPF_MAP_TYPE_CGRP_STORAGE`` supports deleting local storage by a BPF program. "
        "The storage of ``BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED`` cannot be deleted explicitly. "
        "Since Linux 5.9 it is not freed when the program is detached, but together with the map "
        f"or with the BPF state of the cgroup, see {CGROUP_STORAGE}.",
        "(4). ",
    )


FREES = Patch(
    name="frees",
    subject="bpf, docs: Fix when CGROUP_STORAGE frees a storage",
    fixes='d43198017ea3 ("docs/bpf: Add documentation for new cgroup local storage")',
    needs=(CGROUP_STORAGE,),
    reasons=f"""
        map_cgrp_storage.rst says that BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED deletes a storage when
        the program is detached. That was true before Linux 5.9. Since
        {commit(changes.SHARED_STORAGE)}, __cgroup_bpf_detach() does not touch the storage. It is
        freed with the map, in cgroup_storage_map_free(), or with the BPF state of the cgroup, in
        cgroup_bpf_release(). map_cgroup_storage.rst describes this, so the two documents contradict
        each other.

        Describe what frees the storage.
    """,
    claims=(
        Claim(
            "map_cgrp_storage.rst",
            "``BPF_MAP_TYPE_CGROUP_STORAGE`` deletes a storage when the program is detached.",
            "The storage and its value remain until the map is freed or the cgroup is removed.",
            "5.9",
            "``kernel/bpf/cgroup.c``: __cgroup_bpf_detach(), cgroup_bpf_release(); "
            "``kernel/bpf/local_storage.c``: cgroup_storage_map_free()",
            ("lifetime.detach", "lifetime.attachment"),
            ("entries_outlive_detach", "reattach_keeps_data"),
        ),
    ),
    edits=(
        Edit(
            Passage(CGRP_STORAGE, "(4). ", "detach time.", "dab44369f7c4910d"),
            Where.INSTEAD,
            "the fourth difference between the types",
            fourth_difference,
        ),
    ),
)
