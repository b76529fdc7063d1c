# SPDX-License-Identifier: GPL-2.0-only
"""``python -m prose``: report words that readers stumble over, with better ones."""

from __future__ import annotations

from reference_model.commands import finish

from .check import main

if __name__ == "__main__":
    finish(main)
