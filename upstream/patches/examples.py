# SPDX-License-Identifier: GPL-2.0-only
"""Examples that compile and pass packets, the releases, and what frees a storage."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, Claim, Patch, reference
from ..words import commit


def versions() -> str:
    """The note on the releases."""
    return reference().directive("note") + "\n"


def programs() -> str:
    """The section of examples, and the title of the next one."""
    without = ("One program, four attachments",)
    section = reference().section("Usage", mark="=", name="Examples", without=without)
    return f"{section}\nSemantics\n========="


def one_to_one() -> str:
    """The beginning of the paragraph on what ended with 5.9."""
    return "Also prior to Linux 5.9, there was a one-to-one association"


def lifetime() -> str:
    """What ends a storage."""
    rules = ("lifetime.cgroup", "lifetime.socket")
    sentences = [reference().paragraph("A storage is freed when")]
    sentences += [reference().rule(name).text for name in rules]
    return " ".join([*sentences, reference().paragraph("To keep the data")])


EXAMPLES = Patch(
    name="examples",
    subject="bpf, docs: Make the examples of CGROUP_STORAGE compile and pass packets",
    fixes='4e15f460be6d ("Documentation/bpf: Document CGROUP_STORAGE map type")',
    reasons=f"""
        The examples of map_cgroup_storage.rst do not compile: the key in user space has no name,
        there is no <linux/libbpf.h>, and <bpf/bpf.h> is not for BPF programs. The programs have no
        section, so that libbpf does not know their type, and they return 0, by which a cgroup_skb
        program drops every packet. Replace them by programs that compile without a warning and were
        run, under a heading for each side.

        Say since when there is which type, and that the header calls them deprecated since
        {commit(changes.CGRP_STORAGE)}.

        That a map belongs to one program, by bpf_cgroup_storage_assign(), is written as if it still
        held. It ended with {commit(changes.SHARED_STORAGE)} in Linux 5.9. Say that it is past.

        A storage is not freed with its cgroup. Since {commit(changes.CGROUP_BPF_REFCOUNT)} it is
        cgroup_bpf_release() that frees it, some time after rmdir(2), when the last socket that was
        made in the cgroup is gone. Say so.
    """,
    untested="the names in the header and what is said of cgroup v1",
    claims=(
        Claim(
            "The examples.",
            "None compiles as it is, and both programs would drop every packet.",
            "``kernel/bpf/cgroup.c``: bpf_prog_run_array_cg()",
            compiled=True,
        ),
        Claim(
            "No word of the releases that brought the types, or of their deprecation.",
            "4.19 and 4.20; the 8-byte key in 5.9; deprecated since 6.2.",
            "``include/uapi/linux/bpf.h``: enum bpf_map_type",
            ("create.key-id", "create.percpu"),
            ("eight_byte_keys_need_5_9",),
        ),
        Claim(
            "A map is used by one program, in the present tense.",
            "Only before 5.9. Since 5.9 any number of programs may use it.",
            "``kernel/bpf/local_storage.c``: bpf_cgroup_storage_assign()",
            ("load.exclusive", "load.shared"),
            ("second_program_may_use_the_map",),
        ),
        Claim(
            "A storage is freed when its cgroup is freed.",
            "Since 5.3 when the cgroup_bpf is released: after rmdir and the last socket.",
            "``kernel/bpf/cgroup.c``: cgroup_bpf_release()",
            ("lifetime.cgroup", "lifetime.socket"),
            ("removed_cgroups_wait_for_sockets",),
        ),
    ),
    edits=(
        Edit(
            Passage(CGROUP_STORAGE, "Usage ====="),
            Where.BEFORE,
            "the section on usage",
            versions,
        ),
        Edit(
            Passage(CGROUP_STORAGE, "Examples ========", "Semantics =========", "5eb46c5ce74a0d5e"),
            Where.INSTEAD,
            "the examples",
            programs,
        ),
        Edit(
            Passage(
                CGROUP_STORAGE,
                "There is a one-to-one association",
                "association",
                "1782abaf06940993",
            ),
            Where.INSTEAD,
            "the beginning of the paragraph on one program for each map",
            one_to_one,
            running=True,
        ),
        Edit(
            Passage(
                CGROUP_STORAGE, "Storage is freed", "all storage in the map.", "a27a01567f794a00"
            ),
            Where.INSTEAD,
            "the sentences on what frees a storage since 5.9",
            lifetime,
            running=True,
        ),
    ),
)
