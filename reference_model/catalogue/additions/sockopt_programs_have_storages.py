# SPDX-License-Identifier: GPL-2.0-only
"""CGROUP_SOCKOPT programs: EINVAL before 5.3; they have storages like all others."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_SETSOCKOPT,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Ask for the hook, and count the socket options that a cgroup sets."""
    web = kernel.mkdir("web")
    setsockopt = BPF_CGROUP_SETSOCKOPT
    observe("programs there", lambda: len(kernel.prog_query(web, setsockopt).prog_ids))

    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = observe(
        "load",
        lambda: kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SOCKOPT,
            Add(counts),
            expected_attach_type=setsockopt,
            prog_name="count",
        ),
    )
    if count is None:
        return
    kernel.prog_attach(web, count, setsockopt, BPF_F_ALLOW_MULTI)
    observe("set an option", lambda: kernel.fire(web, setsockopt))
    observe("options set", lambda: kernel.map_lookup_elem(counts, (web, setsockopt)))


STORY = Addition(
    title="Programs for socket options have storages",
    nav="Socket option programs",
    affects="both",
    summary="""
Since Linux 5.3 programs of type ``BPF_PROG_TYPE_CGROUP_SOCKOPT`` run at ``BPF_CGROUP_GETSOCKOPT``
and ``BPF_CGROUP_SETSOCKOPT``. They use cgroup storages like all other cgroup programs. On older
kernels loading such a program, and querying these hooks, fails with ``EINVAL``.
""",
    probe="""
Call ``BPF_PROG_QUERY`` for ``BPF_CGROUP_SETSOCKOPT`` on any cgroup. ``EINVAL`` means that the hook
does not exist. The query requires ``CAP_NET_ADMIN``. Without it, load a program of two
instructions, ``r0 = 1`` and ``exit``, with that type and expected attach type.
""",
    without="""
* No other hook sees socket options. Leave the program out with ``bpf_program__set_autoload()``, and
  work without its numbers.
* A ``SOCK_OPS`` program can set a few options itself, such as the congestion control of TCP. Such
  programs have storages on every release.
""",
    details="""
Commit :commit:`0d01da6afc54` ("bpf: implement getsockopt and setsockopt hooks") added program type
25 and the attach types 21 and 22. A program declares its attach type when it is loaded, and
attaches to that one only.

The kernel uses the cgroup of the socket, not that of the process that sets the option.

With a 16-byte key each of the two hooks has its own storage. With an 8-byte key, since 5.9, they
share one.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"programs there": "EINVAL", "load": "EINVAL"},
            "kernel 4.19.108; ``syscall.c:bpf_prog_query`` of 4.19",
        ),
        Outcome(
            changes.SOCKOPT_PROGRAMS,
            {
                "programs there": 0,
                "load": "ok",
                "set an option": "ok",
                "options set": 1,
            },
            "kernels 5.4.59 to 7.2.13, the July 2020 proposal; "
            "``cgroup.c:__cgroup_bpf_run_filter_setsockopt`` of 5.4",
        ),
    ),
    evidence=(Evidence("s1-0083", same={3: "load"}),),
    before="5.2",
    after="5.3",
    symptoms=(
        "EINVAL from BPF_PROG_LOAD with program type 25",
        "EINVAL from BPF_PROG_QUERY with attach type 21 or 22",
    ),
    rules=("helper.program-types", "attach.type"),
    recipes=("share_configuration",),
    explains=(Explains(changes.SOCKOPT_PROGRAMS),),
)
