# SPDX-License-Identifier: GPL-2.0-only
"""The reader's own kernel: a profile that the page gives, beside the releases of mainline."""

from __future__ import annotations

from reference_model import Release
from reference_model.profiles import Profile, parse
from reference_model.releases import release

MINE = "mine"
"""The name of the kernel in the requests of a page."""

_given: list[Profile] = []


def give(text: str) -> None:
    """Use this profile for MINE from now on; ValueError says what is wrong with it."""
    _given[:] = [parse(text)]


def named(name: str) -> Release:
    """Return the release of this name, or the kernel of the reader.

    >>> give('{"profile": 1, "kernel": "5.14.0-503.el9", "nearest": "5.14", "changes": {}}')
    >>> named("mine"), named("5.8")
    (Profile('5.14.0-503.el9', '5.14', {}), Release('5.8'))
    """
    return _given[0] if name == MINE else release(name)


def title(name: str) -> str:
    """Return the name of a kernel for tables and figures."""
    if name == "proposal":
        return "July 2020 proposal"
    return f"my kernel ({named(name)})" if name == MINE else f"Linux {name}"
