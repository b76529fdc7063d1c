# SPDX-License-Identifier: GPL-2.0-only
"""``check --running``: what the storage maps of a machine are like."""

from __future__ import annotations

import json
from collections.abc import Sequence

from . import bpftool, live, report


def run(
    files: Sequence[str], *, as_json: bool = False, verbose: bool = False, site: str = ""
) -> int:
    """Report on the running kernel, or on what the files of bpftool say; the exit status.

    1 if an entry has no attachment, or if attachments share an entry; 2 if neither was found, but
    something could not be read.
    """
    found = report.data(bpftool.read(files) if files else live.read())
    print(json.dumps(found) if as_json else report.text(found, verbose=verbose, site=site))
    if any(one["without_attachment"] or one["shared_by"] for one in found["maps"]):
        return 1
    return 2 if found["notes"] else 0
