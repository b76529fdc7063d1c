# SPDX-License-Identifier: GPL-2.0-only
"""What ends a storage of the old type, said in the document of the new one, and its examples."""

from __future__ import annotations

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import CGRP_STORAGE, Claim, Patch, reference
from ..text import filled, page
from ..words import commit


def what_ends_a_storage() -> str:
    """The fourth difference between the types."""
    deleted = (
        "``BPF_MAP_TYPE_CGRP_STORAGE`` supports deleting local storage by a BPF program, "
        "``BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED`` does not."
    )
    return filled(f"{deleted} {reference().paragraph('A storage is freed when')}", "(4). ")


def no_replacement() -> str:
    """What the new type lacks."""
    beginnings = ("``BPF_MAP_TYPE_CGRP_STORAGE``, recommended", "No helper returns the cgroup")
    return " ".join(reference().paragraph(beginning) for beginning in beginnings)


def licence() -> str:
    """The line that the BPF program ends with."""
    return '    char LICENSE[] SEC("license") = "GPL";\n\n'


def user_space() -> str:
    """The example for user space, with the line above it."""
    program = page("map_cgrp_storage").program("read_cgrp_count.c")
    return f"Userspace accessing map declared above:\n\n{program}"


DETACH = Patch(
    name="detach",
    subject="bpf, docs: Correct when CGROUP_STORAGE deletes a storage",
    fixes='d43198017ea3 ("docs/bpf: Add documentation for new cgroup local storage")',
    reasons=f"""
        map_cgrp_storage.rst says that BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED deletes a storage
        when its program is detached. That was true before Linux 5.9. Since
        {commit(changes.SHARED_STORAGE)}, __cgroup_bpf_detach() leaves the storage alone: it goes
        with its map, in cgroup_storage_map_free(), or with the cgroup_bpf of its cgroup, in
        cgroup_bpf_release(). map_cgroup_storage.rst says so, and the two documents contradict each
        other. Say what ends a storage.

        The new type does not support all that the old one does. It has no per-CPU variant,
        notsupp_get_next_key() refuses to list its keys, and no helper tells a program to which
        cgroup it is attached. To rename the type of a map is not enough either, as somebody tried
        in https://github.com/libbpf/libbpf/issues/922. Replace the sentence.

        The user space example does not compile: bpf_map_lookup_elem() takes the place for the value
        as its third argument, and there is no <linux/libbpf.h>. It also reads a long value as 32
        bits. Replace it. The BPF program has no license, so that it is not allowed to call
        bpf_get_current_task_btf(). Add one.
    """,
    untested="the need for a license",
    claims=(
        Claim(
            "The old type deletes a storage when the program is detached.",
            "Only before 5.9. Since 5.9 the storage remains, with its value.",
            "``kernel/bpf/cgroup.c``: __cgroup_bpf_detach(), cgroup_bpf_release(); "
            "``kernel/bpf/local_storage.c``: cgroup_storage_map_free()",
            ("lifetime.detach", "lifetime.attachment"),
            ("entries_outlive_detach", "reattach_keeps_data"),
        ),
        Claim(
            "The new type supports all that the old one does.",
            "It has no per-CPU variant, no list of keys, and no implicit cgroup.",
            "``kernel/bpf/bpf_cgrp_storage.c``: notsupp_get_next_key()",
            ("cgrp.create", "cgrp.entries"),
            ("to_cgrp_storage",),
        ),
        Claim(
            "The example for user space.",
            "It does not compile.",
            "libbpf's ``bpf.h``: bpf_map_lookup_elem()",
            compiled=True,
        ),
        Claim(
            "The example in BPF has no licence.",
            "The verifier refuses it: bpf_get_current_task_btf() is for GPL programs.",
            "``kernel/trace/bpf_trace.c``: bpf_get_current_task_btf_proto",
        ),
    ),
    edits=(
        Edit(
            Passage(CGRP_STORAGE, "Userspace accessing map declared above::"),
            Where.BEFORE,
            "the line on user space, and so at the end of the BPF program",
            licence,
        ),
        Edit(
            Passage(
                CGRP_STORAGE,
                "Userspace accessing map declared above::",
                "return 0; }",
                "cf0acafb5ac23747",
            ),
            Where.INSTEAD,
            "the example for user space",
            user_space,
        ),
        Edit(
            Passage(CGRP_STORAGE, "(4). ", "detach time.", "dab44369f7c4910d"),
            Where.INSTEAD,
            "the fourth difference between the types",
            what_ends_a_storage,
        ),
        Edit(
            Passage(CGRP_STORAGE, "So overall,", "beyond.", "f3a73be74ca88a5e"),
            Where.INSTEAD,
            "the sentence that the new type does all that the old one does",
            no_replacement,
            running=True,
        ),
    ),
)
