# SPDX-License-Identifier: GPL-2.0-only
"""Answer the requests of a page: JSON in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import mine


def answer(request: str) -> str:
    """Do what a page asks for, and return what it shows.

    >>> answer('{"do": "examples", "blocks": [{"text": ">>> 1 + 1\\\\n2"}]}')
    '{"blocks": [[{"source": "1 + 1\\\\n", "want": "2\\\\n", "got": "2\\\\n", "same": true}]]}'
    """
    arguments: dict[str, Any] = json.loads(request)
    profile = arguments.pop("profile", "")
    try:
        if profile:
            mine.give(profile)
    except ValueError as error:
        return json.dumps({"error": f"The profile of your kernel cannot be used: {error}."})
    return json.dumps(_answerer(arguments.pop("do"))(**arguments))


def _answerer(name: str) -> Callable[..., object]:
    """Import only what is asked for, so that the first answer comes early."""
    if name == "examples":
        from .examples import run

        return run
    if name == "check":
        from .objects import check

        return check
    from . import programs

    return programs.run
