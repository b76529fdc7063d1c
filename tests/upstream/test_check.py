# SPDX-License-Identifier: GPL-2.0-only
"""The check of the series, on the newest kernel source of Debian, and with everything broken."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from conformance import offers
from reference_model import changes
from upstream import __main__ as command_line
from upstream import check, package, series, snippets
from upstream.edits import Edit, Passage, Where
from upstream.patch import CGROUP_STORAGE, CGRP_STORAGE, HEADERS, Claim, Patch
from upstream.patches import PATCHES, READ_IN
from upstream.text import DOCS
from upstream.words import commit

CLAIM = Claim("a", "b", "c", stories=("reattach_keeps_data",))


def test_a_maintainer_could_take_the_series(debian: package.SourcePackage) -> None:
    said: list[str] = []
    rows, wrong = check.check(debian, said.append)
    assert wrong == []
    found = {row.patch: row.words for row in rows}
    wanted = {
        "detach": ["clean", "clean", "yes", "4 of 4"],
        "examples": ["clean", "clean", "yes", "9 of 9"],
        "reference": ["clean", "clean", "yes", "9 of 9"],
        "helper": ["clean", "clean", "yes", "none there"],
    }
    if offers.upstream(debian.version) != READ_IN:  # a newer text need not have our places
        wanted |= {name: words for name, words in found.items() if words == ["left out"]}
        assert len([words for words in wanted.values() if words != ["left out"]]) > 0
    assert found == wanted
    assert set(found) == {patch.name for patch in PATCHES}
    assert re.fullmatch(r"htmldocs: 0 new warnings \(\d+ without the series\)", said[-1])


def test_the_command_writes_the_series(
    debian: package.SourcePackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command_line.main(["series", str(debian.linux), "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:-1] == [str(path) for path in sorted(out.iterdir())]
    assert told[-1] == f"Read them, then: git send-email {out}/*.patch"


def appended(path: str, at: str, new: str, where: Where = Where.AFTER) -> tuple[Edit, ...]:
    return (Edit(Passage(path, at), where, "a place", lambda: new),)


SAID = f"Say it, as it is since {commit(changes.SHARED_STORAGE)}."
TYPO = "Reci" + "eve"  # our own spell checker is not to find it
END, HELPER = "Program test runs always use a temporary storage.", "A pointer to the local"

BROKEN = (
    Patch("typo", "bpf, docs: Say it", f"{SAID} {TYPO} it.", "this", (CLAIM,),
          appended(CGROUP_STORAGE, END, "\n\nIt is received.")),
    Patch("c", "bpf, docs: Add a program", SAID, "this", (CLAIM,),
          appended(CGRP_STORAGE, "Examples", "::\n\n    #include <no.h>\n    int x;\n\n",
                   Where.BEFORE)),
    Patch("rst", "bpf, docs: Add a tab set", SAID, "this", (CLAIM,),
          appended(CGRP_STORAGE, "Usage =====", ".. tab-set::\n\n   x\n\n", Where.BEFORE)),
    Patch("header", "bpf, docs: Add a star", SAID, "this", (CLAIM,),
          appended(HEADERS[0], HELPER, " **is")),
    Patch("gone", "bpf, docs: Say more", SAID, "this", (CLAIM,),
          appended(CGRP_STORAGE, "words that stand nowhere", "more")),
    Patch("space", "bpf, docs: Add spaces", SAID, "this", (CLAIM,),
          appended(CGROUP_STORAGE, END, "  ")),
)  # fmt: skip


def test_whatever_is_broken_is_found(
    debian: package.SourcePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "write", partial(series.write, patches=BROKEN))
    said: list[str] = []
    rows, wrong = check.check(debian, said.append)
    assert {row.patch: row.words for row in rows} == {
        "typo": ["clean", "no", "yes", "no"],  # the kernel's own examples do not compile
        "c": ["clean", "clean", "yes", "no"],
        "rst": ["clean", "clean", "no", "no"],
        "header": ["clean", "clean", "no", "none there"],
        "space": ["no"],
        "gone": ["left out"],
    }
    assert "'words that stand nowhere' should stand there once, stands nowhere" in said[1]
    told = "\n".join(wrong)
    for complaint in (
        "trailing whitespace",
        f"'{TYPO}' may be misspelled",
        "no.h: No such file or directory",
        'Unknown directive type "tab-set"',
        "Inline strong start-string without end-string",
        "htmldocs: ",
    ):
        assert complaint in told
    assert "new warnings" not in told


def test_the_kernels_examples_are_as_bad_as_the_patches_say(debian: package.SourcePackage) -> None:
    told = []
    for path in (CGROUP_STORAGE, CGRP_STORAGE):
        text = (debian.linux / path).read_text(encoding="utf-8")
        for snippet in snippets.snippets(text):
            told.append(snippets.compiled(snippet, debian.linux / HEADERS[0]))
    old = [complaint for complaint in told if "linux/libbpf.h: No such file" in complaint]
    found = len(old), len([complaint for complaint in told if complaint])
    if found != (3, 5) and offers.upstream(debian.version) != READ_IN:
        pytest.skip(
            f"the kernel's text was read in {READ_IN}, and {debian.version} has another one"
        )
    assert found == (3, 5)  # the old header, and both BPF programs


def test_the_page_names_the_release_that_was_read() -> None:
    text = (DOCS / "upstream.rst").read_text(encoding="utf-8")
    assert f"The quoted text is that of Linux {READ_IN}." in text


def test_the_tree_is_left_at_its_base(debian: package.SourcePackage) -> None:
    assert (debian.linux / ".git" / "HEAD").read_text() == "ref: refs/heads/base\n"


# -- what the checks rest on


PROGRAM = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nint answer SEC("data") = {};\n'


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n", ""),
        ("#include <stdio.h>\nint main(void)\n{\n\tint x;\n\n\treturn 0;\n}\n", "unused variable"),
        ("void *bpf_get(struct bpf_map *map, u64 flags)\n", ""),
        ("struct key {\n\t__u64 id;\n};\n", ""),
        ("struct = {\n\t.id = 1,\n};\n", "expected"),
        (PROGRAM.format(1), ""),
        (PROGRAM.format("nothing"), "undeclared identifier"),
        ('#include <vmlinux.h>\nint answer SEC("data") = BPF_MAP_TYPE_HASH;\n', ""),
    ],
)  # fmt: skip
def test_a_snippet_compiles_or_is_complained_of(code: str, complaint: str) -> None:
    header = Path("/usr/include/linux/bpf.h")
    if not header.exists() or not Path("/usr/include/bpf/bpf_helpers.h").exists():
        pytest.skip("libbpf-dev is not installed")
    if "vmlinux" in code:
        code = code.replace("\nint", "\n#include <bpf/bpf_helpers.h>\nint")
    told = snippets.compiled(snippets.Snippet(1, code), header)
    assert (complaint in told) if complaint else not told


def test_all_c_of_a_document_is_found() -> None:
    text = "One::\n\n    int one;\n\n.. code-block:: c\n\n   int two(void)\n\nNo C::\n\n    none\n"
    assert [snippet.code for snippet in snippets.snippets(text)] == [
        "int one;\n",
        "int two(void)\n",
    ]


def test_a_warning_is_new_if_it_was_not_there_as_often() -> None:
    before = Counter(check.warnings("a.rst:3: WARNING: odd\nb.rst:1: WARNING: even\n"))
    after = Counter(
        check.warnings("a.rst:9: WARNING: odd\na.rst:10: WARNING: odd\nc.rst: ERROR: no\nfine\n")
    )
    assert check.new_warnings(before, after) == ["a.rst: WARNING: odd", "c.rst: ERROR: no"]
