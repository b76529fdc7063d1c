# SPDX-License-Identifier: GPL-2.0-only
"""The numbers of the recorded kernels are those of the files, counted another way."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from recorded import count

TRACES = Path(__file__).parents[1] / "records" / "traces"


def test_the_numbers_are_those_of_the_files() -> None:
    files = sorted(TRACES.glob("*.jsonl*"))
    read = {".gz": gzip.decompress, ".jsonl": bytes}
    lines = [line for path in files for line in read[path.suffix](path.read_bytes()).splitlines()]
    traces = [json.loads(line) for line in lines]
    answers = sum(
        len(kernels) * len(given) for trace in traces for kernels, given in trace["answers"]
    )
    found = count(tuple(files))
    assert found["traces"] == str(len(traces))
    assert found["answers"] == f"{answers:,}"
    assert found["operations"] == f"{sum(len(trace['ops']) for trace in traces):,}"
    assert found["kernels"] == str(len(found["names"].split(", ")))
    assert found["names"].startswith("4.19.108, 5.4.59, 5.8.18, proposal, 5.9.1")
