# SPDX-License-Identifier: GPL-2.0-only
"""Tail calls between programs with different maps: wrong data before 6.17, then EINVAL."""

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
    KernelInterface,
    Mix,
    TailCall,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Tail-call a program with another map, from one with a map and from one without."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    counts, others = (
        kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
        for name in ("counts", "others")
    )
    jumps, more = (
        kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=2, map_name=name)
        for name in ("jumps", "more_jumps")
    )
    skb, egress = BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS
    callee = kernel.prog_load(skb, Mix(others, 2), prog_name="callee")
    entry = kernel.prog_load(skb, [Mix(counts, 1), TailCall(jumps)], prog_name="entry")
    plain = kernel.prog_load(skb, [TailCall(more)], prog_name="plain")

    observe("insert another map", lambda: kernel.map_update_elem(jumps, 0, callee))
    observe("insert no map, jumps on", lambda: kernel.map_update_elem(jumps, 1, plain))
    kernel.prog_attach(web, entry, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)
    observe("counts", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    observe("others", lambda: kernel.map_lookup_elem(others, (web, egress)))

    observe("insert behind no map", lambda: kernel.map_update_elem(more, 0, callee))
    kernel.prog_attach(db, plain, egress, BPF_F_ALLOW_MULTI)
    observe("packet", lambda: kernel.fire(db, egress))


STORY = BreakingChange(
    title="Tail calls require the same storage maps",
    nav="Tail calls: same maps",
    summary="""
Since Linux 6.17, and on stable kernels with the fix, programs with different storage maps cannot be
in one program array. The call fails with ``EINVAL``. Before, a tail-called program got the storage
of the attached program, whatever map it named, and a program without a map crashed the kernel.
""",
    affects="both",
    affected="""
* You are affected if programs that call each other use different storage maps.
* A stable update can be enough: a program that loads on one 6.1 kernel is rejected by the next.
* If all programs of the array use one storage map, no change is needed.
""",
    signs=(
        Sign("C", "bpf_tail_call|BPF_MAP_TYPE_PROG_ARRAY", "program arrays, whose maps must agree"),
        Sign("Go", "ebpf\\.ProgramArray", "program arrays, whose maps must agree"),
    ),
    fix="""
Let all programs of an array use one storage map. Across objects, pass the map on with
``bpf_map__reuse_fd()``:
""",
    details="""
The helper returns the storage of the attachment that runs, and a tail call does not change this. In
the example, the called program computes 3 * 1 + 2 = 5 in the map of the attached program. Its own
map has no entry. If the attached program uses no storage map, the helper dereferences a NULL
pointer. On 4.19, it uses the pointer that the last program on this CPU left. A packet of one
cgroup can therefore change the value of another cgroup.

Since commit :commit:`abad3d0bad72` ("bpf: Fix oob access in cgroup local storage",
CVE-2025-38502), a program array remembers the storage maps of the first program that was loaded
with it or put into it. Every other program must use the same maps or none. It is in 6.17, 6.16.1,
6.12.46, 6.6.105, 6.1.151 and 5.15.192. The kernel checks when a program is put into the array, and
when a program that uses the array is loaded.

Commit :commit:`10627ddc0167` ("bpf: Tighten cgroup storage cookie checks for prog arrays",
CVE-2026-74305) closed a gap in 7.2, 7.1.5, 6.18.40 and 6.12.97. A program without a map can now be
in the array only if it makes no tail calls itself. The commit is also in 6.6.145, 6.1.178 and
5.15.212, but there the kernel detects only tail calls from functions of a program.

Within one object, all programs share a map without further steps. You can also call the helper only
in the entry program.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "insert another map": "ok",
                "insert no map, jumps on": "ok",
                "counts": 5,
                "others": "ENOENT",
                "insert behind no map": "ok",
                "packet": "undefined",
            },
            "kernels 4.20.1 to 5.10.223, the July 2020 proposal, which crashed in the last step; "
            "4.19.108",
        ),
        Outcome(
            changes.TAIL_CALL_COOKIES,
            {
                "insert another map": "EINVAL",
                "insert no map, jumps on": "ok",
                "counts": 1,
                "others": "ENOENT",
                "insert behind no map": "EINVAL",
                "packet": "ok",
            },
            "kernel 6.1.176; ``core.c:__bpf_prog_map_compatible``",
        ),
        Outcome(
            changes.TAIL_CALL_COOKIES_TIGHT,
            {
                "insert another map": "EINVAL",
                "insert no map, jumps on": "EINVAL",
                "counts": 1,
                "others": "ENOENT",
                "insert behind no map": "EINVAL",
                "packet": "ok",
            },
            "kernels 6.12.107 and 7.2.13; ``core.c:__bpf_prog_map_compatible`` of 7.3",
        ),
    ),
    evidence=(
        Evidence(
            "tail-callee-with-another-map",
            same={6: "insert another map", 9: "counts", 10: "others"},
        ),
        Evidence("tail-middle-without-storage", same={6: "insert no map, jumps on"}),
        Evidence("tail-entry-without-storage-runs", same={5: "insert behind no map", 7: "packet"}),
    ),
    unsafe=True,
    before="6.16",
    after="6.17",
    symptoms=(
        "EINVAL when a program is put into a program array",
        "EINVAL from BPF_PROG_LOAD after a stable update",
        "a crash of the kernel: NULL pointer dereference in bpf_get_local_storage",
        "numbers of one program in the map of another",
    ),
    rules=("tail-call.same-maps", "tail-call.no-map", "tail-call.other-maps", "tail-call.entry"),
    recipes=(),
    explains=(Explains(changes.TAIL_CALL_COOKIES), Explains(changes.TAIL_CALL_COOKIES_TIGHT)),
)
