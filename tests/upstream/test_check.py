# SPDX-License-Identifier: GPL-2.0-only
"""The check of the series, on the newest kernel source of Debian, and with everything broken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support_upstream import git

from conformance import offers
from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    Kernel,
    changes,
)  # fmt: skip
from reference_model.user_error import UserError
from upstream import __main__ as command_line
from upstream import check, guest_tests, package, snippets, tree
from upstream.edits import Edit, Passage, Where
from upstream.patch import CGROUP_STORAGE, CGRP_STORAGE, HEADERS, Claim, Patch, Series
from upstream.patches import PATCHES, READ_IN
from upstream.patches.cgrp_example import CGRP_EXAMPLE
from upstream.patches.examples import EXAMPLES
from upstream.patches.selftest import SELFTEST, TEST
from upstream.text import DOCS
from upstream.words import commit

CLAIM = Claim("a", "b", "c", "5.9", "d", stories=("reattach_keeps_data",))


def test_a_maintainer_could_take_the_series(debian: package.SourcePackage) -> None:
    said: list[str] = []
    rows, wrong = check.check(debian, said.append)
    assert wrong == []
    found = {row.patch: row.words for row in rows}
    wanted = {
        "frees": ["clean", "clean", "yes", "none changed"],
        "cgrp_example": ["clean", "clean", "yes", "2 of 2"],
        "examples": ["clean", "clean", "yes", "4 of 4"],
        "versions": ["clean", "clean", "yes", "none changed"],
        "reattach": ["clean", "clean", "yes", "none changed"],
        "selftest": ["clean", "clean", "no page", "none changed"],
        "percpu": ["clean", "clean", "yes", "none changed"],
        "errors": ["clean", "clean", "yes", "none changed"],
        "helper": ["clean", "clean", "yes", "none changed"],
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
    Patch("typo", "bpf, docs: Say it", f"{SAID} {TYPO} it.", (CLAIM,),
          appended(CGROUP_STORAGE, END, "\n\nIt is received.")),
    Patch("c", "bpf, docs: Add a program", SAID, (CLAIM,),
          appended(CGRP_STORAGE, "Examples", "::\n\n    #include <no.h>\n    int x;\n\n",
                   Where.BEFORE)),
    Patch("rst", "bpf, docs: Add a tab set", SAID, (CLAIM,),
          appended(CGRP_STORAGE, "Usage =====", ".. tab-set::\n\n   x\n\n", Where.BEFORE)),
    Patch("header", "bpf, docs: Add a star", SAID, (CLAIM,),
          appended(HEADERS[0], HELPER, " **frogs")),
    Patch("gone", "bpf, docs: Say more", SAID, (CLAIM,),
          appended(CGRP_STORAGE, "words that stand nowhere", "more")),
    Patch("space", "bpf, docs: Add spaces", SAID, (CLAIM,),
          appended(CGROUP_STORAGE, END, "  \n\nFrogs.")),
)  # fmt: skip


def test_whatever_is_broken_is_found(
    debian: package.SourcePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SERIES", {1: Series("bpf, docs: Say it", "It is.", BROKEN)})
    said: list[str] = []
    rows, wrong = check.check(debian, said.append)
    assert {row.patch: row.words for row in rows} == {
        "typo": ["clean", "no", "yes", "none changed"],
        "c": ["clean", "clean", "yes", "no"],
        "rst": ["clean", "clean", "no", "none changed"],
        "header": ["clean", "clean", "no", "none changed"],
        "space": ["no"],
        "gone": ["left out"],
    }
    assert "'words that stand nowhere' should stand there once, stands nowhere" in "\n".join(said)
    told = "\n".join(wrong)
    for complaint in (
        "trailing whitespace",
        f"'{TYPO}' may be misspelled",
        "no.h: No such file or directory",
        'Unknown directive type "tab-set"',
        "Inline strong start-string without end-string",
        "htmldocs: ",
        "linux/libbpf.h: No such file",  # the kernel's own examples do not compile
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


@pytest.mark.parametrize("program", ["cc", "git", "perl", "make"])
def test_a_program_that_was_killed_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A compiler that was killed says nothing, as one does that is content."""
    (tmp_path / program).write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    ask: dict[str, Callable[[], object]] = {
        "cc": lambda: snippets.compiled(snippets.Snippet(1, "int x;\n"), tmp_path / "bpf.h"),
        "git": lambda: tree.git(tmp_path, "am", "x.patch"),
        "perl": lambda: check.checkpatch(tmp_path / "x.patch", tmp_path),
        "make": lambda: check.htmldocs(tmp_path),
    }
    with pytest.raises(UserError, match=f"^{program} was killed by SIGKILL; run this command ag"):
        ask[program]()


