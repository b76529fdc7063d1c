# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_LOAD: privileges, expected attach types, the binding of maps, what the verifier says."""

from __future__ import annotations

from typing import Any

import pytest
from support import PERCPU, RECORDED, SHARED, at_least, machine, outcome
from support_programs import EGRESS, INGRESS, SKB, before, since
from support_state import refused

from reference_model import (
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET4_GETSOCKNAME,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_SOCK_OPS,
    BPF_F_ALLOW_MULTI,
    BPF_F_NO_PREALLOC,
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY_PROG,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SK_MSG,
    BPF_PROG_TYPE_SK_SKB,
    BPF_PROG_TYPE_SOCK_OPS,
    BPF_PROG_TYPE_SOCKET_FILTER,
    BPF_PROG_TYPE_XDP,
    MAINLINE,
    RES_SPIN_LOCK,
    SPIN_LOCK,
    STORAGE_KEY,
    U8,
    U32,
    U64,
    Add,
    AttachType,
    BitVerdict,
    Bytes,
    Call,
    Copy,
    Flush,
    Kernel,
    MapFd,
    Mention,
    Mix,
    ProgType,
    Return,
    Step,
    Store,
    Struct,
    TailCall,
    Type,
    Verdict,
    errors,
)
from reference_model.programs import ATTACH_TYPES

CREATE = BPF_CGROUP_INET_SOCK_CREATE
FIRST = {BPF_PROG_TYPE_CGROUP_SYSCTL: "5.2", BPF_PROG_TYPE_CGROUP_SOCKOPT: "5.3"} | {
    BPF_PROG_TYPE_LSM: "6.0"
}
"""Program types younger than 4.19."""


def options(prog_type: ProgType) -> dict[str, Any]:
    """What a program of the type must declare to be loaded at all."""
    needed: dict[ProgType, dict[str, Any]] = {
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR: {"expected_attach_type": BPF_CGROUP_INET4_CONNECT},
        BPF_PROG_TYPE_CGROUP_SOCKOPT: {"expected_attach_type": 21},
        BPF_PROG_TYPE_LSM: {"expected_attach_type": BPF_LSM_CGROUP, "lsm_hook": "socket_bind"},
    }
    return needed.get(prog_type, {})


def storage_map(kernel: Kernel, map_type: Any = SHARED, value: Type = U64, **further: Any) -> MapFd:
    return kernel.map_create(map_type, STORAGE_KEY, value, **further)


# -- who may call the helper -----------------------------------------------------------------------

CALLERS = {
    SKB: "4.19",
    BPF_PROG_TYPE_CGROUP_SOCK: "4.19",
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR: "4.19",
    BPF_PROG_TYPE_SOCK_OPS: "4.19",
    BPF_PROG_TYPE_CGROUP_DEVICE: "4.19",
    BPF_PROG_TYPE_CGROUP_SYSCTL: "5.2",
    BPF_PROG_TYPE_CGROUP_SOCKOPT: "5.3",
    BPF_PROG_TYPE_LSM: "6.0",
}
OTHERS = (
    *(BPF_PROG_TYPE_SK_MSG, BPF_PROG_TYPE_SK_SKB),
    *(BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SOCKET_FILTER),
)


@pytest.mark.parametrize("prog_type", CALLERS, ids=str)
def test_types_that_call_the_helper(prog_type: ProgType) -> None:
    """Before, the type itself is not there: EINVAL."""
    for release in MAINLINE:
        kernel = Kernel(release)
        body = Add(storage_map(kernel))
        answer = outcome(kernel.prog_load, prog_type, body, **options(prog_type))
        assert answer == ("ok" if at_least(release, CALLERS[prog_type]) else "EINVAL"), release


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("prog_type", OTHERS, ids=str)
def test_types_that_do_not(release: str, prog_type: ProgType) -> None:
    """On 4.19 SK_MSG and SK_SKB may, by mistake."""
    kernel = Kernel(release)
    counts = storage_map(kernel)
    if release == "4.19" and prog_type in (BPF_PROG_TYPE_SK_MSG, BPF_PROG_TYPE_SK_SKB):
        kernel.prog_load(prog_type, Add(counts))
        return
    with refused(kernel, "EINVAL", errors.UnknownHelper):
        kernel.prog_load(prog_type, Add(counts))
    kernel.prog_load(prog_type, Mention(counts))  # mentioning is not calling


