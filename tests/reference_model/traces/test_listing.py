# SPDX-License-Identifier: GPL-2.0-only
"""A recorded trace, listed as a program in Python, is a doctest that passes."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import reference_model
from reference_model import Kernel, UndefinedBehaviour
from reference_model.traces import Replayer, Trace, read
from reference_model.traces.listing import listing, statements

RECORDS = Path(__file__).parents[3] / "records" / "traces"
TRACES = [one for file in ("hazards", "queries") for one in read(RECORDS / f"{file}.jsonl")]
RELEASE = "6.12"


def is_defined(trace: Trace) -> bool:
    """Whether the model answers the whole trace."""
    replayer = Replayer(Kernel(RELEASE, **trace.setup))
    try:
        for op in trace.ops:
            replayer.answer(op)
    except UndefinedBehaviour:
        return False
    return True


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.id)
def test_a_listing_runs(trace: Trace) -> None:
    if not is_defined(trace):
        return
    program = listing(RELEASE, trace.ops, trace.setup, "a note", at=1)
    names = {name: getattr(reference_model, name) for name in reference_model.__all__}
    test = doctest.DocTestParser().get_doctest(f"{program}\n", names, trace.id, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test).failed == 0, program
    assert ">>> # a note" in program
    lines = statements(RELEASE, trace.ops, trace.setup)
    assert set(lines) <= {line[4:] for line in program.splitlines()}
