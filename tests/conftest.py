# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# CI walks the same paths every time and keeps nothing; HYPOTHESIS_PROFILE=default explores.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# What runs on the machine's own kernel runs in one process, one after the other.
ON_THIS_KERNEL = {"test_examples.py", "test_host_kernel.py", "test_host_stories.py"}

# What takes longest begins first, so that no process waits for it at the end.
LONG = {"test_guests.py", "test_check.py", "test_explore.py", "test_properties.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With --dist=loadgroup a file stays in one process, which makes its fixtures once."""
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        name = item.path.name
        group = "kernel" if name in ON_THIS_KERNEL else name
        item.add_marker(pytest.mark.xdist_group(group))
