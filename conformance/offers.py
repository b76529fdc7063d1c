# SPDX-License-Identifier: GPL-2.0-only
"""What the suites offer: Debian's cloud kernels, and the newest of each branch.

A cloud kernel is the package ``linux-image-RELEASE-cloud-amd64``; since 6.19 that package
is empty and the kernel is in ``linux-binary-RELEASE-cloud-amd64``, its configuration in
``linux-base-RELEASE-cloud-amd64``.  What a suite offers is asked once a week.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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

Say = Callable[[str], None]


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


def candidates(suite: str, packages: Iterable[Mapping[str, str]]) -> list[Candidate]:
    """Return the cloud kernels among the stanzas of a suite's Packages index."""
    found: list[Candidate] = []
    bases: dict[tuple[str, str], Candidate] = {}
    for fields in packages:
        name = fields.get("Package", "")
        candidate = Candidate(
            suite, name, fields.get("Version", ""), fields.get("Filename", ""),
            fields.get("SHA256", ""), int(fields.get("Size", "0")),
        )  # fmt: skip
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


def index(cache: Path, say: Say, *, refresh: bool = False) -> dict[str, list[Candidate] | str]:
    """Return for each suite its kernels, or the reason why it could not be read.

    The answer is cached for INDEX_AGE seconds; ``refresh`` asks the suites now.  For a suite that
    cannot be reached then, what was read earlier is returned.
    """
    file = cache / "index.json"
    kept: dict[str, list[Candidate] | str] = {}
    if file.is_file():
        kept = {
            suite: value if isinstance(value, str) else [_from_json(item) for item in value]
            for suite, value in json.loads(file.read_text()).items()
        }
        if not refresh and set(kept) == set(SUITES) and _age(file) < INDEX_AGE:
            return kept
    offered: dict[str, list[Candidate] | str] = {}
    for suite in SUITES:
        try:
            source = apt.source_of(suite, apt.system_sources())
            root = apt.AptRoot(cache / "apt" / suite, suite, source)
            found = candidates(suite, root.index())
            offered[suite] = found
            say(f"{suite}: {len(found)} cloud kernels")
        except apt.AptError as error:
            old = kept.get(suite, str(error))
            offered[suite] = old
            use = "" if isinstance(old, str) else "; using what was read earlier"
            say(f"{suite}: not reachable: {error}{use}")
    if any(not isinstance(value, str) for value in offered.values()):
        write_whole(file, json.dumps(offered, default=vars, indent=1))
    return offered


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _from_json(item: dict[str, Any]) -> Candidate:
    base = item["base"]
    return Candidate(**{**item, "base": _from_json(base) if base else None})


def choose(
    offered: Mapping[str, Sequence[Candidate] | str], branches: Sequence[str] = BRANCHES
) -> dict[str, Candidate | NotRun]:
    """Return the newest kernel of each branch; a branch that has the same one is left out."""
    everything = [c for value in offered.values() if not isinstance(value, str) for c in value]
    failed = "; ".join(f"{suite}: {v}" for suite, v in offered.items() if isinstance(v, str))
    chosen: dict[str, Candidate | NotRun] = {}
    for branch in branches:
        best = newest(branch, everything)
        if best is None:
            reason = "no reachable suite offers it" + (f" ({failed})" if failed else "")
            chosen[branch] = NotRun(branch, reason)
        elif best not in chosen.values():
            chosen[branch] = best
    return chosen
