# SPDX-License-Identifier: GPL-2.0-only
"""One program array, two expected attach types: allowed before 6.18, then EINVAL."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    KernelInterface,
    Return,
    TailCall,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Tail-call a program that declares no attach type, then one that declares the caller's."""
    web, egress = kernel.mkdir("web"), BPF_CGROUP_INET_EGRESS
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    jumps = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1, map_name="jumps")
    skb = BPF_PROG_TYPE_CGROUP_SKB
    entry = kernel.prog_load(
        skb, [Add(counts), TailCall(jumps)], expected_attach_type=egress, prog_name="entry"
    )
    either = kernel.prog_load(skb, Return(0), prog_name="either")
    out = kernel.prog_load(skb, Return(0), expected_attach_type=egress, prog_name="out")
    kernel.prog_attach(web, entry, egress, BPF_F_ALLOW_MULTI)

    observe("insert cgroup/skb", lambda: kernel.map_update_elem(jumps, 0, either))
    observe("first packet", lambda: kernel.fire(web, egress))
    observe("insert cgroup_skb/egress", lambda: kernel.map_update_elem(jumps, 0, out))
    observe("second packet", lambda: kernel.fire(web, egress))
    observe("counts", lambda: kernel.map_lookup_elem(counts, (web, egress)))


STORY = BreakingChange(
    title="Tail calls require the same attach type",
    nav="Tail calls: same attach type",
    summary="""
Since Linux 6.18, and on stable kernels with the fix, all programs of a program array must have the
same ``expected_attach_type``. Otherwise the call fails with ``EINVAL``. Before, only the program
type had to be the same. With libbpf the section name decides: ``cgroup/skb`` and
``cgroup_skb/egress`` differ.
""",
    affects="both",
    affected="""
* You are affected if programs that call each other have sections of different attach types.
* You are affected if hooks share one program array.
* If all programs have the same section name, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_tail_call|BPF_MAP_TYPE_PROG_ARRAY",
            "program arrays, whose sections must agree",
        ),
        Sign("Go", "ebpf\\.ProgramArray", "program arrays, whose sections must agree"),
    ),
    fix="""
Give all programs of one array the same section name:
""",
    details="""
The helpers and return values that a program can use depend on its expected attach type. The kernel
compares only the expected attach type of the attached program with the hook, so a tail call
bypassed the check. Since commit :commit:`4540aed51b12` ("bpf: Enforce expected_attach_type for
tailcall compatibility", CVE-2025-40123), a program array remembers the type of the first program
that was loaded with it or put into it. All others must have the same type. It is in 6.18, 6.17.3,
6.12.53, 6.6.112, 6.1.156, 5.15.221 and 5.10.270. The kernel checks when a program is put into the
array, and when a program that uses the array is loaded.

In the example, the entry program has the type ``cgroup_skb/egress``. It counts, and jumps to a
program that denies the packet. A ``cgroup/skb`` program declares no type, which means 0, the number
of ``BPF_CGROUP_INET_INGRESS``. If the kernel rejects it, the slot stays empty and the tail call
fails silently. The entry program then continues after the call, and the packet passes. The called
program uses no storage map, because before 5.9 a map belongs to one program.

Use an array for each hook. In libbpf, calling ``bpf_program__set_expected_attach_type()`` before
loading has the same effect as the section name.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "insert cgroup/skb": "ok",
                "first packet": "denied",
                "insert cgroup_skb/egress": "ok",
                "second packet": "denied",
                "counts": 2,
            },
            "kernel 5.10.262; ``core.c:bpf_prog_array_compatible`` of 5.10",
        ),
        Outcome(
            changes.TAIL_CALL_ATTACH_TYPE,
            {
                "insert cgroup/skb": "EINVAL",
                "first packet": "ok",
                "insert cgroup_skb/egress": "ok",
                "second packet": "denied",
                "counts": 2,
            },
            "kernels 6.1.192 to 7.3.4; ``core.c:__bpf_prog_map_compatible`` of 7.3",
        ),
    ),
    before="6.17",
    after="6.18",
    symptoms=(
        "EINVAL when a program is put into a program array",
        "EINVAL from BPF_PROG_LOAD after a stable update",
        "the tail-called program no longer runs, packets that it denied pass",
    ),
    rules=("tail-call.same-maps",),
    recipes=(),
    explains=(Explains(changes.TAIL_CALL_ATTACH_TYPE),),
)
