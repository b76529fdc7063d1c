# SPDX-License-Identifier: GPL-2.0-only
"""A valid trace, changed anywhere to anything, is replayed or refused in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_mutated import JSON, RAW, mutated, places
from support_traces import HAZARDS

from records.files import TRACES
from reference_model import traces

SEEDS = [
    trace
    for file in (HAZARDS, TRACES / "stories.jsonl", TRACES / "queries.jsonl")
    for trace in list(traces.read(file))[::7]
]
"""Some traces of each file."""


def one_kernel(trace: traces.Trace) -> dict[str, Any]:
    """A trace as data, with the answers of its last kernel."""
    data: dict[str, Any] = json.loads(traces.line(trace))
    if data["answers"]:
        kernels, answers = data["answers"][-1]
        data["answers"], data["undefined"] = [[kernels[-1:], answers]], {}
    return data


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_trace(tmp_path: Path, data: st.DataObject) -> None:
    valid = one_kernel(data.draw(st.sampled_from(SEEDS)))
    path = data.draw(st.sampled_from(places(valid)))
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "double"]))
    line = json.dumps(mutated(valid, path, how, data.draw(JSON)))
    file = tmp_path / "mutated.jsonl"
    file.write_text(f"{line}\n", encoding="utf-8")
    try:
        traces.replay([file])
    except traces.TraceError as error:
        said = str(error)
        assert re.match(rf"{re.escape(str(file))}(:1)?: ", said), said
        assert "\n" not in said
        assert not RAW.search(said), said


@pytest.mark.parametrize("seed", SEEDS[:5], ids=lambda trace: trace.id)
def test_the_seeds_are_valid(seed: traces.Trace, tmp_path: Path) -> None:
    file = tmp_path / "valid.jsonl"
    file.write_text(f"{json.dumps(one_kernel(seed))}\n", encoding="utf-8")
    assert not any(score.differ for score in traces.replay([file]).values())
