# SPDX-License-Identifier: GPL-2.0-only
"""Kernel releases, and the changes that set them apart.

Modelled: the history of mainline Linux since 4.19, with what its stable branches took over.
Left out: distributions' own backports, except where a recorded kernel showed them.

>>> Release("5.8") < Release("6.1.176") < Release("latest")
True
>>> Release("5.3.9.1")
Traceback (most recent call last):
    ...
ValueError: unknown release '5.3.9.1' (known: 4.19 to ..., also '6.1.176', 'latest', 'proposal')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache, total_ordering
from typing import NamedTuple

NEWEST = "7.3"
"""The newest mainline release that the model knows; ``make release`` changes this line."""


def _until(newest: str) -> tuple[str, ...]:
    """All mainline releases since 4.19: since 5.0, twenty for each major number.

    >>> _until("5.1")
    ('4.19', '4.20', '5.0', '5.1')
    """
    major, minor = map(int, newest.split("."))
    older = (f"{number}.{each}" for number in range(5, major) for each in range(20))
    return ("4.19", "4.20", *older, *(f"{major}.{each}" for each in range(minor + 1)))


MAINLINE = _until(NEWEST)
"""The mainline releases that the model knows, oldest first."""

LONG_TERM = ("4.19", "5.4", "5.10", "5.15", "6.1", "6.6", "6.12")
"""The long-term branches that most people run."""


UAPI = "include/uapi/linux/bpf.h"
"""The header of the interface to user space."""


class Read:
    """A place in kernel sources, and the source trees in which it was read.

    >>> Read("syscall.c:map_create", "5.10", "6.1")
    Read('syscall.c:map_create', '5.10', '6.1')
    """

    __slots__ = ("place", "trees")

    def __init__(self, place: str, *trees: str) -> None:
        self.place = place
        """A file, with a function of it after a colon if only that was read."""
        self.trees = trees
        """The releases whose sources were read; empty where the commit itself was read."""

    def __repr__(self) -> str:
        return f"Read({', '.join(map(repr, (self.place, *self.trees)))})"


class Marker(NamedTuple):
    """What a kernel's source contains since a change, or until it."""

    file: str
    """A path in the kernel's tree, with a function of it after a colon if only its body counts."""
    pattern: str
    """A regular expression."""
    until: bool = False
    """Whether the pattern is found in releases without the change, instead of those with it."""


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """One difference between releases, and the evidence for it."""

    title: str
    """The subject of the commit, or what the series did."""
    commit: str
    """The first twelve digits of the commit id, or empty where the commit is not known."""
    first: str | None
    """The first mainline release with the change; None if no release has it."""
    effect: str
    """What an affected user observes, in reStructuredText."""
    _: KW_ONLY
    backports: tuple[str, ...] = ()
    """The first release with the change of each stable branch that is known to have it."""
    partial: tuple[str, ...] = ()
    """The first release of each stable branch that has the commit, but not its effect."""
    after: Mapping[str, str] | None = None
    """For a first release or a backport that is not known exactly: the newest release that is known
    to lack the change.  The change came after it, and not after the release that is named."""
    proposal: bool = False
    """Whether the series as posted in July 2020 does the same."""
    read: Sequence[Read] = ()
    """Where the change was read in kernel sources."""
    recorded: tuple[str, ...] = ()
    """The recorded kernels that answered with and without the change."""
    changelogs: tuple[str, ...] = ()
    """The stable releases whose changelog or announcement lists the commit."""
    marker: Marker | None = None
    """How to see in a kernel's source whether it has the change."""
    cve: str = ""
    """The id of the vulnerability that the commit fixes, where the CVE or OSV record of the id or
    Debian's changelog names both."""
    unmodelled: str = ""
    """Why the model does not ask for the change; empty if it does."""


@total_ordering
class Release:
    """A kernel release: ``"5.8"``, ``"6.1.176"``, ``"latest"`` or ``"proposal"``.

    ``"5.8"`` is the mainline release itself, ``"5.8.18"`` a stable one with its backports.
    ``"proposal"`` is 5.8.18 with the patch series as posted in July 2020.  Ordered by version.
    """

    __slots__ = ("_has", "name", "proposal", "version")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a release is a string such as '5.9', not {name!r}")
        self.name = MAINLINE[-1] if name == "latest" else name
        self.proposal = name == "proposal"
        self.version = _version("5.8.18" if self.proposal else self.name)
        self._has: dict[Change, bool] = {}

    def has(self, change: Change) -> bool:
        """Whether this release contains the change."""
        known = self._has.get(change)
        if known is None:
            known = self._has[change] = self._contains(change)
        return known

    @property
    def asked(self) -> set[Change]:
        """The changes that somebody asked this object for."""
        return set(self._has)

    def _contains(self, change: Change) -> bool:
        if not isinstance(change, Change):
            raise TypeError(f"has() takes a Change such as changes.SHARED_STORAGE, not {change!r}")
        if self.proposal and change.proposal:
            return True
        if change.first is not None and self.version >= _version(change.first):
            return True
        stable = [_version(backport) for backport in change.backports]
        return any(self.version[:2] == v[:2] and self.version >= v for v in stable)

    def like(self, other: Release, on: Iterable[Change]) -> Release:
        """This release, but with the other one's answer on some changes: nobody released it.

        >>> from reference_model import changes
        >>> mixed = Release("5.8").like(Release("5.9"), [changes.LINK_DETACH])
        >>> mixed.has(changes.LINK_DETACH), mixed.has(changes.SHARED_STORAGE)
        (True, False)
        """
        mixed = self._without_answers()
        mixed._has = {change: other.has(change) for change in on}
        effects = " ".join(change.effect for change in mixed._has)
        mixed.name = f"{self.name} like {other.name}: {effects}"
        return mixed

    def _without_answers(self) -> Release:
        """Return this release as a new object, which nobody has asked for a change."""
        return Release(self.name)

    def __repr__(self) -> str:
        return f"Release({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Release) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Release):
            return NotImplemented
        return (self.version, self.proposal) < (other.version, other.proposal)

    def __reduce__(self) -> tuple[object, ...]:
        return Release, (self.name,)


@cache
def _version(name: str) -> tuple[int, int, int]:
    """The numbers of a release's name; ValueError lists what is known."""
    major, _, rest = name.partition(".")
    minor, dot, stable = rest.partition(".")
    if f"{major}.{minor}" in MAINLINE and (not dot or (stable.isascii() and stable.isdigit())):
        return int(major), int(minor), int(stable or 0)
    raise ValueError(
        f"unknown release {name!r} (known: {MAINLINE[0]} to {MAINLINE[-1]}, also '6.1.176', "
        "'latest', 'proposal')"
    )


def neighbours(of: Release, known: Sequence[Release]) -> tuple[Release, Release]:
    """The nearest of the ``known`` releases before and after one, or the only one twice.

    ``known`` is not empty and in order of release; a known release is returned twice.

    >>> neighbours(Release("6.6"), [Release("6.1"), Release("6.12")])
    (Release('6.1'), Release('6.12'))
    >>> neighbours(Release("5.4"), [Release("6.1"), Release("6.12")])
    (Release('6.1'), Release('6.1'))
    """
    older = [one for one in known if one <= of] or [known[0]]
    newer = [one for one in known if one >= of] or [known[-1]]
    return older[-1], newer[0]


def release(name: str | Release) -> Release:
    """The release of this name; one object for each, so that its answers are computed once."""
    return (
        _named(name)
        if isinstance(name, str)
        else name
        if isinstance(name, Release)
        else Release(name)
    )


@cache
def _named(name: str) -> Release:
    return Release(name)
