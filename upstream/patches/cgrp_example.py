# SPDX-License-Identifier: GPL-2.0-only
"""The examples of the newer map's document: one does not compile, the other does not load."""

from __future__ import annotations

from ..edits import Edit, Passage, Where
from ..patch import CGRP_STORAGE, Claim, Patch


def licence() -> str:
    """Return the line that the BPF program ends with."""
    return '    char LICENSE[] SEC("license") = "GPL";\n\n'


def user_space() -> str:
    """Return the example for user space, with the line above it."""
    return """\
Userspace accessing map declared above::

    #include <bpf/bpf.h>
    #include <bpf/libbpf.h>

    int map_lookup(struct bpf_map *map, int cgrp_fd, long *value)
    {
            return bpf_map_lookup_elem(bpf_map__fd(map), &cgrp_fd, value);
    }"""


CGRP_EXAMPLE = Patch(
    name="cgrp_example",
    subject="bpf, docs: Fix the map_cgrp_storage examples",
    fixes='d43198017ea3 ("docs/bpf: Add documentation for new cgroup local storage")',
    reasons="""
        The user space example does not compile: bpf_map_lookup_elem() takes a buffer for the value
        as its third argument, and there is no <linux/libbpf.h>. It also reads a long value as 32
        bits. The BPF program does not load, because it has no license and the helper
        bpf_get_current_task_btf() is GPL-only.

        Fix both. The examples now compile without a warning, and were run.
    """,
    claims=(
        Claim(
            "map_cgrp_storage.rst",
            "The example for user space.",
            "It does not compile: bpf_map_lookup_elem() has three arguments.",
            "6.2",
            "libbpf's ``bpf.h``: bpf_map_lookup_elem()",
            compiled=True,
        ),
        Claim(
            "map_cgrp_storage.rst",
            "The example in BPF has no license.",
            "The verifier rejects it: bpf_get_current_task_btf() requires a GPL license.",
            "6.2",
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
    ),
)