# -- what the verifier says ------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_other_helpers_on_storage_maps(release: str) -> None:
    """ "cannot pass map_type N into func X."""
    kernel = Kernel(release)
    counts = storage_map(kernel)
    for helper in ("bpf_map_lookup_elem", "bpf_map_update_elem", "bpf_map_delete_elem"):
        with refused(kernel, "EINVAL", errors.HelperMapType):
            kernel.prog_load(SKB, Call(counts, helper))
    # and a tail call through anything but a program array
    with refused(kernel, "EINVAL", errors.HelperMapType):
        kernel.prog_load(SKB, TailCall(counts))


def test_the_helper_on_other_maps() -> None:
    """Type 32 is taken by its own helpers alone."""
    kernel = Kernel()
    cgrp = kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, U32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True
    )
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    for other in (cgrp, array):
        with refused(kernel, "EINVAL", errors.HelperMapType):
            kernel.prog_load(SKB, Add(other))


@pytest.mark.parametrize("release", MAINLINE)
def test_flags_of_the_helper(release: str) -> None:
    kernel = Kernel(release)
    counts = storage_map(kernel)
    for flags in (1, 2, 1 << 40):
        with refused(kernel, "EINVAL", errors.HelperFlags):
            kernel.prog_load(SKB, Add(counts), helper_flags=flags)
    kernel.prog_load(SKB, Mention(counts), helper_flags=1)


@pytest.mark.parametrize(
    ("size", "width_fits"), [(1, False), (3, False), (4, True), (7, True), (8, True), (64, True)]
)
def test_bounds(size: int, width_fits: bool) -> None:
    """EACCES outside the value; the first word has 4 or 8 bytes."""
    kernel = Kernel()
    found = storage_map(kernel, value=Bytes(size))
    if width_fits:
        kernel.prog_load(SKB, Add(found))
    else:
        with refused(kernel, "EACCES", errors.ValueAccess):
            kernel.prog_load(SKB, Add(found))


@pytest.mark.parametrize("release", since("5.0"))
def test_direct_access_to_a_lock(release: str) -> None:
    """Programs may not touch the bytes of a lock that the kernel knows."""
    kernel = Kernel(release)
    value = Struct(n=U64, lock=SPIN_LOCK)
    known = at_least(release, "5.1")
    found = storage_map(kernel, value=value, btf=True)
    assert outcome(kernel.prog_load, SKB, Add(found, field="n")) == "ok"
    ahead = storage_map(kernel, value=Struct(lock=SPIN_LOCK, n=U32), btf=True)
    # the first word is 8 bytes, the lock among them
    assert outcome(kernel.prog_load, SKB, Add(ahead)) == ("EACCES" if known else "ok")


@pytest.mark.parametrize("release", since("5.2"))
def test_program_side_access_flags(release: str) -> None:
    """EACCES for a store, or for a load."""
    kernel = Kernel(release)
    for flags, step, reason in (
        (BPF_F_RDONLY_PROG, Store, errors.WriteForbidden),
        (BPF_F_WRONLY_PROG, Verdict, errors.ReadForbidden),
    ):
        found = storage_map(kernel, map_flags=flags)
        with refused(kernel, "EACCES", reason):
            kernel.prog_load(SKB, step(found, 1))
    quiet = storage_map(kernel, map_flags=BPF_F_RDONLY_PROG)
    blind = storage_map(kernel, map_flags=BPF_F_WRONLY_PROG)
    assert outcome(kernel.prog_load, SKB, Verdict(quiet)) == "ok"
    assert outcome(kernel.prog_load, SKB, Store(blind, 1)) == "ok"
    for both in (Add, Mix):
        assert outcome(kernel.prog_load, SKB, both(storage_map(kernel), 1)) == "ok"
    for found, reason in ((blind, errors.ReadForbidden), (quiet, errors.WriteForbidden)):
        kernel = Kernel(release)
        again = storage_map(kernel, map_flags=found.object.flags)
        with refused(kernel, "EACCES", reason):
            kernel.prog_load(SKB, Mix(again, 1))


