# SPDX-License-Identifier: GPL-2.0-only
"""LSM programs for cgroups: which of them may be sleepable, and with which maps."""

from __future__ import annotations

import pytest
from support_programs import prog_array, since, storage_map
from support_state import refused

from reference_model import (
    BPF_F_SLEEPABLE,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_LSM,
    Add,
    Denied,
    Kernel,
    Mention,
    ProgFd,
    Return,
    Step,
    TailCall,
    changes,
    errors,
)

SLEEPABLE_WINDOW = ("6.0", "6.1.190", "6.12.113", "6.19.14", "7.1.4")


def sleepable(kernel: Kernel, *body: Step, hook: str = "socket_bind") -> ProgFd:
    """A sleepable LSM program."""
    return kernel.prog_load(
        BPF_PROG_TYPE_LSM,
        body,
        expected_attach_type=BPF_LSM_CGROUP,
        lsm_hook=hook,
        prog_flags=int(BPF_F_SLEEPABLE),
    )


@pytest.mark.parametrize("release", SLEEPABLE_WINDOW)
def test_sleepable_programs_before_the_fix(release: str) -> None:
    """They load for some hooks, without a storage map, and run; ``bpf_lsm.c``, records/events."""
    kernel = Kernel(release)
    web, counts = kernel.mkdir(), storage_map(kernel)
    prog = sleepable(kernel, Return(0))
    kernel.prog_attach(web, prog, BPF_LSM_CGROUP)
    with pytest.raises(Denied):
        kernel.fire(web, "socket_bind")
    with refused(kernel, "EINVAL", errors.SleepableProgram):
        sleepable(kernel, hook="socket_setsockopt")
    for body in (Add(counts), Mention(counts)):
        with refused(kernel, "EINVAL", errors.SleepableProgram):
            sleepable(kernel, body)


@pytest.mark.parametrize("release", ["6.1.191", "6.12.114", "7.1.5", *since("7.2")])
def test_sleepable_programs_since_the_fix(release: str) -> None:
    kernel = Kernel(release)
    with refused(kernel, "EINVAL", errors.SleepableProgram):
        sleepable(kernel)


@pytest.mark.parametrize("release", SLEEPABLE_WINDOW)
def test_sleepable_programs_and_tail_calls(release: str) -> None:
    """Program arrays since 7.0, and then only with other sleepable programs."""
    kernel = Kernel(release)
    array = prog_array(kernel)
    if not kernel.has(changes.SLEEPABLE_TAIL_CALLS):
        with refused(kernel, "EINVAL", errors.SleepableProgram):
            sleepable(kernel, TailCall(array))
        return
    prog = sleepable(kernel, TailCall(array))
    kernel.map_update_elem(array, 0, prog)
    awake = kernel.prog_load(
        BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook="socket_bind"
    )
    with refused(kernel, "EINVAL", errors.TailCallIncompatible):
        kernel.map_update_elem(array, 0, awake)


HOOKS_COMPARED = ("6.1.135", "6.6.57", "6.11.4", *since("6.12"))
"""Releases that compare the parameters of the hooks of a program array."""


@pytest.mark.parametrize(
    "release",
    ["6.1.134", "6.6.56", "6.11.3", *dict.fromkeys([*HOOKS_COMPARED, *since("6.0")])],
)
def test_programs_of_an_array_have_hooks_with_the_same_parameters(release: str) -> None:
    kernel = Kernel(release)
    array = prog_array(kernel, 2)
    for slot, hook in enumerate(("socket_bind", "socket_connect")):
        prog = kernel.prog_load(
            BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook
        )
        kernel.map_update_elem(array, slot, prog)
    other = kernel.prog_load(
        BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook="socket_sendmsg"
    )
    if release in HOOKS_COMPARED:
        with refused(kernel, "EINVAL", errors.TailCallIncompatible):
            kernel.map_update_elem(array, 0, other)
    else:
        kernel.map_update_elem(array, 0, other)
