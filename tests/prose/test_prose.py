# SPDX-License-Identifier: GPL-2.0-only
"""Each rule finds its example, and only prose is looked at."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from prose import rules, texts
from prose.check import exceptions, findings, main
from prose.rules import RULES, Rule
from reference_model.user_error import UserError

PAGE = "docs/lifetime.rst"

AFTER = (
    "You are affected if you detach and attach a program.",
    "Who may read a map?",
    "Since 5.9, attaching a program reuses the storage. Before 5.9 it was always created.",
    "``BPF_MAP_DELETE_ELEM`` fails with ``EINVAL``, and the call returns ``-EINVAL``.",
    "The update does not fail. After you attach it, iterate over the keys, and continue.",
    "It copies up to 16 bytes. In addition, an 8-byte key is shorter.",
    "It is called on the hook. The July 2020 proposal (never merged) rejected it.",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.before)
def test_a_rule_finds_its_example(rule: Rule) -> None:
    assert list(findings(PAGE, rule.before, (rule,)))
    wrapped = rule.before.replace(" ", "\n")
    assert list(findings(PAGE, wrapped, (rule,))), "words on two lines"


@pytest.mark.parametrize("text", AFTER)
def test_what_is_well_said_is_left_alone(text: str) -> None:
    assert list(findings(PAGE, text)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (PAGE, "::\n\n    the attach\n"),
        (PAGE, ".. code-block:: c\n\n   the attach\n\n   the detach\n"),
        (PAGE, "A ``the attach`` and :story:`x <walk_all_keys>`.\n"),
        (PAGE, ">>> walk()\nthe attach\n"),
        ("README.md", "```\nthe attach\n```\nthe `attach`\n"),
        ("upstream/a.py", 'the.attach = "attach", observe("after the attach", f)\n'),
        ("upstream/a.py", 'x = {"after the attach": 1}\ny = {0: "after the attach"}\n'),
        ("upstream/a.py", 'x = r"the attach (of|at) the"\n'),
        ("docs/examples/a.c", 'the attach("the attach");\n'),
    ],
)
def test_what_is_no_prose_is_left_alone(name: str, text: str) -> None:
    assert list(findings(name, text)) == []


@pytest.mark.parametrize(
    ("name", "line", "text"),
    [
        (PAGE, 4, ".. note::\n\n   It is\n   the\n   attach.\n"),
        (PAGE, 2, "It fails with ``EINVAL``,\nat the attach, or ``EPERM``.\n"),
        ("README.md", 1, "After the\nattach.\n"),
        ("Makefile", 1, "all: ## Before the attach, this\n"),
        ("upstream/a.py", 1, '"""Before the\nattach."""\n'),
        ("upstream/a.py", 2, 'raise E(f"{x} is refused"\n    " and the attach with it")\n'),
        ("upstream/a.py", 2, "# Nothing is here before\n# the attach.\n"),
        ("docs/examples/a.c", 1, "/* Look at the\n * attach. */\n"),
    ],
)
def test_prose_is_found_at_its_line(name: str, line: int, text: str) -> None:
    (found,) = findings(name, text)
    assert (found.words, found.line) == ("the attach", line)


def test_words_for_readers_are_free_in_the_project() -> None:
    assert list(findings(PAGE, "A story.")) != []
    assert list(findings("docs/model.rst", "A story.")) == []


def test_an_exception_gives_its_reason() -> None:
    assert all(exceptions().values())


@pytest.mark.parametrize("module", [rules, texts])
def test_doctests(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.rst", None, "cannot be read: No such file"),
        ("folder.rst", None, "cannot be read: Is a directory"),
        ("file", b"", "is not checked: the checked files are .c, "),
        ("latin.rst", b"\xe9", "is not UTF-8: "),
        ("broken.py", b'"""', "is not a module of Python: "),
    ],
)
def test_a_file_that_cannot_be_checked(
    name: str, data: bytes | None, said: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.rst").mkdir()
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError, match=re.escape(said)):
        main([str(path)])
