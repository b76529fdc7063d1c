# SPDX-License-Identifier: GPL-2.0-only
"""Calls with an argument at its boundary: the model against the kernels that were asked."""

from __future__ import annotations

import pytest

from records import calls
from reference_model import BPF_F_NUMA_NODE, BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, Kernel
from reference_model.interface import CALLS
from reference_model.refusals.boundaries import BASES, QUESTIONS, modelled

RECORDED = calls.read(calls.BOUNDARIES)


def test_five_kernels_were_asked() -> None:
    assert len(RECORDED) >= 5


@pytest.mark.parametrize("kernel", RECORDED)
def test_the_model_answers_as_the_kernel(kernel: str) -> None:
    assert modelled(kernel) == RECORDED[kernel]
    assert len(RECORDED[kernel]) > 2300


def test_every_question_has_a_name_of_its_own() -> None:
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)


def test_the_commands_with_values() -> None:
    assert {base.command for base in BASES} <= set(CALLS)


def test_any_numa_node() -> None:
    """numa.h: NUMA_NO_NODE is -1, and map_create() accepts it."""
    kernel = Kernel("7.2")
    flags = BPF_F_NUMA_NODE
    made = kernel.map_create(
        BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_flags=flags, numa_node=(1 << 32) - 1
    )
    assert made.object.flags == flags
