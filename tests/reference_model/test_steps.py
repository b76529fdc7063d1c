# SPDX-License-Identifier: GPL-2.0-only
"""Steps that end a program on a condition, and the errno that a program chooses.

Five kernels answered the same in ``records/traces/programs.jsonl``.
"""

from __future__ import annotations

import pytest
from support_programs import EGRESS, SKB, before, since, skb, storage_map
from support_state import refused

from reference_model import (
    BPF_CGROUP_DEVICE,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_SOCK_OPS,
    BPF_CGROUP_SYSCTL,
    BPF_CGROUP_UDP4_RECVMSG,
    BPF_F_ALLOW_MULTI,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SYSCTL,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SOCK_OPS,
    U64,
    Add,
    BitVerdict,
    Denied,
    Guard,
    Kernel,
    Return,
    SetRetval,
    Step,
    Struct,
    errnos,
    errors,
)

CONNECT, ADDR = BPF_CGROUP_INET4_CONNECT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR
MULTI = int(BPF_F_ALLOW_MULTI)


def answer(kernel: Kernel, *bodies: tuple[Step, ...]) -> str:
    """What a connect gets where programs with these bodies are attached, in this order."""
    web = kernel.mkdir()
    for body in bodies:
        prog = kernel.prog_load(ADDR, body, expected_attach_type=int(CONNECT))
        kernel.prog_attach(web, prog, CONNECT, MULTI)
    try:
        kernel.fire(web, CONNECT)
    except Denied as denied:
        return denied.answer
    return "ok"


# -- a verdict from a bit, deny or go on --------------------------------------------------------


def test_a_verdict_from_a_bit() -> None:
    kernel = Kernel("4.19")
    web, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(web, skb(kernel, Add(counts), BitVerdict(counts), Add(counts, 100)), EGRESS)
    kernel.fire(web, EGRESS)
    with pytest.raises(Denied):
        kernel.fire(web, EGRESS)
    assert kernel.map_lookup_elem(counts, (web, EGRESS)) == 2


def test_the_mask_may_have_several_bits() -> None:
    kernel = Kernel()
    web, counts = kernel.mkdir(), storage_map(kernel, value=Struct(a=U64, b=U64))
    kernel.prog_attach(web, skb(kernel, BitVerdict(counts, 6, "b")), EGRESS)
    for number, allowed in ((0, False), (1, False), (2, True), (4, True), (9, False)):
        kernel.map_update_elem(counts, (web, EGRESS), {"a": 7, "b": number})
        if allowed:
            kernel.fire(web, EGRESS)
        else:
            with pytest.raises(Denied):
                kernel.fire(web, EGRESS)


def test_a_guard_denies_or_goes_on() -> None:
    kernel = Kernel("4.19")
    web, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(web, skb(kernel, Guard(counts, 3), Add(counts, 2)), EGRESS)
    for expected in (2, 4):
        kernel.fire(web, EGRESS)
        assert kernel.map_lookup_elem(counts, (web, EGRESS)) == expected
    with pytest.raises(Denied):
        kernel.fire(web, EGRESS)
    assert kernel.map_lookup_elem(counts, (web, EGRESS)) == 4


@pytest.mark.parametrize("step", [Guard, BitVerdict])
def test_they_cannot_stand_where_programs_must_return_1(step: type[Guard | BitVerdict]) -> None:
    kernel = Kernel()
    counts = storage_map(kernel)
    with refused(kernel, "EINVAL", errors.ReturnValue):
        kernel.prog_load(ADDR, step(counts), expected_attach_type=int(BPF_CGROUP_UDP4_RECVMSG))


# -- bpf_set_retval() -----------------------------------------------------------------------------

NOENT, DENY = SetRetval(errnos.ENOENT), Return(0)


@pytest.mark.parametrize("release", since("6.1"))
def test_the_errno_of_the_system_call(release: str) -> None:
    kernel = Kernel(release)
    assert answer(kernel, (NOENT,)) == "denied ENOENT"
    assert answer(kernel, (NOENT, DENY)) == "denied ENOENT"
    assert answer(kernel, (SetRetval(0), DENY)) == "denied"
    assert answer(kernel, (NOENT, SetRetval(0))) == "ok"


