# SPDX-License-Identifier: GPL-2.0-only
"""What every page for readers has: a short title, and code that they can copy."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stories import facts
from stories.listings import BEGIN, EXAMPLES, shown, to_copy

from conformance import twins
from records.matrix import committed_matrix
from reference_model.catalogue import LANGUAGES, BreakingChange, Recipe, StoryError, stories

STORIES = stories()
CHANGES = stories(BreakingChange)
COPIED = [path for folder in ("fixes", "guides") for path in sorted((EXAMPLES / folder).iterdir())]
IN_C = [path for path in COPIED if path.suffix == ".c"]

LACKING = twins.missing_tools()
needs_compiler = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

MULTIARCH = f"{platform.machine()}-linux-gnu"
BPF = ["clang", "-g", "-target", "bpf", "-idirafter", f"/usr/include/{MULTIARCH}"]
"""The compiler for BPF; Debian has asm/types.h where clang does not look for it."""


def lacks(name: str) -> Iterator[str]:
    """What the page of a story lacks."""
    story = STORIES[name]
    yield from story.lacks()
    if isinstance(story, BreakingChange) and bool(story.fix) != bool(to_copy("fixes", name)):
        yield "code for its fix"
    if isinstance(story, Recipe) and "C" not in to_copy("guides", name):
        yield "C to copy"


@pytest.mark.parametrize("name", STORIES)
def test_a_page_has_what_readers_need(name: str) -> None:
    assert list(lacks(name)) == []


@pytest.mark.parametrize("name", [name for name, story in CHANGES.items() if story.signs])
def test_the_signs_find_the_c_version(name: str) -> None:
    """The C version of a story is code that the change affects."""
    patterns = [sign.pattern for sign in CHANGES[name].signs if sign.language == "C"]
    files = [str(EXAMPLES / f"{name}{ending}") for ending in (".c", ".bpf.c")]
    found = [subprocess.run(["grep", "-nE", pattern, *files]).returncode for pattern in patterns]
    assert 0 in found
    assert set(found) <= {0, 1}, "a pattern is no regular expression"


@pytest.mark.parametrize("name", CHANGES)
def test_a_sign_can_be_pasted_into_a_shell(name: str) -> None:
    for sign in CHANGES[name].signs:
        assert sign.language in LANGUAGES
        assert "'" not in sign.pattern
        re.compile(sign.pattern)


# -- the code to copy ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", COPIED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_belongs_to_a_story_and_shows_a_part(path: Path) -> None:
    kind = {"fixes": BreakingChange, "guides": Recipe}[path.parent.name]
    assert isinstance(STORIES.get(path.name.partition(".")[0]), kind)
    assert path.suffix != ".c" or BEGIN in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (("a", "BEGIN", "b"), 2),
        (("a", "END", "b"), 2),
        (("END", "a", "BEGIN"), 1),
        (("BEGIN", "BEGIN", "a", "END", "END"), 2),
        (("BEGIN", "a", "END", "END"), 4),
        (("BEGIN", "a", "b; END"), 3),
    ],
)
def test_a_mark_without_its_fellow_is_named(lines: tuple[str, ...], number: int) -> None:
    text = "\n".join(lines).replace("BEGIN", BEGIN).replace("END", "/* [end shown] */")
    with pytest.raises(StoryError, match=rf"x\.c:{number}: each part"):
        shown(text, "x.c")


@needs_compiler
@pytest.mark.parametrize("path", IN_C, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_compiles_by_itself(path: Path, tmp_path: Path) -> None:
    """Not the file but what the page shows of it: a reader copies no more."""
    compiler = [*BPF] if path.name.endswith(".bpf.c") else ["cc"]
    text = path.read_text(encoding="utf-8").partition(BEGIN)[2]
    assert compiled(text, tmp_path, compiler) == ""


@needs_compiler
def test_a_name_that_is_not_declared_is_found(tmp_path: Path) -> None:
    assert "undeclared" in compiled("int f(void)\n{\n\treturn map;\n}\n", tmp_path, ["cc"])


def compiled(text: str, folder: Path, compiler: list[str]) -> str:
    """What a compiler has to say about a file."""
    warnings = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]  # a BPF program's context
    options = ["-O2", *warnings, "-x", "c", "-c", "-"]
    command = [*compiler, *options, "-o", str(folder / "out.o")]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stderr


# -- the box of facts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_a_kernel_that_showed_only_a_part_is_counted_apart(name: str) -> None:
    cells = committed_matrix().cells[name].values()
    marks = [cell.agreement.word for cell in cells]
    parts = marks.count("agrees in part")
    whole = sum(marks.count(word) for word in ("agrees", "agrees, as a trace", "undefined"))
    said = facts.tested(name, STORIES[name])
    assert said.startswith(f"`{whole} kernel")
    assert (f"; {parts} more kernel" in said) is (parts > 0)
