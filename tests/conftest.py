# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

from __future__ import annotations

import os

from hypothesis import settings

# CI walks the same paths every time and keeps nothing; HYPOTHESIS_PROFILE=default explores.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
