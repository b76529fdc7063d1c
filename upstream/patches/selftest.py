# SPDX-License-Identifier: GPL-2.0-only
"""A selftest: re-attaching and replacing a program keep the value."""

from __future__ import annotations

from pathlib import Path

from reference_model import changes

from ..edits import Edit, Passage, Where
from ..patch import Claim, Patch
from ..words import commit

TEST = "tools/testing/selftests/bpf/prog_tests/cgroup_storage.c"


def test_functions() -> str:
    """Return the functions of selftest.c, without its licence: the kernel's file has one."""
    text = Path(__file__).with_name("selftest.c").read_text(encoding="utf-8")
    return text.partition("\n")[2] + "\n"


SELFTEST = Patch(
    name="selftest",
    subject="selftests/bpf: Check that a cgroup storage survives re-attaching",
    reasons=f"""
        Since {commit(changes.SHARED_STORAGE)}, a storage and its value remain when the program is
        detached, attached again or replaced. No test checks that: cg_storage_multi and
        cgroup_storage attach each program once.

        Add a test that destroys a link, attaches the program again with BPF_PROG_ATTACH and
        replaces it with BPF_F_REPLACE, and looks up the value after each step.
    """,
    claims=(
        Claim(
            "selftests/bpf",
            "No test attaches a program a second time.",
            "A test of what re-attaching and replacing keep.",
            "5.9",
            "``kernel/bpf/cgroup.c``: bpf_cgroup_storages_alloc()",
            ("attach.reuse", "replace.keep", "lifetime.detach"),
            ("reattach_keeps_data", "replacing_keeps_data", "entries_outlive_detach"),
        ),
    ),
    edits=(
        Edit(
            Passage(TEST, "void test_cgroup_storage_oob(void)"),
            Where.BEFORE,
            "the last test",
            test_functions,
        ),
    ),
)