def test_what_a_killed_git_left_is_removed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "base")
    git(
        tmp_path,
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-mA",
    )
    for name in ("index.lock", "HEAD.lock", "refs/heads/series.lock", "rebase-apply/next"):
        (tmp_path / ".git" / name).parent.mkdir(exist_ok=True)
        (tmp_path / ".git" / name).touch()
    check.at_base(tmp_path)
    git(tmp_path, "checkout", "-q", "-B", "series")
    assert not (tmp_path / ".git" / "rebase-apply").exists()


def test_the_kept_warnings_belong_to_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installing or removing a program such as dot(1) changes what a build warns of."""
    before = check.installed()
    assert check.installed() == before
    (tmp_path / "dot-of-a-new-package").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert check.installed() != before


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


# -- the selftest


@pytest.mark.slow
def test_the_selftest_and_the_examples_run_on_the_newest_kernel(
    debian: package.SourcePackage,
) -> None:
    """The selftest passes, and fails where storages are zeroed; the examples count."""
    paths = (CGROUP_STORAGE, CGRP_STORAGE, TEST)
    before = {path: (debian.linux / path).read_text(encoding="utf-8") for path in paths}
    after = before
    for patch in (SELFTEST, CGRP_EXAMPLE, EXAMPLES):
        after = {**after, **patch.applied(after)}
    try:
        for path, text in after.items():
            (debian.linux / path).write_text(text, encoding="utf-8")
        answer = guest_tests.outcome(debian.linux, debian.place / "guest", print)
    finally:
        for path, text in before.items():
            (debian.linux / path).write_text(text, encoding="utf-8")
    if isinstance(answer, offers.NotRun):
        pytest.skip(f"not run: {answer.reason}")
    assert answer == ""


PASSES = "check_storage:PASS:after attaching again 0 nsec\nok"
FAILS = f"check_storage:FAIL:unexpected {guest_tests.ZEROED}\nFAIL"


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        ((PASSES, FAILS, guest_tests.COUNTED), ""),
        ((PASSES, PASSES, guest_tests.COUNTED), "the selftest passes although"),
        ((FAILS, FAILS, guest_tests.COUNTED), "the selftest fails:\n"),
        ((PASSES, FAILS, "struct key: 1"), "the examples do not count:\nstruct key: 1"),
        (("",), "the selftest fails:\n"),
    ],
)
def test_what_the_guest_printed_is_judged(printed: tuple[str, ...], answer: str) -> None:
    told = guest_tests.judged("\n@\n".join(printed))
    assert told.startswith(answer) if answer else told == ""


def test_the_selftest_holds_on_the_model_and_fails_before_5_9() -> None:
    """The steps of the selftest, on releases that keep storages and that zero them."""

    def values(release: str) -> list[object]:
        kernel = Kernel(release)
        web = kernel.mkdir("web")
        counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
        count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts))
        key = (web, BPF_CGROUP_INET_EGRESS)
        link = kernel.link_create(web, count, BPF_CGROUP_INET_EGRESS)
        kernel.map_update_elem(counts, key, 42)
        kernel.close(link)
        kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
        seen = [kernel.map_lookup_elem(counts, key)]
        flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE
        kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, flags, replace=count)
        return [*seen, kernel.map_lookup_elem(counts, key)]

    assert values("latest") == [42, 42]
    assert values("5.8") == [0, 0]
