# SPDX-License-Identifier: GPL-2.0-only
"""The four examples of the map's document, corrected in place."""

from __future__ import annotations

from ..edits import Passage, Swap
from ..patch import CGROUP_STORAGE, Claim, Patch

MARGIN = "\n    "

EXAMPLES = Patch(
    name="examples",
    subject="bpf, docs: Fix the map_cgroup_storage examples",
    fixes='4e15f460be6d ("Documentation/bpf: Document CGROUP_STORAGE map type")',
    reasons="""
        The examples do not compile: the key in user space has no name, there is no
        <linux/libbpf.h>, and <bpf/bpf.h> is not for BPF programs. The BPF programs have no section,
        so libbpf cannot tell their type, and they return 0, which makes a cgroup_skb program drop
        every packet.

        Fix them in place. The examples now compile without a warning, and were run.
    """,
    claims=(
        Claim(
            "map_cgroup_storage.rst",
            "The four examples.",
            "None compiles, and both programs would drop every packet.",
            "5.9",
            "``kernel/bpf/cgroup.c``: bpf_prog_run_array_cg()",
            compiled=True,
        ),
    ),
    edits=(
        Swap(
            Passage(CGROUP_STORAGE, "Examples ========", "Semantics =========", "5eb46c5ce74a0d5e"),
            "the examples",
            (
                (
                    "#include <bpf/bpf.h>",
                    f"#include <linux/bpf.h>{MARGIN}#include <bpf/bpf_helpers.h>",
                ),
                ("int program(", f'SEC("cgroup_skb/egress"){MARGIN}int program('),
                ("return 0;", "return 1;"),
                (
                    "#include <linux/libbpf.h>",
                    f"#include <bpf/bpf.h>{MARGIN}#include <bpf/libbpf.h>",
                ),
                ("bpf_cgroup_storage_key = {", "bpf_cgroup_storage_key key = {"),
            ),
        ),
    ),
)
