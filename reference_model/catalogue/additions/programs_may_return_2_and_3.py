# SPDX-License-Identifier: GPL-2.0-only
"""Return values 2 and 3: rejected at first, allowed at egress since 5.3 and at bind since 5.12."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    Return,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Let packets and binds pass with the value 3, and count them."""
    web = kernel.mkdir("web")
    egress, bind = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET4_BIND
    marks, binds = (
        kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
        for name in ("marks", "binds")
    )

    mark = observe(
        "egress returns 3",
        lambda: kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SKB,
            [Add(marks), Return(3)],
            expected_attach_type=egress,
            prog_name="mark",
        ),
    )
    if mark is not None:
        observe(
            "attach it to ingress",
            lambda: kernel.prog_attach(web, mark, BPF_CGROUP_INET_INGRESS, BPF_F_ALLOW_MULTI),
        )
        kernel.prog_attach(web, mark, egress, BPF_F_ALLOW_MULTI)
        observe("packet", lambda: kernel.fire(web, egress))
        observe("marks", lambda: kernel.map_lookup_elem(marks, (web, egress)))

    allow = observe(
        "bind returns 3",
        lambda: kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
            [Add(binds), Return(3)],
            expected_attach_type=bind,
            prog_name="allow",
        ),
    )
    if allow is not None:
        kernel.prog_attach(web, allow, bind, BPF_F_ALLOW_MULTI)
        observe("bind", lambda: kernel.fire(web, bind))
        observe("binds", lambda: kernel.map_lookup_elem(binds, (web, bind)))


STORY = Addition(
    title="Programs at egress and bind can return 2 and 3",
    nav="Return values 2 and 3",
    affects="both",
    summary="""
Bit 0 of a program's return value lets the packet or the call pass. Since Linux 5.3 programs for
``BPF_CGROUP_INET_EGRESS`` have a second bit, for congestion. Since 5.12 programs for
``BPF_CGROUP_INET4_BIND`` and ``BPF_CGROUP_INET6_BIND`` have one for ports below 1024. Older kernels
reject a program that returns 2 or 3 with ``EINVAL`` when it is loaded.
""",
    probe="""
Load a program of two instructions, ``r0 = 3`` and ``exit``, with the expected attach type that you
want. ``EINVAL`` means that the kernel accepts only 0 and 1. The verifier's log then says "At
program exit the register R0".
""",
    without="""
Return 0 or 1. Keep two versions of the program in the object, and let user space choose one with
``bpf_program__set_autoload()``.
""",
    details="""
At egress, 2 drops the packet and 3 lets it pass; both report congestion to the sender's TCP. Commit
:commit:`5cf1e9145630` ("bpf: cgroup inet skb programs can return 0 to 3") added this, together with
the expected attach type of ``CGROUP_SKB`` programs, which older kernels ignore. A program that can
return 2 or 3 must declare ``BPF_CGROUP_INET_EGRESS``. libbpf declares it for the section
``cgroup_skb/egress``, and nothing for ``cgroup/skb``.

If the verifier finds an exit at which the value is certainly 2 or 3, attaching the program to
``BPF_CGROUP_INET_INGRESS`` fails with ``EINVAL``, whatever other exits return. If the value is only
known to lie between 0 and 3, the program can be attached to either (read in
``verifier.c:check_return_code``).

At bind, bit 1 means that a port below ``ip_unprivileged_port_start`` needs no
``CAP_NET_BIND_SERVICE``. A return value of 3 allows the bind without the capability. Commit
:commit:`772412176fb9` ("bpf: Allow rewriting to ports under ip_unprivileged_port_start") is in
5.12. Programs at other attach types for socket addresses still must not return 2 or 3.

The return value does not affect storages. A program that adds to a counter and then returns 2 has
counted a packet that the kernel drops.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"egress returns 3": "EINVAL", "bind returns 3": "EINVAL"},
            "``verifier.c:check_return_code`` of 4.19",
        ),
        Outcome(
            changes.SKB_EXPECTED_ATTACH_TYPE,
            {
                "egress returns 3": "ok",
                "attach it to ingress": "EINVAL",
                "packet": "ok",
                "marks": 1,
                "bind returns 3": "EINVAL",
            },
            "kernel 5.10.262, trace return-values; ``verifier.c:check_return_code``, "
            "``syscall.c:bpf_prog_attach_check_attach_type`` of 5.4 and 5.10",
            step="A program that declares ``BPF_CGROUP_INET_EGRESS`` can return 2 and 3.",
        ),
        Outcome(
            changes.BIND_RETURNS,
            {
                "egress returns 3": "ok",
                "attach it to ingress": "EINVAL",
                "packet": "ok",
                "marks": 1,
                "bind returns 3": "ok",
                "bind": "ok",
                "binds": 1,
            },
            "kernels 6.1.192 to 7.3.4, trace return-values; ``verifier.c:check_return_code`` of "
            "6.1",
        ),
    ),
    evidence=(Evidence("return-values", same={2: "bind returns 3", 17: "egress returns 3"}),),
    before="5.2",
    after="5.12",
    symptoms=(
        "EINVAL from BPF_PROG_LOAD: At program exit the register R0 has value",
        "EINVAL from BPF_PROG_ATTACH at BPF_CGROUP_INET_INGRESS",
    ),
    rules=("load.return-value", "attach.type"),
    explains=(Explains(changes.SKB_EXPECTED_ATTACH_TYPE), Explains(changes.BIND_RETURNS)),
)
