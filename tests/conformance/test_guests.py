# SPDX-License-Identifier: GPL-2.0-only
"""Every story on the oldest and on the newest kernel that can be fetched, in guests.

The other kernels are ``make conformance``.  Where QEMU or a kernel cannot be had the test is
skipped, and says what is missing: that is no success, and the summary shows it.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import guest, kernels, offers, tools
from conformance import stories as story_runs
from conformance.kernels import KernelImage
from reference_model.catalogue import stories


def lacking() -> str:
    """What is missing to boot a guest, with its install line, or an empty text."""
    try:
        tools.require([*tools.TO_FETCH, *tools.TO_BUILD, *tools.TO_BOOT])
    except tools.MissingTools as missing:
        return str(missing)
    return ""


@pytest.mark.skipif(bool(lacking()), reason=lacking() or "nothing is missing")
@pytest.mark.parametrize("branch", [offers.BRANCHES[0], offers.BRANCHES[-1]])
def test_stories_on_a_real_kernel(branch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a QEMU that is not root and that may not do much."""
    wait, states = guest._wait, list[str]()

    def watched(
        qemu: subprocess.Popen[bytes], until: float, stop: threading.Event,
        more: Callable[[], str], on_line: guest.OnLine | None,
    ) -> bool:  # fmt: skip
        def looked() -> str:
            children = Path(f"/proc/{qemu.pid}/task/{qemu.pid}/children")
            if qemu.returncode is None and (child := children.read_text().strip()):
                states.append(Path(f"/proc/{child}/status").read_text())
            return more()

        return wait(qemu, until, stop, looked, on_line or (lambda line: None))

    monkeypatch.setattr(guest, "_wait", watched)
    (kernel,) = kernels.get([branch], say=print)
    if not isinstance(kernel, KernelImage):
        pytest.skip(f"{branch}: not run: {kernel.reason}")
    report = story_runs.ask(kernel, stories(), print)
    user = pwd.getpwnam(guest.NOBODY).pw_uid if os.geteuid() == 0 else os.geteuid()
    assert f"\nUid:\t{user}\t{user}\t{user}\t" in states[-1]
    assert "\nSeccomp:\t2\n" in states[-1]
    assert report.problems == []
    assert report.differences == {}


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "qemu-system-x86_64" in lacking()
    assert "apt-get install" in lacking()
