# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernel source for the check comes from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support_upstream import FILES, NAME, packed, reach, stanza

from conformance import apt, offers, tools, twins
from upstream import __main__ as command_line
from upstream import package, tree


def test_the_newest_source_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = reach(
        monkeypatch,
        tmp_path,
        lambda suite: {
            "sid": [
                stanza("linux-source-7.2", "7.2.13-1"),
                stanza("linux-source", "7.9-1"),
                stanza("linux-source-7.4", "7.4~rc7-1"),
            ],
        }.get(suite, [stanza("linux-source-7.3", "7.3.4-1~bpo13+1")]),
    )
    best = package.newest(print)
    assert isinstance(best, offers.Candidate)
    assert (best.package, best.version) == ("linux-source-7.3", "7.3.4-1~bpo13+1")
    assert package.newest(print) == best
    assert asked == list(offers.SUITES)  # and not a second time
    package.newest(print, refresh=True)
    assert asked == [*offers.SUITES, *offers.SUITES]


def test_older_suites_serve_where_the_newest_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(suite: str) -> list[dict[str, str]]:
        if suite != "bookworm":
            raise apt.AptError("no route")
        return [stanza("linux-source-6.1", "6.1.176-1")]

    reach(monkeypatch, tmp_path, answer)
    best = package.newest(print)
    assert isinstance(best, offers.Candidate)
    assert best.suite == "bookworm"


def test_an_archive_that_does_not_answer_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(suite: str) -> list[dict[str, str]]:
        raise apt.TooSlow("apt-get took more than 180 seconds")

    asked = reach(monkeypatch, tmp_path, answer)
    assert isinstance(package.newest(print), offers.NotRun)
    assert asked == [offers.SUITES[0]]


def test_what_cannot_be_had_is_not_run_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(suite: str) -> list[dict[str, str]]:
        raise apt.AptError(f"no route to {suite}")

    asked = reach(monkeypatch, tmp_path, answer)
    monkeypatch.setattr(package, "get", partial(package.get, cache=tmp_path))
    assert command_line.main(["check"]) == 3
    told = capsys.readouterr().out
    assert "not run: no reachable suite offers it (" in told
    assert "sid: no route to sid" in told
    assert set(asked) == set(offers.SUITES)
    assert not (tmp_path / "offered.json").exists()


def test_missing_tools_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_line.main(["check"]) == 2
    assert "apt-get install --no-install-recommends clang gcc make" in capsys.readouterr().err


def test_the_packages_are_listed() -> None:
    text = Path(package.__file__).with_name("apt.txt").read_text(encoding="utf-8")
    listed = {line for line in text.splitlines() if not line.startswith("#")}
    assert {*package.NEEDED.values(), *twins.PACKAGE_OF.values()} <= listed
    assert set(twins.LIBRARIES.values()) <= listed


# -- from a package to a tree


def test_a_package_becomes_a_tree(tmp_path: Path, offered: Path) -> None:
    packed(tmp_path, {**FILES, "Makefile": "all:\n", "sound/oboe.c": "int oboe;\n"})
    source = package.get(print, tmp_path / "cache")
    assert isinstance(source, package.SourcePackage)
    assert (source.package, source.version) == (NAME, "9.9.1-1")
    assert (source.linux / "Documentation" / "bpf" / "index.rst").exists()
    assert not (source.linux / "sound").exists()  # nothing asks for it
    assert tree.opened(source.linux) == source.linux.resolve()
    assert str(tree.sender(source.linux)) == "{} <{}>".format(*package.IDENTITY)
    assert sorted(path.name for path in source.place.iterdir()) == ["linux", "ready"]
    offered.unlink()
    assert package.get(print, tmp_path / "cache") == source  # and not fetched again


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda made: made.write_bytes(made.read_bytes()[:-200]), "cannot be unpacked"),
        (lambda made: packed(made.parent / "other", {"README": ""}).rename(made),
         f"{NAME} has no MAINTAINERS"),
    ],
    ids=["damaged", "another source"],
)  # fmt: skip
def test_what_is_no_source_is_not_run(
    tmp_path: Path, offered: Path, damage: Callable[[Path], object], reason: str
) -> None:
    packed(tmp_path, FILES)
    damage(offered)
    answer = package.get(print, tmp_path / "cache")
    assert isinstance(answer, offers.NotRun)
    assert reason in answer.reason
    assert not list((tmp_path / "cache").rglob("ready"))


def test_what_unpacks_is_asked_for_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.MissingTools) as caught:
        package.get(print, tmp_path / "cache")
    assert "apt-get install --no-install-recommends git make perl tar" in str(caught.value)
