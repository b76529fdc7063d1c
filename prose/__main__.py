# SPDX-License-Identifier: GPL-2.0-only
"""``python -m prose``: report words that readers stumble over, with better ones."""

from __future__ import annotations

import sys

from .check import main

sys.exit(main())
