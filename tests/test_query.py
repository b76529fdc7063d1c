# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_QUERY: SEMANTICS 3.9."""

from __future__ import annotations

import pytest
from support_programs import EGRESS, INGRESS, before, since, skb
from support_state import refused

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_QUERY_EFFECTIVE,
    BPF_LSM_CGROUP,
    MAINLINE,
    AttachFlag,
    Kernel,
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
    """Surprise 20."""
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


def test_a_query_of_lsm_hooks_is_not_answered() -> None:
    """Rather no answer than a wrong one; where there is no such attach type, that is said."""
    kernel = Kernel("6.0")
    with pytest.raises(NotImplementedError, match="LSM_CGROUP"):
        kernel.prog_query(kernel.mkdir(), BPF_LSM_CGROUP)
    kernel = Kernel("5.19")
    cgroup = kernel.mkdir()
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        kernel.prog_query(cgroup, BPF_LSM_CGROUP)
