# SPDX-License-Identifier: GPL-2.0-only
"""Releases as sentences name them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reference_model import MAINLINE

PROPOSAL = "proposal"


def in_words(releases: Sequence[str]) -> str:
    """Releases as ranges.

    >>> in_words(["4.19", "5.2", "5.3", "5.4", "proposal"])
    '4.19, 5.2 to 5.4, and the July 2020 proposal'
    >>> in_words(["6.12.107"])
    '6.12.107'
    """
    if list(releases) == [PROPOSAL]:
        return PROPOSAL
    numbers = [MAINLINE.index(release) for release in releases if release in MAINLINE]
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [MAINLINE[number] for _, number in group]
        joint = " and " if len(run) == 2 else " to "
        parts.append(run[0] if len(run) == 1 else f"{run[0]}{joint}{run[-1]}")
    parts += [release for release in releases if release not in (*MAINLINE, PROPOSAL)]
    if PROPOSAL in releases:
        parts.append("and the July 2020 proposal")
    return ", ".join(parts)


def linux(releases: Sequence[str]) -> str:
    """The same within a sentence.

    >>> linux(["5.9"]), linux(["proposal"])
    ('Linux 5.9', 'the July 2020 proposal')
    """
    if list(releases) == [PROPOSAL]:
        return "the July 2020 proposal"
    return f"Linux {in_words(releases)}"