@pytest.mark.parametrize("release", since("6.1"))
def test_the_last_errno_of_several_programs_counts(release: str) -> None:
    kernel = Kernel(release)
    assert answer(kernel, (NOENT, DENY), (SetRetval(0),)) == "ok"
    assert answer(kernel, (NOENT, DENY), (SetRetval(0),), (DENY,)) == "denied"
    assert answer(kernel, (DENY,), (NOENT,)) == "denied ENOENT"
    assert answer(kernel, (NOENT,), (DENY,)) == "denied ENOENT"


def loads(release: str, prog_type: object, expected: int = 0, hook: str = "") -> str:
    kernel = Kernel(release)
    options = {"lsm_hook": hook} if hook else {}
    try:
        kernel.prog_load(prog_type, NOENT, expected_attach_type=expected, **options)  # type: ignore[arg-type]
    except errors.BpfError as error:
        return error.name
    return "ok"


@pytest.mark.parametrize("release", [*before("5.18"), *since("5.18")])
def test_which_programs_may_choose_it(release: str) -> None:
    """cgroup_base_func_proto() of 5.18, cgroup_common_func_proto() since 6.1."""
    kernel = Kernel(release)
    old, new = release in since("5.18"), release in since("6.1")

    def expect(found: bool) -> str:
        return "ok" if found else "EINVAL"

    device, sysctl = BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_CGROUP_SYSCTL
    assert loads(release, device) == expect(old and not new)
    assert loads(release, device, int(BPF_CGROUP_DEVICE)) == expect(old)
    assert loads(release, sysctl, int(BPF_CGROUP_SYSCTL)) == expect(old)
    assert loads(release, ADDR, int(CONNECT)) == expect(new)
    assert loads(release, BPF_PROG_TYPE_CGROUP_SOCK) == expect(new)
    assert loads(release, BPF_PROG_TYPE_SOCK_OPS, int(BPF_CGROUP_SOCK_OPS)) == "EINVAL"
    assert loads(release, SKB) == "EINVAL"
    lsm = int(BPF_LSM_CGROUP)
    assert loads(release, BPF_PROG_TYPE_LSM, lsm, "socket_bind") == expect(release in since("6.0"))
    assert loads(release, BPF_PROG_TYPE_LSM, lsm, "sk_free_security") == "EINVAL"
    kernel.check_invariants()


def test_an_errno_that_no_kernel_has() -> None:
    for number in (-1, 4096):
        with pytest.raises(ValueError, match="from 0 to 4095"):
            SetRetval(number)


def test_socket_creation_shows_the_errno() -> None:
    kernel = Kernel()
    web = kernel.mkdir()
    prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, SetRetval(errnos.EMFILE))
    kernel.prog_attach(web, prog, BPF_CGROUP_INET_SOCK_CREATE)
    with pytest.raises(Denied, match="EMFILE: denied by a program at"):
        kernel.socket(web)


def test_a_denial_at_sk_alloc_security_is_enomem() -> None:
    """``sock.c:sk_prot_alloc()`` returns no socket, whatever the program chose."""
    kernel = Kernel()
    for body in ([Return(0)], [NOENT]):
        web = kernel.mkdir()
        prog = kernel.prog_load(
            BPF_PROG_TYPE_LSM,
            body,
            expected_attach_type=BPF_LSM_CGROUP,
            lsm_hook="sk_alloc_security",
        )
        kernel.prog_attach(web, prog, BPF_LSM_CGROUP)
        with pytest.raises(Denied, match="ENOMEM"):
            kernel.fire(web, "socket_create")


def test_steps_of_a_kind_with_equal_fields_are_equal() -> None:
    kernel = Kernel()
    counts = storage_map(kernel)
    assert Add(counts) == Add(counts, 1)
    assert hash(Add(counts)) == hash(Add(counts, 1))
    assert Add(counts) != Add(counts, 2)
    assert Return(0) != SetRetval(0)
