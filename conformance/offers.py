# SPDX-License-Identifier: GPL-2.0-only
"""What the suites offer: packages of kernels and their sources, and the newest of each branch.

A cloud kernel is the package ``linux-image-RELEASE-cloud-amd64``; since 6.19 that package
is empty and the kernel is in ``linux-binary-RELEASE-cloud-amd64``, its configuration in
``linux-base-RELEASE-cloud-amd64``.  What a suite offers is asked once a week.
"""

import fcntl
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reference_model.outputs import write_whole

from . import apt

SUITES = (
    "bullseye", "bullseye-security",
    "bookworm", "bookworm-security",
    "trixie", "trixie-security", "trixie-backports",
    "forky", "sid",
)  # fmt: skip
"""Suites that are asked, as far as they can be reached."""

BRANCHES = ("5.10", "6.1", "6.12", "6.x", "7.x")
"""Branches whose newest kernel is wanted, oldest first; "6.x" is the newest 6 of all."""

INDEX_AGE = 7 * 24 * 3600
"""Seconds after which the suites are asked again."""

SMALLEST = 1_000_000
"""Bytes; a package below this has no kernel: a meta-package, or the empty half of a split."""

_PACKAGE = re.compile(r"linux-(?:image|binary)-(?P<release>\d\S*-cloud-amd64)")

FIELDS = ("Package", "Version", "Filename", "SHA256", "Size")
"""What is kept of a stanza."""

Say = Callable[[str], None]
Stanza = Mapping[str, str]
Offered = dict[str, Sequence[Stanza] | str]
"""By suite, the packages of kernels that it offers, or why it could not be read."""


def silent(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Candidate:
    """A kernel that a suite offers; ``base`` is the package with its configuration, if split."""

    suite: str
    package: str
    version: str
    filename: str
    sha256: str
    size: int
    base: "Candidate | None" = None

    @classmethod
    def of(cls, suite: str, fields: Stanza) -> "Candidate":
        """The package of a stanza."""
        package, version, filename, sha256, size = (fields[name] for name in FIELDS)
        return cls(suite, package, version, filename, sha256, int(size))


@dataclass(frozen=True)
class NotRun:
    """A kernel that was wanted and could not be had, and why."""

    branch: str
    reason: str


def wanted(branch: str, version: str) -> bool:
    """Return whether a kernel version belongs to a branch: "6.12", or "6.x" for any 6."""
    return f"{version}.".startswith(
        branch.removesuffix("x") if branch.endswith("x") else f"{branch}."
    )


def every(
    read: Callable[[str, Sequence[Stanza]], Iterable[Candidate]], offered: Offered
) -> list[Candidate]:
    """Return what ``read`` finds among the packages of each suite."""
    return [
        found
        for suite, stanzas in offered.items()
        if not isinstance(stanzas, str)
        for found in read(suite, stanzas)
    ]


def candidates(suite: str, packages: Iterable[Stanza]) -> list[Candidate]:
    """Return the cloud kernels among the packages of a suite."""
    found: list[Candidate] = []
    bases: dict[tuple[str, str], Candidate] = {}
    for fields in packages:
        candidate = Candidate.of(suite, fields)
        name = candidate.package
        if name.startswith("linux-base-"):
            bases[name, candidate.version] = candidate
        elif _PACKAGE.fullmatch(name) and candidate.size >= SMALLEST:
            found.append(candidate)
    for number, candidate in enumerate(found):
        if candidate.package.startswith("linux-binary-"):
            base = candidate.package.replace("linux-binary-", "linux-base-", 1)
            found[number] = replace(candidate, base=bases.get((base, candidate.version)))
    return found


def newest(branch: str, offered: Iterable[Candidate]) -> Candidate | None:
    """Return the newest kernel of a branch, or None if none is offered.

    Release candidates ("7.3~rc7") count only where the branch has nothing else.
    """
    fitting = [c for c in offered if wanted(branch, upstream(c.version))]
    return max(
        fitting, key=lambda c: ("~rc" not in c.version, apt.version_key(c.version)), default=None
    )


def upstream(version: str) -> str:
    """Return the kernel's version of a Debian version: "6.12.117" of "6.12.117-1~deb12u1"."""
    return re.split(r"[-+~]", version.partition(":")[2] or version)[0]


def index(cache: Path, say: Say, *, refresh: bool = False) -> Offered:
    """Return for each suite its packages of kernels, or the reason why it could not be read.

    The answer is cached for INDEX_AGE seconds; ``refresh`` asks the suites now.  For a suite that
    cannot be reached then, what was read earlier is returned.  After one that does not answer no
    other suite is asked.
    """
    file = cache / "offered.json"
    with locked(cache / "apt"):
        kept: Offered = json.loads(file.read_text()) if file.is_file() else {}
        if not refresh and set(kept) == set(SUITES) and _age(file) < INDEX_AGE:
            return kept
        offered: Offered = {}
        unanswered: apt.TooSlow | None = None
        for suite in SUITES:
            try:
                if unanswered:
                    raise unanswered
                source = apt.source_of(suite, apt.system_sources())
                found = apt.AptRoot(cache / "apt" / suite, suite, source).index("linux-")
                offered[suite] = [{name: it[name] for name in FIELDS} for it in found]
                say(f"{suite}: {len(found)} packages")
            except apt.AptError as error:
                unanswered = error if isinstance(error, apt.TooSlow) else None
                old = kept.get(suite, str(error))
                offered[suite] = old
                use = "" if isinstance(old, str) else "; using what was read earlier"
                say(f"{suite}: not reachable: {error}{use}")
        if any(not isinstance(value, str) for value in offered.values()):
            write_whole(file, json.dumps(offered, indent=1))
        return offered


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Keep other processes from filling the cache at the same time."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def nothing(branch: str, offered: Offered) -> NotRun:
    """Say that no suite offers this, and which suites could not be read."""
    failed = "; ".join(f"{suite}: {v}" for suite, v in offered.items() if isinstance(v, str))
    return NotRun(branch, "no reachable suite offers it" + (f" ({failed})" if failed else ""))


def choose(offered: Offered, branches: Sequence[str] = BRANCHES) -> dict[str, Candidate | NotRun]:
    """Return the newest kernel of each branch; a branch that has the same one is left out."""
    everything = every(candidates, offered)
    chosen: dict[str, Candidate | NotRun] = {}
    for branch in branches:
        best = newest(branch, everything)
        if best is None:
            chosen[branch] = nothing(branch, offered)
        elif best not in chosen.values():
            chosen[branch] = best
    return chosen
