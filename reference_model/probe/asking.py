# SPDX-License-Identifier: GPL-2.0-only
"""Asks the running kernel: each question in a cgroup of its own, which is removed afterwards.

Nothing is asked that could crash some kernel.  The guard of ``linux`` takes the kernel for one with
all faults; but where no program of a question ever runs, its faults cannot show.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UNDEFINED
from ..interface import KernelInterface
from ..linux import LinuxKernel, Missing, Unsafe
from ..linux.btf import kernel_functions
from ..linux.janitor import janitor
from ..linux.machine import missing, mount_point, possible_cpus
from ..profiles import Profile
from ..releases import MAINLINE
from ..traces import Answer
from ..user_error import UserError
from .predictions import Predictions, changes_of
from .questions import Question

WORST = Profile(
    "unknown", MAINLINE[0], {"LINKS": True, "CGROUP_BPF_REFCOUNT": True, "CPU_FLAGS": True}
)
"""A kernel with every fault that the guard keeps away from."""

_SYSCTL = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
_LSM_FUNCTION = "bpf_lsm_socket_bind"


@dataclass
class Answers:
    """What a kernel answered."""

    kernel: str
    """What the kernel calls itself."""
    machine: Mapping[str, Any]
    """The parameters of Kernel that describe the machine."""
    given: dict[str, list[Answer]] = field(default_factory=dict)
    """The answers by question."""
    not_asked: dict[str, str] = field(default_factory=dict)
    """Why a question was not asked, by question."""


def ask(questions: Sequence[Question]) -> Answers:
    """Ask the running kernel; UserError if this machine or its user cannot do it."""
    lacking = missing()
    if lacking:
        raise UserError(f"the kernel cannot be asked: {lacking}")
    machine = {
        "cpus": possible_cpus(),
        "unprivileged_bpf_disabled": int(_SYSCTL.read_text()),
    }
    answers = Answers(os.uname().release, machine)
    with janitor():
        for question in questions:
            reason = _hindrance(question, machine)
            try:
                if not reason:
                    answers.given[question.name] = _ask(question)
            except Missing as error:
                raise UserError(f"the kernel cannot be asked: {error}") from None
            except Unsafe:
                reason = "asking it could crash some kernels"
            if reason:
                answers.not_asked[question.name] = reason
    return answers


def _hindrance(question: Question, machine: Mapping[str, Any]) -> str:
    """Why this machine cannot be asked the question, or an empty text."""
    if question.lsm and _LSM_FUNCTION not in kernel_functions():
        return "the kernel has no LSM programs, which need CONFIG_BPF_LSM and CONFIG_DEBUG_INFO_BTF"
    if question.pins and mount_point("bpf") is None:
        return "bpffs is not mounted: mount -t bpf bpf /sys/fs/bpf"
    if question.runs and 0 not in os.sched_getaffinity(0):
        return "this process cannot run on CPU 0"
    cpus = machine["cpus"]
    if cpus[-1] >= len(cpus) and not _defined(question, machine):
        return "the numbers of this machine's CPUs have gaps, which some kernels do not expect"
    return ""


def _defined(question: Question, machine: Mapping[str, Any]) -> bool:
    """Whether the question is defined on all releases on this machine."""
    predictions = Predictions(question, machine)
    return not any(UNDEFINED in predictions.on(changes_of(name)) for name in MAINLINE)


def _ask(question: Question) -> list[Answer]:
    made: list[LinuxKernel] = []

    def make(**setup: Any) -> KernelInterface:
        made.append(LinuxKernel(release=WORST, runs_nothing=not question.runs, **setup))
        return made[0]

    try:
        answers = question.ask(make)
        made[0].check_invariants()
    except AssertionError as error:
        raise UserError(f"the probe stopped at {question.name}: {error}") from None
    finally:
        for kernel in made:
            kernel.shutdown()
    return answers