def test_steps_with_two_maps_ask_for_both() -> None:
    """Copy reads its source and writes its target; Flush reads and writes both."""
    kernel = Kernel()
    shared, percpu = storage_map(kernel), storage_map(kernel, PERCPU)
    kernel.prog_load(SKB, [Copy(percpu, shared), Flush(percpu, shared, at=3)])
    blind = storage_map(kernel, PERCPU, map_flags=BPF_F_WRONLY_PROG)
    quiet = storage_map(kernel, map_flags=BPF_F_RDONLY_PROG)
    kernel.prog_load(SKB, Copy(quiet, blind))
    with refused(kernel, "EACCES", errors.ReadForbidden):
        kernel.prog_load(SKB, Copy(blind, quiet))
    with refused(kernel, "EACCES", errors.WriteForbidden):
        kernel.prog_load(SKB, Flush(percpu, quiet, at=3))


@pytest.mark.parametrize("release", since("5.8"))
@pytest.mark.parametrize("decide", [Verdict, BitVerdict])
def test_a_value_is_read_before_the_return_value_is_checked(release: str, decide: Any) -> None:
    """At GETSOCKNAME a program must return 1; the map's value cannot be read."""
    kernel = Kernel(release)
    for flags, name, reason in (
        (0, "EINVAL", errors.ReturnValue),
        (BPF_F_WRONLY_PROG, "EACCES", errors.ReadForbidden),
    ):
        body = decide(storage_map(kernel, map_flags=flags), 1)
        with refused(kernel, name, reason):
            kernel.prog_load(
                BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
                body,
                expected_attach_type=BPF_CGROUP_INET4_GETSOCKNAME,
            )


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("declared", [0, 1], ids=["ingress", "egress"])
def test_return_values(release: str, declared: int) -> None:
    """CGROUP_SKB: 2 and 3 only where EGRESS is declared, from 5.3."""
    kernel = Kernel(release)
    allowed = range(4 if declared and at_least(release, "5.3") else 2)
    for number in (-1, 0, 1, 2, 3, 4):
        answer = outcome(kernel.prog_load, SKB, Return(number), expected_attach_type=declared)
        assert answer == ("ok" if number in allowed else "EINVAL")


@pytest.mark.parametrize("release", [*RECORDED, *MAINLINE])
def test_programs_that_see_an_address_and_cannot_deny(release: str) -> None:
    """``verifier.c:check_return_code`` of 5.3 to 6.1, ``return_retval_range`` of 7.3: only 1.

    Kernels 5.10.262, 6.1.192, 6.12.118, 6.19.14 and 7.3.4 answer this for each number and verdict.
    """
    kernel = Kernel(release)
    verdict = storage_map(kernel)
    for hook in ATTACH_TYPES:
        if hook.name.endswith(("RECVMSG", "GETPEERNAME", "GETSOCKNAME")) and kernel._attach_type(
            hook
        ):
            for body, answer in (
                (Return(0), "EINVAL"),
                (Return(1), "ok"),
                (Return(2), "EINVAL"),
                (Verdict(verdict), "EINVAL"),
            ):
                load = (kernel.prog_load, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, body)
                assert outcome(*load, expected_attach_type=hook) == answer, (hook, body)


@pytest.mark.parametrize("number", [-1, 0, 2, 5])
@pytest.mark.parametrize(
    "prog_type",
    [BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SK_SKB, BPF_PROG_TYPE_SK_MSG, BPF_PROG_TYPE_SOCKET_FILTER],
)
def test_other_types_return_any_number(prog_type: ProgType, number: int) -> None:
    """``verifier.c:check_return_code``: the default of the switch; kernels 5.10.262 to 7.3.4."""
    for release in MAINLINE:
        assert outcome(Kernel(release).prog_load, prog_type, Return(number)) == "ok"


