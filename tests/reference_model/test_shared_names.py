# SPDX-License-Identifier: GPL-2.0-only
"""The names that the examples of pages share."""

from __future__ import annotations

import pytest

from reference_model import U64, Add, examples
from reference_model.examples import EGRESS, INGRESS, PERCPU, SKB, counted, machine, outcome, read


def test_every_shared_name_is_there() -> None:
    assert [name for name in examples.__all__ if not hasattr(examples, name)] == []
    assert len(set(examples.__all__)) == len(examples.__all__)


@pytest.mark.parametrize("release", ["4.19", "5.9"])
def test_a_machine_has_a_program_that_is_not_attached(release: str) -> None:
    """An entry exists once the program is attached."""
    kernel, web, counts, count = machine(release)
    assert read(kernel, counts, (web, EGRESS)) is None
    kernel.prog_attach(web, count, EGRESS)
    assert read(kernel, counts, (web, EGRESS)) == 0


def test_a_machine_takes_another_map_and_options_of_the_kernel() -> None:
    kernel, web, counts, count = machine("5.9", PERCPU, U64, cpus=3)
    kernel.prog_attach(web, count, EGRESS)
    assert read(kernel, counts, web) == [0, 0, 0]


@pytest.mark.parametrize("release", ["4.19", "5.9"])
def test_a_counted_machine_has_counted_one_packet(release: str) -> None:
    kernel, web, counts, _ = counted(release)
    assert read(kernel, counts, (web, EGRESS)) == 1
    assert read(kernel, counts, (web, INGRESS)) is None


def test_an_outcome_is_an_errno_or_ok() -> None:
    """Before 5.9 one program can use a map: local_storage.c:bpf_cgroup_storage_assign."""
    for release, said in (("5.8", "EBUSY"), ("5.9", "ok")):
        kernel, _, counts, _ = machine(release)
        assert outcome(kernel.prog_load, SKB, Add(counts)) == said
    with pytest.raises(TypeError):
        outcome(kernel.prog_load, SKB, Add(counts), nothing=1)
