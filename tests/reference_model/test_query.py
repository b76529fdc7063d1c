# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_QUERY."""

from __future__ import annotations

from typing import Any

import pytest
from support_programs import EGRESS, INGRESS, before, since, skb
from support_state import refused

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_QUERY_EFFECTIVE,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_LSM,
    MAINLINE,
    AttachFlag,
    Cgroup,
    Kernel,
    ProgFd,
    ProgQuery,
    errors,
)

MULTI = int(BPF_F_ALLOW_MULTI)


@pytest.mark.parametrize("release", MAINLINE)
def test_query_checks_in_order(release: str) -> None:
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    cgroup = kernel.mkdir()
    kernel.rmdir(cgroup)
    kernel.close(cgroup)
    with kernel.user("CAP_BPF"), refused(kernel, "EPERM", errors.NotPermitted):
        kernel.prog_query(cgroup, 99, 2)  # type: ignore[arg-type]
    with kernel.user("CAP_NET_ADMIN"):
        for flags in (2, 3, 1 << 20):
            with refused(kernel, "EINVAL", errors.QueryFlags):
                kernel.prog_query(cgroup, 99, flags)  # type: ignore[arg-type]
        with refused(kernel, "EINVAL", errors.WrongAttachType):
            kernel.prog_query(cgroup, 99)  # type: ignore[arg-type]
        with refused(kernel, "EBADF", errors.BadDescriptor):
            kernel.prog_query(cgroup, EGRESS)
        cgroup = kernel.mkdir()
        kernel.rmdir(cgroup)
        with refused(kernel, "ENOENT", errors.CgroupGone):
            kernel.prog_query(cgroup, EGRESS)
        assert kernel.prog_query(kernel.mkdir(), EGRESS).prog_ids == ()


@pytest.mark.parametrize(
    ("releases", "reported"),
    [
        ([*before("6.1"), "6.0.2", "proposal"], BPF_F_ALLOW_MULTI),
        ([*since("6.1"), "6.0.3"], AttachFlag(0)),
    ],
)
def test_the_flags_of_an_effective_query(releases: list[str], reported: AttachFlag) -> None:
    """5.8: the stored flags of this cgroup; 6.1 and later: 0."""
    for release in releases:
        kernel = Kernel(release)
        cgroup = kernel.mkdir()
        kernel.prog_attach(cgroup, skb(kernel), EGRESS, MULTI)
        assert kernel.prog_query(cgroup, EGRESS).attach_flags == BPF_F_ALLOW_MULTI
        effective = kernel.prog_query(cgroup, EGRESS, BPF_F_QUERY_EFFECTIVE)
        assert effective.attach_flags == reported
        below = kernel.mkdir(parent=cgroup)
        inherited = kernel.prog_query(below, EGRESS, BPF_F_QUERY_EFFECTIVE)
        assert (inherited.attach_flags, len(inherited.prog_ids)) == (0, 1)


@pytest.mark.parametrize("release", MAINLINE)
def test_what_is_attached_here_and_what_runs_here(release: str) -> None:
    kernel = Kernel(release)
    above = kernel.mkdir()
    cgroup = kernel.mkdir(parent=above)
    one, two, three = (skb(kernel) for _ in range(3))
    kernel.prog_attach(above, three, EGRESS, MULTI)
    kernel.prog_attach(cgroup, one, EGRESS, MULTI)
    kernel.prog_attach(cgroup, two, EGRESS, MULTI)
    assert kernel.prog_query(cgroup, EGRESS).prog_ids == (one.id, two.id)
    running = kernel.prog_query(cgroup, EGRESS, BPF_F_QUERY_EFFECTIVE)
    assert running.prog_ids == (one.id, two.id, three.id)
    assert kernel.prog_query(cgroup, INGRESS).prog_ids == ()