@pytest.mark.parametrize("release", since("5.3"))
def test_egress_only_programs(release: str) -> None:
    """A program with an exit that returns 2 or 3 cannot be attached to INGRESS.

    Source: ``verifier.c:check_return_code`` of 5.3 to 7.3.  Kernels 5.10.262, 6.1.192, 6.12.118,
    6.19.14 and 7.3.4 refuse the programs below with two exits.
    """
    kernel, web, counts, _, _ = machine(release)
    verdict = storage_map(kernel)
    for body, only in (
        ([Return(2)], True),
        ([Return(3)], True),
        ([Return(1)], False),
        ([Return(1), Return(2)], True),
        ([Return(2), Return(1)], True),
        ([Verdict(verdict), Return(2)], True),
    ):
        prog = kernel.prog_load(SKB, body, expected_attach_type=EGRESS)
        attach = (kernel.prog_attach, web, prog, INGRESS, BPF_F_ALLOW_MULTI)
        assert outcome(*attach) == ("EINVAL" if only else "ok")
        assert outcome(kernel.prog_attach, web, prog, EGRESS, BPF_F_ALLOW_MULTI) == "ok"
        kernel.close(prog)
        if not at_least(release, "5.9"):
            break  # the map of the last one is bound to an attached program
    assert counts.open


# -- binding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", [*MAINLINE, *RECORDED])
@pytest.mark.parametrize("step", [Add, Mention], ids=["used", "mentioned"])
def test_one_program_for_a_map(release: str, step: type[Add] | type[Mention]) -> None:
    """EBUSY up to 5.8, though the helper is never called."""
    kernel = Kernel(release)
    counts = storage_map(kernel)
    kernel.prog_load(SKB, step(counts))
    legacy = release in before("5.9") or release in RECORDED[:3]
    if legacy:
        with refused(kernel, "EBUSY", errors.StorageBusy):
            kernel.prog_load(SKB, step(counts))
        with refused(kernel, "EBUSY", errors.StorageBusy):
            kernel.prog_load(BPF_PROG_TYPE_XDP, Mention(counts))
    else:
        kernel.prog_load(SKB, step(counts))
        kernel.prog_load(BPF_PROG_TYPE_XDP, Mention(counts))


@pytest.mark.parametrize("release", MAINLINE)
def test_one_map_of_each_kind_for_a_program(release: str) -> None:
    """EBUSY in all versions; shared and percpu are counted apart."""
    kernel = Kernel(release)
    one, two = storage_map(kernel), storage_map(kernel)
    with refused(kernel, "EBUSY", errors.StorageBusy):
        kernel.prog_load(SKB, [Add(one), Add(two)])
    with refused(kernel, "EBUSY", errors.StorageBusy):
        kernel.prog_load(SKB, [Mention(one), Mention(two)])
    if at_least(release, "4.20"):
        percpu, second = storage_map(kernel, PERCPU), storage_map(kernel, PERCPU)
        with refused(kernel, "EBUSY", errors.StorageBusy):
            kernel.prog_load(SKB, [Add(percpu), Add(one), Add(second)])
        kernel.prog_load(SKB, [Add(one), Add(percpu), Mention(one)])


@pytest.mark.parametrize("release", MAINLINE)
def test_the_same_map_twice(release: str) -> None:
    kernel = Kernel(release)
    counts = storage_map(kernel)
    prog = kernel.prog_load(SKB, [Add(counts), Mention(counts), Add(counts, 2)])
    assert prog.object.maps == [counts.object]
    kernel.close(prog)
    kernel.close(counts)
    assert kernel.objects["map"] == {}


