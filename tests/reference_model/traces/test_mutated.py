# SPDX-License-Identifier: GPL-2.0-only
"""A valid trace, changed anywhere to anything, is replayed or refused in a sentence."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_traces import HAZARDS

from records.files import TRACES
from reference_model import traces

LARGE = st.sampled_from([-1, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**30, 10**400])
SCALARS = (
    st.none() | st.booleans() | st.integers(-4, 40) | LARGE | st.floats() | st.text(max_size=6)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)

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


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in some data."""
    inner = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def mutated(data: Any, path: tuple[Any, ...], how: str, new: Any) -> Any:
    """The data with one value replaced, removed, or doubled."""
    if not path:
        return new
    made = copy.deepcopy(data)
    place = made
    for key in path[:-1]:
        place = place[key]
    if how == "replace":
        place[path[-1]] = new
    elif how == "remove":
        del place[path[-1]]
    elif isinstance(place, list):
        place.insert(path[-1], copy.deepcopy(place[path[-1]]))
    else:
        place[f"{path[-1]}s"] = new
    return made


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
        assert not re.search(
            r"object (has no attribute|is not)|unhashable|argument of type", said
        ), said


@pytest.mark.parametrize("seed", SEEDS[:5], ids=lambda trace: trace.id)
def test_the_seeds_are_valid(seed: traces.Trace, tmp_path: Path) -> None:
    file = tmp_path / "valid.jsonl"
    file.write_text(f"{json.dumps(one_kernel(seed))}\n", encoding="utf-8")
    assert not any(score.differ for score in traces.replay([file]).values())
