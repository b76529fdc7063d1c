# SPDX-License-Identifier: GPL-2.0-only
"""Calls with one fault or two: the record, and the model against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from records import two_faults
from reference_model import errors
from reference_model.refusals.pairs import FAULTS, modelled

RECORDED = two_faults.read()


def test_five_kernels_were_asked() -> None:
    assert len(RECORDED) >= 5


@pytest.mark.parametrize("kernel", RECORDED)
def test_the_model_refuses_as_the_kernel(kernel: str) -> None:
    model = modelled(kernel)
    known = {name: answer for name, answer in RECORDED[kernel].items() if name in model}
    assert known == {name: model[name] for name in known}
    assert len(known) > 550


@pytest.mark.parametrize("kernel", RECORDED)
def test_every_call_is_recorded(kernel: str) -> None:
    """Else ``python -m conformance two-faults`` asks again."""
    assert set(RECORDED[kernel]) == set(modelled(kernel))


@pytest.mark.parametrize("kernel", RECORDED)
def test_a_refusal_alone_gives_its_own_errno(kernel: str) -> None:
    alone = {found.name: found.errors[0] for found in FAULTS if len(found.errors) == 1}
    for name, answer in RECORDED[kernel].items():
        if name in alone:
            assert answer == errors.ERRNO_NAMES[alone[name].number], name


def test_the_record_counts_itself() -> None:
    counted = json.loads(two_faults.FILE.read_text(encoding="utf-8"))["counts"]
    assert counted == two_faults.counts(RECORDED)


def test_a_record_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "two_faults.json"
    given = {"5.10.262": {"a: X, Y": "EINVAL"}, "7.3.4": {"a: X, Y": "EPERM", "a: X": "EPERM"}}
    two_faults.write(given, path)
    assert two_faults.read(path) == given
    assert two_faults.read(tmp_path / "none.json") == {}
    assert two_faults.changed(given) == {"a: X, Y": {"5.10.262": "EINVAL", "7.3.4": "EPERM"}}
