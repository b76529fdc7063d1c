# SPDX-License-Identifier: GPL-2.0-only
"""The patches for docs.ebpf.io, on pages of our own making in the shape of theirs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support_upstream import git

from upstream import __main__ as command_line
from upstream import ebpf_docs, snippets, tree
from upstream.edits import Edit, Passage, digest
from upstream.patch import Patch
from upstream.patches.ebpf_docs import EBPF_DOCS, HELPER, HELPER_PAGE, MAP_PAGES, MAPS
from upstream.series import Choices

BEGINNINGS = {
    "When a cGroup is deleted,": "frogs are removed.",
    "This map type can only": "be used by frogs, of all program types.",
    "must be `12` bytes": "as in the following type:",
    "may also be `8`": "frogs or one `cgroup_inode_id`.",
    "## Usage": "\n\nContributions by frogs are very welcome",
    "### Example": "\n\nContributions by toads are very welcome",
}
"""How the passages of the real pages begin, and another end of each, with the same last words."""

MAP_PAGE = """\
# A map type

Frogs. {When a cGroup is deleted,}

{This map type can only} More.

The key {must be `12` bytes}
```c
struct frog;
```
After 5.9 it {may also be `8`}

* a list
"""
HELPER_TEXT = "# A helper\n\n{## Usage}\n\n### Program types\n\n * one\n\n{### Example}\n"

WORDS = "personal_ws-1.1 en 0\ncGroup\ncGroups\nCPUs\nverifier\nbpf\n"


def passage(begin: str) -> str:
    joint = "" if BEGINNINGS[begin][:1] == "\n" else " "
    return f"{begin}{joint}{BEGINNINGS[begin]}"


def page(text: str) -> str:
    return re.sub(r"\{([^}]+)\}", lambda found: passage(found[1]), text)


def adapted(patch: Patch) -> Patch:
    """A patch that expects the passages of our pages in the place of the real ones."""

    def here(edit: object) -> Edit:
        assert isinstance(edit, Edit)
        at = edit.passage
        words = digest(passage(at.begin))
        return replace(edit, passage=Passage(at.path, at.begin, at.end, words))

    return replace(patch, edits=tuple(map(here, patch.edits)))


PATCHES = tuple(map(adapted, EBPF_DOCS))


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a project that has the same pages."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    place = tmp_path / "docs"
    texts = {path: page(MAP_PAGE) for path in MAPS}
    texts |= {HELPER: page(HELPER_TEXT), "mkdocs.yml": "", ebpf_docs.WORDS: WORDS}
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q", str(place))
    git(place, "config", "user.name", "A Sender")
    git(place, "config", "user.email", "sender@example.org")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "Pages")
    return place


def test_the_patches_apply_to_a_branch(docs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    written = ebpf_docs.write(docs, tmp_path / "out", said.append, patches=PATCHES)
    assert [path.name[:5] for path in written.files] == ["0001-", "0002-"]
    git(docs, "checkout", "-q", "-b", "mine")
    git(docs, "am", "-q", *map(str, written.files))
    for path in MAPS:
        text = (docs / path).read_text(encoding="utf-8")
        assert "The key must be `16` bytes on 64-bit systems" in text
        assert "frogs or one `cgroup_inode_id`. All attach types of the cGroup" in text
        assert "BPF_PROG_TYPE_SOCK_OPS" in text
        assert "until" not in text
        assert "* a list" in text
    text = (docs / HELPER).read_text(encoding="utf-8")
    assert "very welcome" not in text
    assert "## Usage\n\nThe returned pointer" in text
    assert " * one\n" in text
    assert git(docs, "log", "-1", "--format=%s%n%an").splitlines() == [
        HELPER_PAGE.subject, "A Sender",
    ]  # fmt: skip


def test_a_page_that_has_changed_gets_no_patch(docs: Path, tmp_path: Path) -> None:
    (docs / MAPS[1]).write_text("# Somebody rewrote this\n", encoding="utf-8")
    git(docs, "commit", "-q", "-a", "-m", "Rewrite")
    said: list[str] = []
    written = ebpf_docs.write(docs, tmp_path / "out", said.append, patches=PATCHES)
    assert list(written.left_out) == [MAP_PAGES.name]
    assert said[0].startswith(f"left out: {MAP_PAGES.subject}\n  {MAPS[1]}: ")


def test_the_real_patches_expect_other_words(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(tree.TreeError, match="no patch has its place here"):
        ebpf_docs.write(docs, tmp_path / "out", lambda text: None)


def test_two_runs_give_the_same_bytes_and_sign_off_on_request(docs: Path, tmp_path: Path) -> None:
    def run(choices: Choices) -> list[bytes]:
        made = ebpf_docs.write(docs, tmp_path / "out", print, choices, PATCHES)
        return [path.read_bytes() for path in made.files]

    plain = run(Choices())
    assert plain == run(Choices())
    assert all(b"Signed-off-by" not in text for text in plain)
    signed = run(Choices(signoff=True))
    assert all(b"\nSigned-off-by: A Sender <sender@example.org>\n" in text for text in signed)


def test_another_project_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "init", "-q", "other")
    other = tmp_path / "other"
    who = ("-c", "user.name=x", "-c", "user.email=x")
    git(other, *who, "commit", "-q", "--allow-empty", "-m", "x")
    assert command_line.main(["ebpf-docs", str(other)]) == 2
    told = capsys.readouterr().err
    assert f"{other} has no mkdocs.yml; name a checkout of isovalent/ebpf-docs" in told


def test_make_asks_for_the_checkout() -> None:
    command = ["make", "-s", "upstream-ebpf-docs", "EBPF_DOCS="]
    root = Path(__file__).parents[2]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert made.returncode
    assert "make upstream-ebpf-docs EBPF_DOCS=/path/to/ebpf-docs" in made.stderr


needs_aspell = pytest.mark.skipif(
    shutil.which("aspell") is None, reason="aspell is not installed: apt install aspell aspell-en"
)


@needs_aspell
def test_the_words_are_known() -> None:
    assert ebpf_docs.unknown(EBPF_DOCS, WORDS, pytest.fail) == []


@needs_aspell
def test_an_unknown_word_is_found() -> None:
    (first, *_) = MAP_PAGES.edits
    wrong = "Frogs " + "reci" + "eve `nocodeword` [here](nolinkword)."
    assert isinstance(first, Edit)
    patch = replace(MAP_PAGES, edits=(replace(first, new=lambda: wrong),))
    assert ebpf_docs.unknown([patch], WORDS, pytest.fail) == ["reci" + "eve"]


def test_without_aspell_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert ebpf_docs.unknown(EBPF_DOCS, WORDS, said.append) == []
    assert "apt install aspell aspell-en" in said[0]


def test_the_example_compiles() -> None:
    header = Path("/usr/include/linux/bpf.h")
    if not header.exists() or not Path("/usr/include/bpf/bpf_helpers.h").exists():
        pytest.skip("libbpf-dev is not installed")
    text = "\n".join(line[1:] for edit in HELPER_PAGE.edits for line in edit.shown)
    (code,) = re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    assert snippets.compiled(snippets.Snippet(1, code), header) == ""
