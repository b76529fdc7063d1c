# SPDX-License-Identifier: GPL-2.0-only
"""Reads JSON of others: what is there, of the right type, or ValueError in words for its author."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_WORDS: dict[type, str] = {
    bool: "true or false",
    dict: "an object",
    int: "a number",
    list: "a list",
    str: "a text",
}
_NEEDED = object()


def load(text: str, **options: Any) -> Any:
    """Return what a text of JSON holds; ValueError if it is none."""
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def typed(given: Any, kind: type, what: str) -> Any:
    """Return a value of this type; ValueError says what it should be.

    >>> typed([1], str, "'name'")
    Traceback (most recent call last):
        ...
    ValueError: 'name' is a text, not [1]
    """
    if type(given) is not kind:
        raise ValueError(f"{what} is {_WORDS[kind]}, not {json.dumps(given)[:40]}")
    return given


def member(data: Any, name: str, kind: type, default: Any = _NEEDED) -> Any:
    """Return the member of an object, or the default; ValueError if it is missing or of no use."""
    given = typed(data, dict, "what should be an object").get(name, default)
    if given is _NEEDED:
        raise ValueError(f"an object has no {name!r}")
    return given if given is default else typed(given, kind, repr(name))


def members(data: Any, name: str, kind: type, default: Any = _NEEDED) -> Iterator[Any]:
    """Yield the values of a list that is a member of an object; each is of this type."""
    for given in member(data, name, list, default):
        yield typed(given, kind, f"each of {name!r}")
