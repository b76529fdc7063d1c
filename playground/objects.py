# SPDX-License-Identifier: GPL-2.0-only
"""Check an object that a reader gives to the page, as ``cgroup-storage check`` does."""

from __future__ import annotations

import base64

from reference_model import MAINLINE
from reference_model.checker import report
from reference_model.checker.examine import examine
from reference_model.releases import release

from .mine import MINE, named


def check(name: str, data: str, first: str = "", last: str = "") -> dict[str, object]:
    """The report on a file, given in base64, for the releases from the first to the last.

    If the first one is the reader's own kernel, the report is for this kernel alone.

    >>> made = check("empty.o", "")
    >>> made["lines"][1]
    '  Cannot tell: It contains no BPF object.'
    """
    releases = [release(one) for one in MAINLINE]
    if first == MINE:
        releases, first, last = [named(first)], "", ""
    if first:
        releases = [one for one in releases if one >= release(first)]
    if last:
        releases = [one for one in releases if one <= release(last)]
    if not releases:
        return {"error": f"{first} is newer than {last}: exchange them."}
    found = list(examine(name, base64.b64decode(data), releases))
    *lines, _ = report.text(found, [], verbose=True).split("\n")  # a page has no exit status
    return {"lines": lines}
