# SPDX-License-Identifier: GPL-2.0-only
"""The archive holds what the files hold, counted in another way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from records.archive import Archive, committed
from records.files import trace_files
from reference_model import traces

TRACES = Path(__file__).parents[2] / "records" / "traces"


def test_the_numbers_are_those_of_the_files() -> None:
    files = sorted(TRACES.glob("*.jsonl*"))
    read: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".jsonl": bytes}
    lines = [line for path in files for line in read[path.suffix](path.read_bytes()).splitlines()]
    traces = [json.loads(line) for line in lines]
    answers = sum(
        len(kernels) * len(given) for trace in traces for kernels, given in trace["answers"]
    )
    found = committed().numbers
    assert found["traces"] == str(len(traces))
    assert found["answers"] == f"{answers:,}"
    assert found["operations"] == f"{sum(len(trace['ops']) for trace in traces):,}"
    assert found["kernels"] == str(len(found["names"].split(", ")))
    assert found["names"].startswith("4.19.108, 4.20.1, 5.0.0, 5.2.1, 5.3.1, 5.4.59")


def test_only_traces_that_are_asked_for_are_parsed() -> None:
    archive = Archive()
    assert archive.trace("override-replace").id == "override-replace"
    assert list(archive._parsed) == ["override-replace"]
    with pytest.raises(KeyError, match="nothing"):
        archive.trace("nothing")


def test_each_trace_is_found_by_its_id() -> None:
    read = [found.id for path in trace_files() for found in traces.read(path)]
    assert list(committed().trace_ids) == read
    assert [found.id for found in committed().traces()] == read


def test_the_traces_of_a_story_are_those_of_its_operations() -> None:
    found = [one.id for one in committed().traces_of("reattach_keeps_data")]
    assert found
    assert {name.partition("@")[0] for name in found} == {"reattach_keeps_data"}
