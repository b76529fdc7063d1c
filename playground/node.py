# SPDX-License-Identifier: GPL-2.0-only
"""Ask Pyodide in node what a page would ask it in a browser."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import bundle

SHOWN = re.compile(
    r'<div class="([^"]*\bhighlight-[^"]*)"><div class="highlight"><pre>(.*?)</pre>', re.S
)
TAG = re.compile(r"<[^>]+>")


def asked(steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What ``playground/node.mjs`` makes of these steps, in one process."""
    result = subprocess.run(
        ["node", str(Path(bundle.__file__).with_name("node.mjs"))],
        input=json.dumps({"pyodide": str(bundle.PYODIDE), "steps": steps}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def blocks(page: Path) -> list[dict[str, str]]:
    """The examples of a built page, as run_examples.js finds them."""
    return list(_blocks(page.read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for classes, code in SHOWN.findall(text):
        plain = html.unescape(TAG.sub("", code))
        if plain.startswith(">>> "):
            owner = re.search(r"\bdocstring-(\S+)", classes)
            yield {"text": plain, "docstring": owner[1] if owner else ""}
