# SPDX-License-Identifier: GPL-2.0-only
"""Whose storage the helper returns, in both copies of the header."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import HEADERS, Claim, Patch, reference
from ..text import filled
from ..words import commit

MARGIN = " *\t\t"
"""What the lines of a description begin with."""


def whose_storage() -> str:
    """The description, after what the flags are."""
    page, rules = reference(), ("storage.attachment", "share.programs", "share.attach-types-id")
    paragraphs = [page.rule(name).text for name in rules]
    paragraphs += [page.paragraph("There are two types"), page.paragraph("In the shared type all")]
    return commented(paragraphs)


def never_null() -> str:
    """What is to be said of the pointer."""
    return f"\n{MARGIN}{commented([reference().rule('helper.never-null').text])}"


def commented(paragraphs: Sequence[str]) -> str:
    """Paragraphs in the comment of a helper, after its margin: literals and functions are bold.

    >>> commented(["Use ``BPF_F_LOCK`` or bpf_spin_lock().", "Or not."])
    'Use **BPF_F_LOCK** or **bpf_spin_lock**\\\\ ().\\n *\\n *\\t\\tOr not.'
    """
    width = 80 - len(MARGIN.expandtabs(8))
    written = []
    for text in paragraphs:
        text = re.sub(r"``([^`]+)``", r"**\1**", text)
        text = re.sub(r"\b(\w+)\(\)", r"**\1**\\ ()", text)
        written.append(filled(text, width=width).replace("\n", f"\n{MARGIN}"))
    return f"\n *\n{MARGIN}".join(written)


HELPER = Patch(
    name="helper",
    subject="bpf, docs: Say whose storage bpf_get_local_storage() returns",
    reasons=f"""
        The text of the helper says that a storage may be shared between instances of the program.
        Since {commit(changes.SHARED_STORAGE)} it may be shared between different programs, and the
        key of the map decides with whom. The text does not say that the storage is that of the
        cgroup to which the program is attached, not of the one it runs for, that bpf_spin_lock()
        is an alternative to atomic instructions, and that the pointer is never NULL. Say so, in
        both copies of the header.
    """,
    untested="what concerns concurrency",
    claims=(
        Claim(
            "A storage may be shared between instances of the program.",
            "Since 5.9 between different programs, too.",
            "``kernel/bpf/cgroup.c``: bpf_cgroup_storages_alloc()",
            ("share.programs", "share.attach-types-id"),
            ("second_program_may_use_the_map", "share_configuration"),
        ),
        Claim(
            "No word of the cgroup.",
            "It is the one to which the program is attached.",
            "``kernel/bpf/cgroup.c``: bpf_get_local_storage(), compute_effective_progs()",
            ("storage.attachment",),
        ),
        Claim(
            "Only atomic instructions are named.",
            "A spin lock in the value is as good, in the shared type.",
            "``kernel/bpf/local_storage.c``: cgroup_storage_update_elem()",
            ("btf.spin-lock",),
        ),
        Claim(
            "No word of NULL.",
            "The helper never returns it.",
            "``kernel/bpf/verifier.c``: check_helper_call(), on bpf_get_local_storage()",
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
                whose_storage,
            ),
            Edit(
                Passage(path, "A pointer to the local storage area."),
                Where.AFTER,
                "what the helper returns",
                never_null,
            ),
        )
    ),
)
