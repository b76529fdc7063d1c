# SPDX-License-Identifier: GPL-2.0-only
"""Kernel sources to read: packages of Debian, and trees of the user."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_upstream import NAME, packed, reach

from conformance import apt, tools
from conformance.offers import Candidate, NotRun
from upstream import sources

CODE = """\
static int ponds(int frogs)
{
	return frogs;
}

static int fish(struct pond *pond,
		int number)
{
	return ponds(number);
}
"""

FILES = {sources.LANDMARK: CODE, "sound/oboe.c": "int oboe;\n"}


def tree(place: Path, *makefile: str) -> Path:
    """A source tree with these lines in its Makefile."""
    (place / "kernel" / "bpf").mkdir(parents=True)
    (place / sources.LANDMARK).write_text(CODE, encoding="utf-8")
    (place / "Makefile").write_text("\n".join(makefile) + "\n", encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("makefile", "release"),
    [
        (("VERSION = 6", "PATCHLEVEL = 1", "SUBLEVEL = 192", "EXTRAVERSION ="), "6.1.192"),
        (("VERSION = 7", "PATCHLEVEL = 3", "SUBLEVEL = 0", "EXTRAVERSION ="), "7.3"),
    ],
)
def test_a_tree_names_its_release(tmp_path: Path, makefile: tuple[str, ...], release: str) -> None:
    assert sources.own(tree(tmp_path, *makefile)).release == release


def test_a_release_candidate_is_refused(tmp_path: Path) -> None:
    lines = ("VERSION = 7", "PATCHLEVEL = 3", "SUBLEVEL = 0", "EXTRAVERSION = -rc5")
    with pytest.raises(ValueError, match="release candidate"):
        sources.own(tree(tmp_path, *lines))


def test_another_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a source tree of Linux"):
        sources.own(tmp_path)


def test_a_file_or_one_function_of_it_is_read(tmp_path: Path) -> None:
    own = sources.Tree("mine", "7.3", tree(tmp_path))
    assert own.text(sources.LANDMARK) == CODE
    found = own.text(f"{sources.LANDMARK}:ponds")
    assert found == "ponds(int frogs)\n{\n\treturn frogs;\n}"
    assert "return ponds(number)" in own.text(f"{sources.LANDMARK}:fish")
    assert own.text(f"{sources.LANDMARK}:frogs") == ""
    assert own.text("kernel/bpf/ponds.c") == ""


def test_the_newest_of_each_package_is_chosen() -> None:
    def candidate(branch: str, version: str) -> Candidate:
        return Candidate("sid", f"linux-source-{branch}", version, "", "", 0)

    offered = [
        candidate("6.12", "6.12.9-1"),
        candidate("6.1", "6.1.192-1"),
        candidate("6.12", "6.12.118-1"),
        candidate("6.1", "6.1.20-1"),
    ]
    assert [one.version for one in sources.newest(offered)] == ["6.1.192-1", "6.12.118-1"]


def test_a_package_becomes_a_tree(tmp_path: Path, offered: Path) -> None:
    packed(tmp_path, FILES, changelog="a change")
    (found,) = sources.packages(print, tmp_path / "cache")
    assert isinstance(found, sources.Tree)
    assert (found.name, found.release, found.changelog) == (f"{NAME} 9.9.1-1", "9.9.1", "a change")
    assert found.text(sources.LANDMARK) == CODE
    assert not (found.place / "sound").exists()  # no record names it
    offered.unlink()
    assert sources.packages(print, tmp_path / "cache") == [found]  # and not fetched again


def test_a_package_is_fetched_again_for_other_directories(
    tmp_path: Path, offered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(tmp_path, FILES)
    sources.packages(print, tmp_path / "cache")
    monkeypatch.setattr(sources, "MEMBERS", ("sound",))
    (found,) = sources.packages(print, tmp_path / "cache")
    assert isinstance(found, sources.Tree)
    assert found.text("sound/oboe.c") == "int oboe;\n"


def test_a_damaged_package_is_not_run(tmp_path: Path, offered: Path) -> None:
    packed(tmp_path, FILES)
    offered.write_bytes(offered.read_bytes()[:-200])
    (found,) = sources.packages(print, tmp_path / "cache")
    assert isinstance(found, NotRun)
    assert "cannot be unpacked" in found.reason


def test_what_cannot_be_had_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(suite: str) -> list[dict[str, str]]:
        raise apt.AptError(f"no route to {suite}")

    reach(monkeypatch, tmp_path, answer)
    (found,) = sources.packages(print, tmp_path)
    assert isinstance(found, NotRun)
    assert "sid: no route to sid" in found.reason


def test_what_unpacks_is_asked_for_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.MissingTools, match="tar$"):
        sources.packages(print, tmp_path / "cache")
