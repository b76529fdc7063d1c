# SPDX-License-Identifier: GPL-2.0-only
"""Calls with one fault or two: the model against the kernels that were asked."""

from __future__ import annotations

import pytest

from records import calls
from reference_model import errors
from reference_model.refusals.pairs import FAULTS, modelled

RECORDED = calls.read()


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
