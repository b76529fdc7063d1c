# SPDX-License-Identifier: GPL-2.0-only
"""Some mutants of the model are caught; ``make mutants`` tries more."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

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
    """What catches mutants catches these, and not the copy itself."""
    with mutants.placed(mutants.UNCHANGED) as place:
        assert not mutants.replay_fails(place)
        assert not mutants.fails(place, "pytest", "-q", "tests/reference_model/test_events.py")


def test_tests_that_fail_without_a_change_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = SimpleNamespace(map=lambda _, mutants: iter(["the replay"] * len(mutants)))
    monkeypatch.setattr(mutants, "workers", lambda count: nullcontext(pool))
    with pytest.raises(SystemExit) as ended:
        mutants.main([])
    assert ended.value.code == 2
    assert "without a change, too, the replay fails" in capsys.readouterr().err


def test_tests_that_cannot_run_catch_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no test ran: ERROR: file or directory not found"):
        mutants.fails(tmp_path, "pytest", "no_such_folder")


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
