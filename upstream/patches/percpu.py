# SPDX-License-Identifier: GPL-2.0-only
"""How user space passes the values of all CPUs."""

from __future__ import annotations

from ..edits import Edit, Passage, Where
from ..patch import CGROUP_STORAGE, Claim, Patch
from ..text import filled


def layout() -> str:
    """Return the section, which goes to the end of the page."""
    text = filled(
        "In the per-CPU type a program accesses the value of the CPU on which it runs. A softirq "
        "can run the program again on the same CPU, so use atomic instructions if no update may "
        "be lost. A lookup or update from user space passes the values of all possible CPUs, in "
        "the order of their numbers, each padded to a multiple of 8 bytes. "
        "libbpf_num_possible_cpus() returns the number of possible CPUs. If the buffer has room "
        "only for the online CPUs, the kernel accesses memory past its end. With ``BPF_F_CPU`` and "
        "a CPU number in the upper 32 bits of the flags, the command passes the value of that CPU "
        "only. With ``BPF_F_ALL_CPUS`` an update writes one value to all CPUs."
    )
    return f"\n\nPer-CPU values\n--------------\n\n{text}"


PERCPU = Patch(
    name="percpu",
    subject="bpf, docs: Document the values of PERCPU_CGROUP_STORAGE",
    reasons="""
        A lookup or update of a per-CPU map passes the values of all possible CPUs, each padded to 8
        bytes, see bpf_percpu_cgroup_storage_copy() and bpf_percpu_cgroup_storage_update(). The
        document does not say so, and a buffer for the online CPUs only is overrun. Describe the
        layout, and the flags for a single CPU.

        bpf_prog_run_array_cg() does not disable softirqs, so a program can be interrupted by
        another run of itself on the same CPU. Mention that a plain addition can then lose an
        update.
    """,
    claims=(
        Claim(
            "map_cgroup_storage.rst",
            "Nothing on the buffer of the per-CPU type.",
            "One value for each possible CPU, each padded to a multiple of 8 bytes.",
            "4.20",
            "``kernel/bpf/local_storage.c``: bpf_percpu_cgroup_storage_copy()",
            ("percpu.own", "percpu.layout", "percpu.update-all", "percpu.flags"),
            ("read_percpu_totals", "one_cpu_can_be_addressed"),
        ),
        Claim(
            "map_cgroup_storage.rst",
            "Nothing on runs that interrupt each other on one CPU.",
            "A softirq can run the program again, so per-CPU counters need atomic instructions.",
            "4.20",
            "``kernel/bpf/cgroup.c``: bpf_prog_run_array_cg()",
        ),
    ),
    edits=(
        Edit(
            Passage(CGROUP_STORAGE, "Semantics ========="),
            Where.END,
            "the section on semantics",
            layout,
        ),
    ),
)
