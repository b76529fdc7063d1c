# SPDX-License-Identifier: GPL-2.0-only
"""Profiles: kernels that are no release, such as those of distributions with backports.

A profile lists for each change whether the kernel has it, and names the nearest release for the
changes that it leaves out.  The model takes a profile wherever it takes a release:

>>> from reference_model import Kernel
>>> vendor = parse('{"profile": 1, "kernel": "5.14.0-503.el9", "nearest": "5.14",'
...                ' "changes": {"NEXT_KEY_END": true}}')
>>> vendor
Profile('5.14.0-503.el9', '5.14', {'NEXT_KEY_END': True})
>>> Kernel(vendor).has(changes.NEXT_KEY_END), Kernel("5.14").has(changes.NEXT_KEY_END)
(True, False)

A profile is a file of JSON, which ``cgroup-storage probe --profile FILE`` writes.  It is an object
with these members, and no others:

* ``profile``: the number of this form, 1
* ``kernel``: what the kernel calls itself, as ``uname -r`` prints it
* ``nearest``: the release that decides on the changes that ``changes`` leaves out
* ``changes``: an object with ``true`` or ``false`` for the names of changes, as ``changes.NAMES``
  has them
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from . import changes
from .releases import Change, Release, release
from .user_error import UserError

FORM = 1
"""The number of the form that this module reads and writes."""

_KNOWN = {name: change for change, name in changes.NAMES.items()}
_MEMBERS: dict[str, tuple[type, str]] = {
    "profile": (int, "a number"),
    "kernel": (str, "a text"),
    "nearest": (str, "a text"),
    "changes": (dict, "an object"),
}
_MOST = 1 << 20
"""Bytes of the largest file that is read; a profile has a few thousand."""


class ProfileError(UserError):
    """A file is not a profile; the text names the file, what is wrong, and what to do."""


class Profile(Release):
    """A kernel that has some changes and lacks others, and else is like the nearest release.

    It counts as that release where releases are ordered.
    """

    __slots__ = ("_present", "nearest", "present")

    def __init__(self, name: str, nearest: str, present: Mapping[str, bool]) -> None:
        super().__init__(nearest)
        self.nearest = self.name
        """The name of the release that decides on changes that are not in ``present``."""
        self.name = name
        unknown = sorted(present.keys() - _KNOWN)
        if unknown:
            raise ValueError(
                f"unknown change {unknown[0]!r}: this version may be older than the file"
            )
        self.present = dict(present)
        """Whether the kernel has a change, by the name of the change."""
        self._present = {_KNOWN[name]: given for name, given in self.present.items()}

    def _contains(self, change: Change) -> bool:
        given = self._present.get(change)
        return super()._contains(change) if given is None else given

    def _without_answers(self) -> Release:
        return Profile(self.name, self.nearest, self.present)

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, {self.nearest!r}, {self.present!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str, frozenset[tuple[str, bool]]]:
        return self.name, self.nearest, frozenset(self.present.items())

    def __reduce__(self) -> tuple[object, ...]:
        return Profile, (self.name, self.nearest, self.present)


def parse(text: str) -> Profile:
    """Return the profile in a text of JSON; ValueError says what is wrong with it."""
    import json  # not where a kernel is a release, as for most

    from .members import load

    data = load(text, object_pairs_hook=_once)
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, not {text.strip()[:40]!r}")
    for name, (kind, expected) in _MEMBERS.items():
        if name not in data:
            raise ValueError(f"it has no {name!r}")
        if type(data[name]) is not kind:
            raise ValueError(f"{name!r} is {expected}, not {json.dumps(data[name])[:40]}")
    if data["profile"] != FORM:
        raise ValueError(f"it has form {data['profile']}, and this version reads form {FORM}")
    for name in data:
        if name not in _MEMBERS:
            raise ValueError(f"unknown member {name!r}: known are {', '.join(_MEMBERS)}")
    for name, given in data["changes"].items():
        if not isinstance(given, bool):
            raise ValueError(f"{name!r} is true or false, not {json.dumps(given)[:40]}")
    return Profile(data["kernel"], data["nearest"], data["changes"])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these members; ValueError if one of them is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return found


def read(path: str | os.PathLike[str]) -> Profile:
    """Return the profile in a file; ProfileError if there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST + 1)
        if len(data) > _MOST:
            raise ValueError(f"it is larger than {_MOST:,} bytes")
        return parse(data.decode())
    except OSError as error:
        raise ProfileError(f"{path}: the profile cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ProfileError(
            f"{path}: not a profile: {error}; write a profile with "
            "cgroup-storage probe --profile FILE"
        ) from None


def text(profile: Profile) -> str:
    """Return a profile as a text of JSON, one change a line; parse() reads it."""
    import json

    data = {
        "profile": FORM,
        "kernel": profile.name,
        "nearest": profile.nearest,
        "changes": profile.present,
    }
    return json.dumps(data, indent=1) + "\n"


def named(name: str) -> Release:
    """Return the release of this name, or the profile in the file if the name ends in ``.json``.

    ProfileError or ValueError if there is none.

    >>> named("5.8")
    Release('5.8')
    """
    return read(name) if name.endswith(".json") else release(name)
