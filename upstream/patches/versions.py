# SPDX-License-Identifier: GPL-2.0-only
"""In which versions the types were introduced, and what held before 5.9 only."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, CGRP_STORAGE, Claim, Patch
from ..text import filled
from ..words import commit


def note() -> str:
    """Return the note on the versions, in the form that the documents of other maps have."""
    return f"""\
.. note::
   - ``BPF_MAP_TYPE_CGROUP_STORAGE`` was introduced in kernel version 4.19
   - ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`` was introduced in kernel version 4.20
   - Both are marked as deprecated in ``linux/bpf.h``, see
     {CGRP_STORAGE}

"""


def one_to_one() -> str:
    """Return the paragraph on one program for each map, in the past tense."""
    return filled(
        "Prior to Linux 5.9 there was also a one-to-one association between the map of each type "
        "(per-CPU and non-per-CPU) and the BPF program, established when the program was verified. "
        "Each map could only be used by one BPF program, and each BPF program could only use one "
        "storage map of each type. Because a map could only be used by one BPF program, its "
        "storages could not be shared with other BPF programs."
    )


VERSIONS = Patch(
    name="versions",
    subject="bpf, docs: Note versions and deprecation of CGROUP_STORAGE",
    needs=(CGRP_STORAGE,),
    reasons=f"""
        Document in which versions the map types were introduced, and that linux/bpf.h marks both as
        deprecated.

        The association of a map with one program, by bpf_cgroup_storage_assign(), is described in
        the present tense, but it ended with {commit(changes.SHARED_STORAGE)}. Use the past tense.
    """,
    claims=(
        Claim(
            "map_cgroup_storage.rst",
            "Nothing on the releases that introduced the types, or on their deprecation.",
            "4.19 and 4.20; ``linux/bpf.h`` calls them deprecated since 6.2 and 6.7.",
            "6.2",
            "``include/uapi/linux/bpf.h``: enum bpf_map_type",
            ("create.percpu",),
        ),
        Claim(
            "map_cgroup_storage.rst",
            "A map can only be used by one program (in the present tense).",
            "Any number of programs can use it.",
            "5.9",
            "``kernel/bpf/local_storage.c``: bpf_cgroup_storage_assign()",
            ("load.exclusive", "load.shared"),
            ("second_program_may_use_the_map",),
        ),
    ),
    edits=(
        Edit(
            Passage(CGROUP_STORAGE, "Usage ====="),
            Where.BEFORE,
            "the section on usage",
            note,
        ),
        Edit(
            Passage(
                CGROUP_STORAGE, "There is a one-to-one", "were impossible.", "f391ffca42bd5c38"
            ),
            Where.INSTEAD,
            "the paragraph on one program for each map",
            one_to_one,
        ),
    ),
)
