# SPDX-License-Identifier: GPL-2.0-only
"""The probe and ``check --running`` on a real kernel in a guest, both in one boot.

What the other kernels answered to the probe is in ``records/probe.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_guests import lacking

from conformance import guest, kernels, offers, probe, tools
from conformance.kernels import KernelImage
from conformance.payload import Payload
from records.probe import differences

SCRIPT = Path(__file__).parent.parent / "support_running.py"
PAYLOAD = Payload(
    name="running",
    argv=(tools.PYTHON, SCRIPT.name),
    files={SCRIPT.name: SCRIPT, "reference_model": tools.REPOSITORY / "reference_model"},
    time_limit=300,
)


@pytest.mark.skipif(bool(lacking()), reason=lacking() or "nothing is missing")
def test_on_the_newest_kernel() -> None:
    (kernel,) = kernels.get([offers.BRANCHES[-1]], say=print)
    if not isinstance(kernel, KernelImage):
        pytest.skip(f"{offers.BRANCHES[-1]}: not run: {kernel.reason}")
    result = guest.run(kernel, PAYLOAD)
    assert result.ok, result.problem
    running, answers = result.lines
    both = json.loads(running)
    assert {name: both["found"][name] for name in both["wanted"]} == both["wanted"]
    assert differences(kernel.version, probe.answers_of([answers])) == []
