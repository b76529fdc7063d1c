# SPDX-License-Identifier: GPL-2.0-only
"""The records of changes agree with the kernel sources at hand, and a wrong record is found."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import tools
from conformance.offers import NotRun
from reference_model import MAINLINE, Change, Release
from reference_model.releases import Marker
from upstream import __main__ as command_line
from upstream import markers, sources
from upstream.markers import NAMES
from upstream.sources import Tree

RECORDS = [pytest.param(change, id=name) for change, name in NAMES.items()]
FILE = "kernel/bpf/ponds.c"


@pytest.fixture(scope="session")
def kernels() -> list[Tree]:
    """The kernel sources that Debian offers; skipped with the reason if none can be had."""
    try:
        found = sources.packages(print)
    except tools.MissingTools as error:
        pytest.skip(f"not run: {error}")
    trees = [one for one in found if isinstance(one, Tree)]
    if not trees:
        reasons = "; ".join(one.reason for one in found if isinstance(one, NotRun))
        pytest.skip(f"not run: {reasons}")
    return trees


@pytest.mark.parametrize("change", RECORDS)
def test_a_released_change_has_a_marker(change: Change) -> None:
    assert (change.marker is None) == (change.first is None)
    if change.marker is not None:
        file, _, function = change.marker.file.partition(":")
        assert file.startswith(tuple(f"{member}/" for member in sources.MEMBERS))
        assert re.fullmatch(r"\w*", function)
        assert len(change.marker.pattern) <= 60, "a marker copies no text of the kernel"


# -- with Debian's sources ------------------------------------------------------------------------


def test_the_records_agree_with_the_sources(kernels: list[Tree]) -> None:
    said = markers.compare(kernels)
    assert {name: texts for name, texts in said.items() if texts} == {}
    assert set(said) == set(NAMES.values())


@pytest.mark.parametrize("change", [one for one in RECORDS if one.id != "ATTACH_TYPE_IGNORED"])
def test_a_wrong_first_release_is_found(kernels: list[Tree], change: Change) -> None:
    """Claim of each change that the oldest source at hand lacks it, or that it has it."""
    oldest = kernels[0]
    here = MAINLINE.index(markers.branch(oldest.release))
    later = MAINLINE[here + 1] if markers.holds(change, oldest) else MAINLINE[0]
    wrong = replace(change, first=later, backports=(), partial=(), after=None)
    assert any(markers.holds(wrong, tree) != markers.claimed(wrong, tree) for tree in kernels)


# -- with sources of our own ----------------------------------------------------------------------


def tree(place: Path, release: str, code: str, changelog: str = "") -> Tree:
    """A source with this code."""
    linux = place / release
    (linux / FILE).parent.mkdir(parents=True)
    (linux / FILE).write_text(code, encoding="utf-8")
    return Tree(release, release, linux, changelog)


SINCE = Change("frogs", "", "6.2", "Effect.", backports=("6.1.5",), marker=Marker(FILE, "frog"))
UNTIL = replace(SINCE, marker=Marker(FILE, "fish", until=True))
PARTIAL = replace(SINCE, backports=(), partial=("6.1.5",))


@pytest.mark.parametrize("change", [SINCE, UNTIL, PARTIAL])
@pytest.mark.parametrize(
    ("release", "there"), [("6.0", False), ("6.1", False), ("6.1.4", False), ("6.1.5", True),
                           ("6.1.6", True), ("6.2", True), ("7.0.1", True)],
)  # fmt: skip
def test_a_marker_is_compared_with_the_record(
    tmp_path: Path, change: Change, release: str, there: bool
) -> None:
    right, wrong = ("frogs", "fish") if there else ("fish", "frogs")
    assert list(markers.differences(change, tree(tmp_path / "a", release, right), {})) == []
    (said,) = markers.differences(change, tree(tmp_path / "b", release, wrong), {})
    verb = "does not contain" if there else "contains"
    assert said == f"{release} {verb} the change, by its marker"


HEAD = "  * New upstream stable update:\n    https://a.example/ChangeLog-{}\n"
OTHERS = "".join(f"    - fix {number}\n" for number in range(markers.COMPLETE))


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (HEAD.format("6.1.5") + "    - frogs\n", ""),
        (HEAD.format("6.1.5") + "    - frogs\n" + HEAD.format("4.9.7") + "    - frogs\n", ""),
        (HEAD.format("6.1.5") + "    - fish\n", ""),  # Debian lists few of its commits
        (HEAD.format("6.1.5") + OTHERS, "does not list the commit for 6.1.5"),
        (HEAD.format("6.1.4") + "    - frogs\n", "lists the commit for 6.1.4"),
        (HEAD.format("6.1.5") + "    - frogs (CVE-2026-1234)\n", "names CVE-2026-1234"),
        (HEAD.format("6.1.5") + "    - frogs\n      (CVE-2026-1234)\n", "names CVE-2026-1234"),
    ],
)
def test_a_changelog_is_compared_with_the_record(tmp_path: Path, log: str, said: str) -> None:
    source = tree(tmp_path, "6.1.6", "frogs", log)
    found = list(markers.differences(SINCE, source, markers.listed(log)))
    assert found == ([f"the changelog of 6.1.6 {said}"] if said else [])


def test_the_id_of_a_vulnerability_may_be_in_the_record(tmp_path: Path) -> None:
    log = HEAD.format("6.1.5") + "    - frogs (CVE-2026-1234)\n"
    named = replace(SINCE, cve="CVE-2026-1234")
    assert (
        list(markers.differences(named, tree(tmp_path, "6.1.6", "frogs"), markers.listed(log)))
        == []
    )


# -- the command ----------------------------------------------------------------------------------


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tree:
    """The only record is of frogs, the only source has none."""
    monkeypatch.setattr(markers, "NAMES", {SINCE: "FROGS"})
    source = tree(tmp_path, "6.2", "fish")
    monkeypatch.setattr(sources, "packages", lambda say, refresh: [source])
    return source


def test_the_command_shows_what_differs(one: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["sources"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "change  6.2",
        "FROGS   without (!)",
        "FROGS: 6.2 does not contain the change, by its marker",
        "1 records, 1 sources, 1 differences",
    ]
    (one.place / FILE).write_text("frogs", encoding="utf-8")
    assert command_line.main(["sources"]) == 0
    assert "FROGS   with\n" in capsys.readouterr().out


def test_the_command_reads_a_tree_of_the_user(
    one: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["sources", str(one.place)]) == 2
    assert "is not a source tree of Linux" in capsys.readouterr().err
    (one.place / sources.LANDMARK).write_text("", encoding="utf-8")
    (one.place / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    assert command_line.main(["sources", str(one.place)]) == 0


def test_what_cannot_be_had_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "packages", lambda say, refresh: [NotRun("6.1", "no route")])
    assert command_line.main(["sources"]) == 3
    assert capsys.readouterr().out == "6.1: not run: no route\n"


def test_releases_are_compared_within_a_branch() -> None:
    assert markers.began(("6.1.5",), "6.1.10")
    assert not markers.began(("6.1.5",), "6.1.4")
    assert not markers.began(("6.1.5",), "6.2")
    assert Release("6.1.10") > Release("6.1.5")
