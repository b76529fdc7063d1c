# SPDX-License-Identifier: GPL-2.0-only
"""What git knows of this checkout; a test that asks is skipped where git cannot tell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def git(*arguments: str) -> str:
    """What git answers here."""
    result = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        pytest.skip(f"git cannot tell: {result.stderr.strip()}")
    return result.stdout


def past(path: str) -> dict[str, str]:
    """The text of a file in each commit that changed it; a shallow clone does not have them."""
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone has no history to compare with")
    commits = git("log", "--diff-filter=AM", "--format=%H", "--", path).split()
    assert commits, f"{path} is in no commit"
    return {commit: git("show", f"{commit}:{path}") for commit in commits}
