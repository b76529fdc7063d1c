# SPDX-License-Identifier: GPL-2.0-only
"""Some mutants of the model are caught; ``make mutants`` tries more."""

from __future__ import annotations

import mutants
import pytest

from reference_model import Kernel

SAMPLE = mutants.chosen(seed=1, count=8)


@pytest.mark.parametrize("mutant", SAMPLE, ids=lambda mutant: f"{mutant.module}:{mutant.line}")
def test_a_mutant_is_caught(mutant: mutants.Mutant) -> None:
    assert mutants.caught_by(mutant) is not None, str(mutant)


def test_a_model_without_change_is_not_caught() -> None:
    """What catches mutants catches these, and not the copy of the model itself."""
    same = mutants.Mutant("links", 1, "", "", (mutants.MODEL / "links.py").read_text())
    assert mutants.fails_replay(same) is False


def test_the_choice_does_not_depend_on_lines() -> None:
    ranks = [mutant.rank(1) for mutant in SAMPLE]
    moved = [mutants.Mutant(it.module, it.line + 9, it.before, it.after, "") for it in SAMPLE]
    assert [mutant.rank(1) for mutant in moved] == ranks
    assert [mutant.rank(2) for mutant in moved] != ranks


def test_each_rule_has_mutants() -> None:
    assert all(any(mutants.mutants(module)) for module in mutants.RULES)
    assert Kernel.prog_attach.__module__.rpartition(".")[2] in mutants.RULES