@pytest.mark.parametrize("release", before("5.9"))
def test_release_of_the_binding(release: str) -> None:
    """Only when the program is gone; a failed load leaves nothing bound."""
    kernel, web, counts, prog, _ = machine(release)
    kernel.close(prog)
    assert outcome(kernel.prog_load, SKB, Add(counts)) == "EBUSY"  # it is attached
    kernel.rmdir(web)
    again = kernel.prog_load(SKB, Add(counts))
    kernel.obj_pin("/sys/fs/bpf/prog", again)
    kernel.close(again)
    assert outcome(kernel.prog_load, SKB, Add(counts)) == "EBUSY"  # it is pinned
    kernel.unlink("/sys/fs/bpf/prog")
    for bad in ([Add(counts), Call(counts)], [Add(counts), Return(7)]):
        assert outcome(kernel.prog_load, SKB, bad) == "EINVAL"
    assert outcome(kernel.prog_load, SKB, Add(counts), helper_flags=1) == "EINVAL"
    kernel.prog_load(SKB, Add(counts))


@pytest.mark.parametrize("release", MAINLINE)
def test_binding_comes_before_the_verifiers_words(release: str) -> None:
    """It happens while map descriptors are resolved, so EBUSY wins."""
    kernel = Kernel(release)
    one, two = storage_map(kernel), storage_map(kernel)
    with refused(kernel, "EBUSY", errors.StorageBusy):
        kernel.prog_load(SKB, [Call(one), Add(two)], helper_flags=1)


def test_descriptors_in_the_body() -> None:
    """A closed descriptor is EBADF, another kind EINVAL, in the order of mention."""
    kernel = Kernel()
    counts, closed = storage_map(kernel), storage_map(kernel)
    kernel.close(closed)
    prog = kernel.prog_load(SKB)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_load(SKB, [Add(counts), Add(closed)])
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_load(SKB, Mention(prog))  # type: ignore[arg-type]