@pytest.mark.parametrize("release", since("5.7"))
def test_a_query_lists_the_programs_of_links_too(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    kernel.link_create(cgroup, prog, EGRESS)
    answer = kernel.prog_query(cgroup, EGRESS)
    assert (answer.prog_ids, answer.attach_flags) == ((prog.id,), BPF_F_ALLOW_MULTI)


@pytest.mark.parametrize(
    ("releases", "reported"), [(before("6.17"), (0, 0)), (["6.12.110", *since("6.17")], (2, 0))]
)
def test_revisions_are_reported_from_6_17(releases: list[str], reported: tuple[int, int]) -> None:
    """The hook's revision; 0 for an effective query."""
    for release in releases:
        kernel = Kernel(release)
        cgroup = kernel.mkdir()
        kernel.prog_attach(cgroup, skb(kernel), EGRESS)
        answers = [kernel.prog_query(cgroup, EGRESS, flags).revision for flags in (0, 1)]
        assert tuple(answers) == reported


def lsm(kernel: Kernel, hook: str) -> ProgFd:
    return kernel.prog_load(BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook)


@pytest.mark.parametrize("release", ["6.1", "6.12", "latest"])
def test_a_query_of_lsm_hooks_lists_their_programs_by_slot(release: str) -> None:
    """``cgroup.c:__cgroup_bpf_query``: a free slot is used again; flags are asked for."""
    kernel = Kernel(release)
    web = kernel.mkdir()
    bind, connect, create = (
        lsm(kernel, f"socket_{call}") for call in ("bind", "connect", "create")
    )
    kernel.prog_attach(web, bind, BPF_LSM_CGROUP)
    kernel.prog_attach(web, connect, BPF_LSM_CGROUP, int(BPF_F_ALLOW_MULTI))
    kernel.prog_detach(web, bind, BPF_LSM_CGROUP)
    kernel.prog_attach(web, create, BPF_LSM_CGROUP)
    found = kernel.prog_query(web, BPF_LSM_CGROUP, prog_attach_flags=True)
    assert found.prog_ids == (create.id, connect.id)
    assert found.prog_attach_flags == (0, BPF_F_ALLOW_MULTI)
    assert (found.attach_flags, found.revision) == (0, 0)
    with pytest.raises(errors.QueryFlags):
        kernel.prog_query(web, BPF_LSM_CGROUP)
    with pytest.raises(errors.QueryFlags):
        kernel.prog_query(web, BPF_LSM_CGROUP, 1, prog_attach_flags=True)
    assert kernel.prog_query(web, BPF_LSM_CGROUP, 1).prog_ids == (create.id, connect.id)


def test_the_revision_belongs_to_the_slot() -> None:
    """``cgroup.c:cgroup_lsm_atype``: another hook takes the slot over, with its revision."""
    kernel = Kernel("latest")
    web = kernel.mkdir()
    bind, connect = lsm(kernel, "socket_bind"), lsm(kernel, "socket_connect")
    kernel.prog_attach(web, bind, BPF_LSM_CGROUP)
    kernel.prog_detach(web, bind, BPF_LSM_CGROUP, expected_revision=2)
    with pytest.raises(errors.StaleRevision):
        kernel.prog_attach(web, connect, BPF_LSM_CGROUP, expected_revision=1)
    with pytest.raises(errors.NotAttached):
        kernel.prog_detach(web, None, BPF_LSM_CGROUP, expected_revision=3)
    kernel.prog_attach(web, connect, BPF_LSM_CGROUP, expected_revision=3)
    kernel.prog_attach(web, bind, BPF_LSM_CGROUP, expected_revision=1)  # the second slot
    kernel.prog_detach(web, bind, BPF_LSM_CGROUP)
    kernel.prog_detach(web, connect, BPF_LSM_CGROUP)
    kernel.prog_attach(web, bind, BPF_LSM_CGROUP, expected_revision=5)  # the first one
    kernel.prog_attach(web, connect, BPF_LSM_CGROUP, expected_revision=3)
    kernel.check_invariants()


def three(kernel: Kernel) -> tuple[Cgroup, list[ProgFd]]:
    cgroup, progs = kernel.mkdir(), [skb(kernel) for _ in range(3)]
    for prog in progs:
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    return cgroup, progs


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("flags", [0, int(BPF_F_QUERY_EFFECTIVE)])
def test_a_small_buffer_gets_the_first_ids_and_the_count(release: str, flags: int) -> None:
    kernel = Kernel(release)
    cgroup, progs = three(kernel)
    for count in (1, 2):
        with pytest.raises(errors.QueryTooSmall) as caught:
            kernel.prog_query(cgroup, EGRESS, flags, count=count)
        answer = caught.value.answer
        assert isinstance(answer, ProgQuery)
        assert answer.prog_ids == tuple(prog.id for prog in progs[:count])
        assert answer.prog_cnt == 3
    for count, ids in ((0, 0), (3, 3), (4, 3)):
        answer = kernel.prog_query(cgroup, EGRESS, flags, count=count)
        assert (answer.prog_cnt, len(answer.prog_ids)) == (3, ids)


@pytest.mark.parametrize(
    ("release", "bytes_behind"),
    [("6.16", 0), ("6.17", 8), ("7.1", 8), ("7.1.5", 0), ("6.12.110", 0), ("latest", 0)],
)
def test_a_query_writes_the_revision_behind_a_short_attribute(
    release: str, bytes_behind: int
) -> None:
    kernel = Kernel(release)
    cgroup, _ = three(kernel)
    for size, behind in ((28, 8), (40, 8), (56, 8), (60, 4), (63, 1), (64, 0)):
        answer = kernel.prog_query(cgroup, EGRESS, size=size)
        assert answer.overwritten == min(bytes_behind, behind)
        assert answer.prog_cnt == 3


def test_an_effective_query_of_lsm_hooks_can_be_short_without_an_error() -> None:
    """``cgroup.c:__cgroup_bpf_query``: each hook's result replaces that of the hook before."""
    kernel = Kernel("latest")
    web = kernel.mkdir()
    bind, other, connect = (lsm(kernel, f"socket_{call}") for call in ("bind", "bind", "connect"))
    for prog in (bind, other, connect):
        kernel.prog_attach(web, prog, BPF_LSM_CGROUP, MULTI)
    with pytest.raises(errors.QueryTooSmall):
        kernel.prog_query(web, BPF_LSM_CGROUP, 1, count=1)
    short = kernel.prog_query(web, BPF_LSM_CGROUP, 1, count=2)
    assert (short.prog_cnt, short.prog_ids) == (3, (bind.id, other.id))
    assert kernel.prog_query(web, BPF_LSM_CGROUP, count=0).prog_cnt == 3
    with pytest.raises(errors.QueryTooSmall):
        kernel.prog_query(web, BPF_LSM_CGROUP, count=2, prog_attach_flags=True)


@pytest.mark.parametrize(
    "options",
    [{"count": 1 << 32}, {"size": 27}, {"size": 65}, {"size": 39, "prog_attach_flags": True}],
)
def test_buffers_and_attributes_that_no_query_takes(options: dict[str, Any]) -> None:
    kernel = Kernel("latest")
    with pytest.raises(ValueError, match=" must be from | does not fit in 32 bits"):
        kernel.prog_query(kernel.mkdir(), EGRESS, **options)


@pytest.mark.parametrize("release", MAINLINE)
def test_detach_takes_no_flags_and_any_bad_descriptor(release: str) -> None:
    kernel = Kernel(release)
    cgroup, closed = kernel.mkdir(), skb(kernel)
    kernel.close(closed)
    kernel.prog_attach(cgroup, skb(kernel), EGRESS)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        kernel.prog_detach(cgroup, None, EGRESS, MULTI)
    kernel.prog_detach(cgroup, closed, EGRESS)
    assert kernel.prog_query(cgroup, EGRESS).prog_ids == ()
    kernel.prog_attach(cgroup, skb(kernel), EGRESS, MULTI)
    with refused(kernel, "EINVAL", errors.DetachNeedsProgram):
        kernel.prog_detach(cgroup, closed, EGRESS)
