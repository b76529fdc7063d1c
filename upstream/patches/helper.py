# SPDX-License-Identifier: GPL-2.0-only
"""Whose storage the helper returns, in both copies of the header."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, HEADERS, Claim, Patch
from ..text import filled
from ..words import commit

MARGIN = " *\t\t"
"""What the lines of a description begin with."""

DESCRIPTION = (
    "The storage belongs to the cgroup that the program is attached to, not to the cgroup of the "
    "task or socket that triggered it. It may be shared with other programs that use the same map "
    f"and are attached to the same cgroup (see {CGROUP_STORAGE}), and may be accessed by several "
    "CPUs simultaneously.",
    "A user should care about the synchronization, for example by using **BPF_ATOMIC** "
    r"instructions or **bpf_spin_lock**\ () to alter the shared data.",
)
"""The description, after what the flags are."""


def description() -> str:
    """Return the description as lines of the comment."""
    width = 80 - len(MARGIN.expandtabs(8))
    paragraphs = [
        filled(text, width=width).replace("\n", f"\n{MARGIN}").rstrip() for text in DESCRIPTION
    ]
    return f"\n *\n{MARGIN}".join(paragraphs)


HELPER = Patch(
    name="helper",
    subject="bpf: Clarify whose storage bpf_get_local_storage() returns",
    needs=(CGROUP_STORAGE,),
    reasons=f"""
        The description of the helper says that a storage may be shared between instances of the
        program. Since {commit(changes.SHARED_STORAGE)} it may also be shared between different
        programs. The description does not name the cgroup whose storage is returned, does not
        mention bpf_spin_lock(), and does not tell that the pointer is never NULL, so that no check
        is needed.

        Update it in both copies of the header.
    """,
    claims=(
        Claim(
            "bpf.h, bpf-helpers(7)",
            "A storage is shared between instances of the program.",
            "It is shared between different programs, too.",
            "5.9",
            "``kernel/bpf/cgroup.c``: bpf_cgroup_storages_alloc()",
            ("share.programs", "share.attach-types-id"),
            ("second_program_may_use_the_map", "share_configuration"),
        ),
        Claim(
            "bpf.h, bpf-helpers(7)",
            "Nothing on the cgroup.",
            "The storage is that of the cgroup to which the program is attached.",
            "4.19",
            "``kernel/bpf/cgroup.c``: bpf_get_local_storage(), compute_effective_progs()",
            ("storage.attachment",),
        ),
        Claim(
            "bpf.h, bpf-helpers(7)",
            "Only atomic instructions are named.",
            "A spin lock in the value can be used in the shared type.",
            "5.1",
            "``kernel/bpf/local_storage.c``: cgroup_storage_update_elem()",
            ("btf.spin-lock",),
        ),
        Claim(
            "bpf.h, bpf-helpers(7)",
            "Nothing on NULL.",
            "The helper never returns NULL.",
            "4.19",
            "``kernel/bpf/verifier.c``: check_helper_call()",
            ("helper.never-null",),
        ),
    ),
    edits=tuple(
        edit
        for path in HEADERS
        for edit in (
            Edit(
                Passage(
                    path,
                    "Depending on the BPF program type, a local",
                    "the shared data.",
                    "4ce641456eae79fa",
                ),
                Where.INSTEAD,
                "the description of the helper, after its flags",
                description,
            ),
            Edit(
                Passage(path, "A pointer to the local storage area."),
                Where.AFTER,
                "what the helper returns",
                lambda: " Never **NULL**.",
            ),
        )
    ),
)