@pytest.mark.parametrize("release", MAINLINE)
def test_prog_bind_map(release: str) -> None:
    """From 5.10; it holds the map without EBUSY and without a storage."""
    kernel, web, counts, prog, key = machine(release)
    other = storage_map(kernel)
    if not at_least(release, "5.10"):
        with refused(kernel, "EINVAL", errors.UnknownCommand):
            kernel.prog_bind_map(prog, other)
        return
    kernel.prog_bind_map(prog, other)
    kernel.prog_bind_map(prog, other)
    db = kernel.mkdir("db")
    kernel.prog_attach(db, prog, EGRESS)
    assert outcome(kernel.map_get_next_key, other) == "ENOENT"
    kernel.close(other)
    assert other.id in kernel.objects["map"]
    closed = kernel.dup(prog)
    kernel.close(closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_bind_map(closed, counts)  # type: ignore[arg-type]
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_bind_map(prog, other)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_bind_map(counts, counts)  # type: ignore[arg-type]
    for cgroup in (web, db):
        kernel.prog_detach(cgroup, prog, EGRESS)
    kernel.close(prog)
    assert other.id not in kernel.objects["map"]
    assert kernel.map_lookup_elem(counts, key) == 0


# -- expected_attach_type --------------------------------------------------------------------------

SOCK, ADDR, SOCKOPT = (
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
)
EXPECTED: list[tuple[ProgType, dict[int, str]]] = [
    (SOCK, {0: "4.19", 2: "4.19", 12: "4.19", 13: "4.19", 34: "5.9"}),
    (
        ADDR,
        dict.fromkeys((8, 9, 10, 11, 14, 15), "4.19")
        | dict.fromkeys((19, 20), "5.2")
        | dict.fromkeys((29, 30, 31, 32), "5.8")
        | dict.fromkeys(range(49, 54), "6.7"),
    ),
    (SOCKOPT, {21: "5.3", 22: "5.3"}),
]
"""Which numbers a type takes, and from which release on."""


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize(("prog_type", "known"), EXPECTED, ids=["sock", "sock_addr", "sockopt"])
def test_declared_types(release: str, prog_type: ProgType, known: dict[int, str]) -> None:
    """Anything else EINVAL."""
    kernel = Kernel(release)
    for number in (*range(60), 1000):
        first = known.get(number)
        answer = outcome(kernel.prog_load, prog_type, expected_attach_type=number)
        fits = first is not None and at_least(release, first)
        assert answer == ("ok" if fits else "EINVAL"), number


@pytest.mark.parametrize("release", MAINLINE)
def test_expected_attach_type_of_skb(release: str) -> None:
    """Not looked at before 5.3, then 0 or 1."""
    kernel = Kernel(release)
    for number in (0, 1, 2, 3, 10, 43, 1000):
        answer = outcome(kernel.prog_load, SKB, expected_attach_type=number)
        assert answer == ("ok" if number < 2 or not at_least(release, "5.3") else "EINVAL")


@pytest.mark.parametrize("release", MAINLINE)
def test_types_that_do_not_look_at_it(release: str) -> None:
    kernel = Kernel(release)
    for prog_type in (
        *(BPF_PROG_TYPE_SOCK_OPS, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_CGROUP_SYSCTL),
    ):
        answer = outcome(kernel.prog_load, prog_type, expected_attach_type=1000)
        assert answer == ("ok" if at_least(release, FIRST.get(prog_type, "4.19")) else "EINVAL")


@pytest.mark.parametrize("release", MAINLINE)
def test_lsm_cgroup(release: str) -> None:
    """From 6.0; LSM_CGROUP and the hook's name."""
    kernel = Kernel(release)
    load = (kernel.prog_load, BPF_PROG_TYPE_LSM)
    answer = outcome(*load, expected_attach_type=BPF_LSM_CGROUP, lsm_hook="socket_bind")
    assert answer == ("ok" if at_least(release, "6.0") else "EINVAL")
    assert outcome(*load, expected_attach_type=BPF_LSM_CGROUP) == "EINVAL"
    assert outcome(*load, expected_attach_type=0, lsm_hook="socket_bind") == "EINVAL"


def test_sock_programs_default_to_sock_create() -> None:
    kernel = Kernel()
    prog = kernel.prog_load(SOCK)
    assert prog.object.expected_attach_type == CREATE
    kernel.prog_attach(kernel.mkdir("web"), prog, CREATE)


@pytest.mark.parametrize("release", MAINLINE)
def test_attach_without_net_admin(release: str) -> None:
    """First of all up to 5.7; then for CGROUP_SKB, as EINVAL."""
    kernel = Kernel(release)
    web, skb = kernel.mkdir("web"), kernel.prog_load(SKB)
    ops = kernel.prog_load(BPF_PROG_TYPE_SOCK_OPS)
    new = at_least(release, "5.8")
    with kernel.user("CAP_BPF"):
        assert outcome(kernel.prog_attach, web, skb, EGRESS) == ("EINVAL" if new else "EPERM")
        sock_ops = outcome(kernel.prog_attach, web, ops, BPF_CGROUP_SOCK_OPS)
        assert sock_ops == ("ok" if new else "EPERM")


@pytest.mark.parametrize("release", MAINLINE)
def test_attach_types_of_a_program(release: str) -> None:
    """Attach time: CGROUP_SKB at both, the others where they declared."""
    kernel = Kernel(release)
    web = kernel.mkdir("web")
    skb = kernel.prog_load(SKB, expected_attach_type=INGRESS)
    bind = kernel.prog_load(ADDR, expected_attach_type=BPF_CGROUP_INET4_BIND)
    for attach_type in (INGRESS, EGRESS):
        kernel.prog_attach(web, skb, attach_type)
    kernel.prog_attach(web, bind, BPF_CGROUP_INET4_BIND)
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        kernel.prog_attach(web, bind, BPF_CGROUP_INET4_CONNECT)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_attach(web, bind, EGRESS)


def test_numbers_without_an_attach_type() -> None:
    kernel = Kernel("4.19")
    assert kernel._attach_type(1) is EGRESS
    assert kernel._attach_type(4) is None  # SK_SKB_STREAM_PARSER: not of cgroups
    assert kernel._attach_type(AttachType.BPF_CGROUP_SYSCTL) is None  # 5.2


# -- privileges ------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_privileges(release: str) -> None:
    """CGROUP_SKB needs none where the sysctl is 0, others what the release asks."""
    new = at_least(release, "5.8")
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    with kernel.user():
        assert outcome(kernel.prog_load, SKB) == "ok"
        assert outcome(kernel.prog_load, BPF_PROG_TYPE_SOCKET_FILTER) == "ok"
        assert outcome(kernel.prog_load, SOCK) == "EPERM"
    for capabilities, answer in (
        (("CAP_SYS_ADMIN",), "ok"),
        (("CAP_BPF", "CAP_NET_ADMIN"), "ok" if new else "EPERM"),
        (("CAP_BPF",), "EPERM"),
        (("CAP_NET_ADMIN",), "EPERM"),
    ):
        with kernel.user(*capabilities):
            for prog_type in (SOCK, ADDR, BPF_PROG_TYPE_SOCK_OPS, BPF_PROG_TYPE_CGROUP_DEVICE):
                assert outcome(kernel.prog_load, prog_type, **options(prog_type)) == answer
    for capabilities, answer in (
        (("CAP_BPF", "CAP_NET_ADMIN"), "EPERM"),  # syscall.c:is_perfmon_prog_type
        (("CAP_BPF", "CAP_PERFMON"), "ok" if at_least(release, "6.0") else "EINVAL"),
    ):
        with kernel.user(*capabilities):
            lsm = outcome(kernel.prog_load, BPF_PROG_TYPE_LSM, **options(BPF_PROG_TYPE_LSM))
        assert lsm == (answer if new else "EPERM")


@pytest.mark.parametrize("release", MAINLINE)
def test_privileges_behind_the_sysctl(release: str) -> None:
    """EPERM before anything else."""
    kernel = Kernel(release)
    counts = storage_map(kernel)
    with kernel.user("CAP_NET_ADMIN"):
        assert outcome(kernel.prog_load, SKB) == "EPERM"
        assert outcome(kernel.prog_load, SOCK, expected_attach_type=77) == "EPERM"
        assert outcome(kernel.prog_load, SKB, Call(counts)) == "EPERM"
    with kernel.user("CAP_SYS_ADMIN"):
        assert outcome(kernel.prog_load, SOCK, expected_attach_type=77) == "EINVAL"


# -- bodies ---------------------------------------------------------------------------------------


def test_a_body_is_a_step_or_several() -> None:
    kernel = Kernel()
    counts = storage_map(kernel)
    for body in (Add(counts), [Add(counts)], (Add(counts),), iter([Add(counts)])):
        assert kernel.prog_load(SKB, body).object.body == (Add(counts),)
    assert kernel.prog_load(SKB).object.body == ()


def test_a_body_names_fields_that_exist() -> None:
    kernel = Kernel()
    found = storage_map(kernel, value=Struct(n=U64))
    with pytest.raises(ValueError, match="no integer member 'm'; it has: n"):
        kernel.prog_load(SKB, Add(found, field="m"))
    assert kernel.objects["prog"] == {}


def test_the_base_step_is_no_step() -> None:
    with pytest.raises(TypeError, match="such as Add"):
        Kernel().prog_load(SKB, Step())


def test_what_is_no_program() -> None:
    kernel, web, counts, prog, _ = machine()
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_test_run(counts)  # type: ignore[arg-type]
    kernel.close(prog)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_test_run(prog)
    with pytest.raises(TypeError, match="'p1' is not a descriptor"):
        kernel.prog_attach(web, "p1", EGRESS)  # type: ignore[arg-type]


def test_fields_of_the_lock_that_is_younger_than_the_kernel() -> None:
    """Before 6.15 a bpf_res_spin_lock is bytes, later a lock."""
    for release, known in (("6.14", False), ("6.15", True)):
        kernel = Kernel(release)
        value = Struct(lock=RES_SPIN_LOCK, small=U8)
        found = storage_map(kernel, value=value, btf=True)
        assert bool(found.object.record) is known
        answer = outcome(kernel.prog_load, SKB, Add(found))  # the first word is the lock
        assert answer == ("EACCES" if known else "ok")
