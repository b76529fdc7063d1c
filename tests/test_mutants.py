# SPDX-License-Identifier: GPL-2.0-only
"""Some mutants of the model are caught; ``make mutants`` tries more."""

from __future__ import annotations

from dataclasses import replace

import mutants
import pytest

from reference_model import Kernel

COUNT = 8


@pytest.fixture(scope="module")
def sample() -> list[mutants.Mutant]:
    return mutants.chosen(seed=1, count=COUNT)


@pytest.mark.parametrize("place", range(COUNT))
def test_a_mutant_is_caught(sample: list[mutants.Mutant], place: int) -> None:
    mutant = sample[place]
    assert mutants.caught_by(mutant) is not None, str(mutant)


def test_a_model_without_change_is_not_caught() -> None:
    """What catches mutants catches these, and not the copy of the model itself."""
    same = mutants.Mutant("links", 1, "", "", -1)
    assert mutants.fails_replay(same) is False


def test_the_choice_does_not_depend_on_lines(sample: list[mutants.Mutant]) -> None:
    ranks = [mutant.rank(1) for mutant in sample]
    moved = [replace(mutant, line=mutant.line + 9) for mutant in sample]
    assert [mutant.rank(1) for mutant in moved] == ranks
    assert [mutant.rank(2) for mutant in moved] != ranks


def test_each_rule_has_mutants() -> None:
    assert all(any(mutants.mutants(module)) for module in mutants.RULES)
    assert Kernel.prog_attach.__module__.rpartition(".")[2] in mutants.RULES


@pytest.mark.parametrize("arguments", [["none"], ["../x"], [""], ["--count", "0"], ["--seed", "x"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        mutants.main(arguments)
    assert ended.value.code == 2
