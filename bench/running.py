# SPDX-License-Identifier: GPL-2.0-only
"""How long the probe and ``check --running`` take on this machine, with maps that are removed."""

from __future__ import annotations

import time

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
)
from reference_model.linux import LinuxKernel, missing
from reference_model.probe import asking, inference, questions
from reference_model.probe.predictions import Predictions
from reference_model.running import live, report

CGROUPS = 50


def running(count: int) -> None:
    """Read and report this many maps, each with a program that is attached."""
    lacking = missing()
    if lacking:
        print(f"check --running and probe: not measured: {lacking}")
        return
    with LinuxKernel() as kernel:
        cgroups = [kernel.mkdir() for _ in range(CGROUPS)]
        for number in range(count):
            counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
            prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts))
            where = cgroups[number % CGROUPS]
            kernel.prog_attach(where, prog, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
        start = time.process_time()
        found = report.data(live.read())
        read = time.process_time() - start
    assert len(found["maps"]) >= count
    print(f"check --running: {count} maps, each with a program: {read * 1000:.0f} ms of CPU time")
    _probe()


def _probe() -> None:
    start = time.process_time()
    asked = questions.read()
    answers = asking.ask(asked)
    done = time.process_time()
    predictions = [Predictions(question, answers.machine) for question in asked]
    inference.infer(predictions, answers.given)
    print(
        f"probe: {len(asked)} questions in {done - start:.2f} s of CPU time, and "
        f"{time.process_time() - done:.2f} s for what follows from the answers"
    )
