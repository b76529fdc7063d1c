# SPDX-License-Identifier: GPL-2.0-only
"""Whether the records of changes are right: compared with the source of every kernel at hand.

Each record says since which releases a change is there, stable ones included, and has a marker: a
text that the source contains since the change, or until it.  Debian's changelogs list the commits
of each stable release, and the ids of vulnerabilities: they are compared too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conformance import tools
from conformance.offers import NotRun
from reference_model import MAINLINE, Change, Release, changes, other_changes

from . import sources
from .sources import Tree

STABLE = re.compile(r"/ChangeLog-(\d+\.\d+\.\d+)$")
ITEM = re.compile(r"^    - (?P<title>.*?)(?: \((?P<cves>CVE-[^)]*)\))?$")

NAMES = {**changes.NAMES, **other_changes.NAMES}

COMPLETE = 10
"""Debian lists all commits of long-term releases; of others it lists few or none.  Where fewer than
this are listed, a missing commit means nothing."""

Listed = Mapping[str, Mapping[str, tuple[str, ...]]]
"""For each stable release its commits, by subject, with the ids of vulnerabilities."""


def holds(change: Change, tree: Tree) -> bool | None:
    """Whether a source has a change, by its marker; None for a change that has none."""
    if change.marker is None:
        return None
    found = re.search(change.marker.pattern, tree.text(change.marker.file))
    return (found is None) == change.marker.until


def claimed(change: Change, tree: Tree) -> bool:
    """Whether the record says that the source of this release has the change or a part of it."""
    return Release(tree.release).has(change) or began(change.partial, tree.release)


def began(firsts: Sequence[str], release: str) -> bool:
    """Whether a stable release is one of these or follows one of them on its branch."""
    return any(
        branch(first) == branch(release) and Release(first) <= Release(release) for first in firsts
    )


def branch(release: str) -> str:
    """The mainline release on which a stable one is based.

    >>> branch("6.1.192"), branch("6.1")
    ('6.1', '6.1')
    """
    return ".".join(release.split(".")[:2])


def listed(changelog: str) -> Listed:
    """The commits that Debian's changelog lists for each stable release that the model knows.

    >>> log = '''  * New upstream stable update:
    ...     https://www.kernel.org/pub/linux/kernel/v6.x/ChangeLog-6.1.151
    ...     - bpf: Fix oob access in cgroup local storage
    ...       (CVE-2025-38502)
    ...     - bpf: Another fix
    ...
    ...   [ Somebody ]
    ...   * A change of Debian
    ...     - bpf: Not of the stable release'''
    >>> listed(log)["6.1.151"]
    {'bpf: Fix oob access in cgroup local storage': ('CVE-2025-38502',), 'bpf: Another fix': ()}
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    commits: dict[str, tuple[str, ...]] = {}
    for line in re.sub(r"\n      (?=\S)", " ", changelog).splitlines():
        if stable := STABLE.search(line):
            commits = {}
            if branch(stable[1]) in MAINLINE:
                commits = found.setdefault(stable[1], {})
        elif item := ITEM.match(line):
            commits[item["title"]] = tuple(re.findall(r"CVE-[\d-]+", item["cves"] or ""))
        else:
            commits = {}
    return found


def differences(change: Change, tree: Tree, log: Listed) -> Iterator[str]:
    """What a source or its changelog says against a record, a sentence each."""
    there = holds(change, tree)
    if there is not None and there != claimed(change, tree):
        word = "contains" if there else "does not contain"
        yield f"{tree.name} {word} the change, by its marker"
    stable_firsts = (*change.backports, *change.partial)
    for stable, commits in log.items():
        if change.title in commits:
            if stable not in stable_firsts:
                yield f"the changelog of {tree.name} lists the commit for {stable}"
            for cve in commits[change.title]:
                if cve != change.cve:
                    yield f"the changelog of {tree.name} names {cve}"
        elif stable in stable_firsts and len(commits) >= COMPLETE:
            yield f"the changelog of {tree.name} does not list the commit for {stable}"


def compare(trees: Sequence[Tree]) -> dict[str, list[str]]:
    """For each record what speaks against it: an empty list where all agrees."""
    logs = [listed(tree.changelog) for tree in trees]
    return {
        name: [
            text
            for tree, log in zip(trees, logs, strict=True)
            for text in differences(change, tree, log)
        ]
        for change, name in NAMES.items()
    }


def table(trees: Sequence[Tree]) -> str:
    """Which source has which change, by its marker; what differs from the record has a mark."""
    cells = [["change", *(tree.release for tree in trees)]]
    for change, name in NAMES.items():
        row = [name]
        for tree in trees:
            there = holds(change, tree)
            word = "no marker" if there is None else "with" if there else "without"
            row.append(word if there in (None, claimed(change, tree)) else f"{word} (!)")
        cells.append(row)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def main(linux: Sequence[Path], *, refresh: bool = False) -> int:
    """Compare, and print the table and what differs; the exit status."""

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        trees = [sources.own(path) for path in linux]
        found = [] if linux else sources.packages(say, refresh=refresh)
    except (ValueError, tools.MissingTools) as error:
        print(f"python -m upstream sources: {error}", file=sys.stderr)
        return 2
    trees += [one for one in found if isinstance(one, Tree)]
    for one in found:
        if isinstance(one, NotRun):
            say(f"{one.branch}: not run: {one.reason}")
    if not trees:
        return 3
    said = compare(trees)
    say(table(trees))
    for name, texts in said.items():
        for text in texts:
            say(f"{name}: {text}")
    wrong = sum(map(len, said.values()))
    say(f"{len(NAMES)} records, {len(trees)} sources, {wrong} differences")
    return 1 if wrong else 0
