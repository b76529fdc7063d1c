# SPDX-License-Identifier: GPL-2.0-only
"""The digests of stories and of C versions: they change with what runs, and with nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from records.digests import EXAMPLES, c_code, digest, twin_digest
from reference_model.catalogue import Outcome, Story, stories

MODULE = '''\
"""A story."""

from __future__ import annotations

from typing import Any

from ...uapi import BPF_ANY
from ..story import Outcome
from .lender import mark, twice as double

FIRST: int = 1
UNUSED = 5


class Pair:
    """Two numbers."""

    one: int
    other: int = 2


@mark
def run(kernel: Any, observe: Any) -> None:
    """Run it."""
    value: int = _next(FIRST)
    observe("one", lambda: double(value) + Pair.other)


def _next(number: int) -> int:
    return number + 1  # the next


def _unused() -> str:
    return "not run"


STORY = Story("title", run=run, outcomes=(UNUSED,))
'''

LENDER = '''\
"""Another story."""

FACTOR = 2


def mark(function):
    return function


def twice(number):
    """Double it."""
    return FACTOR * number


def run(kernel, observe):
    observe("another", kernel.nothing)
'''


def made(
    folder: Path, text: str = MODULE, lender: str = LENDER, /, name: str = "run", **kernel: Any
) -> str:
    """The digest of a story made for the occasion."""
    path = folder / "recipes" / "made.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.with_name("lender.py").write_text(lender, encoding="utf-8")
    (folder / "story.py").write_text("", encoding="utf-8")
    namespace: dict[str, Any] = {}
    exec(compile(f"def {name}(kernel, observe): pass", str(path), "exec"), namespace)
    return digest(Story("T", "S", namespace[name], (Outcome(None, {}, "here"),), "", kernel=kernel))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A story."""', '"""Other words."""'),
        ('    """Run it."""\n', ""),
        ('    """Two numbers."""\n', '    """Two."""\n    "More."\n'),
        ("  # the next", "  # why"),
        ("return number + 1", "return (\n        number + 1\n    )"),
        ("from typing import Any\n", "from typing import Protocol\n"),
        ("from ...uapi import BPF_ANY\n", "from reference_model import BPF_ANY\n"),
        ("kernel: Any, observe: Any", "kernel: Kernel, observe: Observer"),
        (") -> None:", "):"),
        ("    value: int = ", "    value = "),
        ("    value: int", "    from x import y\n\n    value: int"),
        ("FIRST: int = 1", "FIRST = 1"),
        ("UNUSED = 5", "UNUSED = 6"),
        ('"not run"', '"not run, either"'),
        ('Story("title"', 'Story("another title"'),
    ],
)
def test_a_digest_does_not_change_with_what_does_not_run(
    old: str, new: str, tmp_path: Path
) -> None:
    before = made(tmp_path)
    assert re.fullmatch("[0-9a-f]{16}", before)
    assert MODULE.count(old) == 1, "the edit is one"
    assert made(tmp_path, MODULE.replace(old, new)) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"one"', '"two"'),
        ("double(value) + Pair", "double(value) - Pair"),
        ("double(value)", "value"),
        ("lambda: double", "lambda *_: double"),
        ("@mark\n", ""),
        ("FIRST: int = 1", "FIRST: int = 2"),
        ("number + 1", "number + 2"),
        ("number + 1", "number - 1"),
        ("other: int = 2", "other: int = 3"),
        ("kernel: Any, observe: Any", "kernel: Any, observe: Any = None"),
        ("    value: int", "    kernel.memlock = 0\n    value: int"),
    ],
)
def test_a_digest_changes_with_what_runs(old: str, new: str, tmp_path: Path) -> None:
    assert MODULE.count(old) == 1, "the edit is one"
    assert made(tmp_path, MODULE.replace(old, new)) != made(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("return function", "return None", False),
        ("FACTOR = 2", "FACTOR = 3", False),
        ("Another story", "The lender", True),
        ("Double it", "Multiply it", True),
        ("kernel.nothing", "kernel.something", True),
    ],
)
def test_a_digest_covers_the_code_that_a_story_takes_from_another(
    old: str, new: str, same: bool, tmp_path: Path
) -> None:
    assert LENDER.count(old) == 1
    assert (made(tmp_path, MODULE, LENDER.replace(old, new)) == made(tmp_path)) == same


def test_a_story_may_take_a_whole_module(tmp_path: Path) -> None:
    text = 'from . import lender\n\n\ndef run(kernel, observe):\n    observe("1", lender.twice)\n'
    assert made(tmp_path, text, LENDER) != made(tmp_path, text, LENDER.replace("= 2", "= 3"))


def test_a_story_may_take_code_by_its_full_name(tmp_path: Path) -> None:
    texts = (
        f"from reference_model.catalogue.recipes.{lender} import entries\n\n\n"
        'def run(kernel, observe):\n    observe("1", entries)\n'
        for lender in ("walk_all_keys", "walk_no_keys")
    )
    found, missing = (made(tmp_path, text) for text in texts)
    assert found != missing


def test_a_digest_changes_with_what_a_story_asks_of_its_kernel(tmp_path: Path) -> None:
    assert made(tmp_path, memlock=4096) != made(tmp_path)


def test_a_story_whose_function_is_not_found_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"made\.py does not define gone, which a story runs"):
        made(tmp_path, name="gone")


def test_stories_have_different_digests() -> None:
    assert len({digest(story) for story in stories().values()}) == len(stories())


# -- C ---------------------------------------------------------------------------------------------

C = r"""
/* A comment. */
#include "example.h"
#define LONG(x) \
	((x) + 1)	/* "not a string" */

SEC("cgroup_skb/egress")	// not
int count(struct __sk_buff *skb)
{
	const char *text = "/* a string */", *more = "\"//";

	return LONG(1) + +skb->len;
}
"""


def same(text: str, tmp_path: Path) -> bool:
    """Whether a C file instead of C leaves the digest as it was."""
    for file in ("made.bpf.c", "made.c", "example.c", "example.h"):
        (tmp_path / file).write_text(C, encoding="utf-8")
    before = twin_digest("made", tmp_path)
    (tmp_path / "made.c").write_text(text, encoding="utf-8")
    return twin_digest("made", tmp_path) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("A comment", "Other words"),
        lambda text: text.replace("/* A comment. */\n", ""),
        lambda text: text.replace("// not", "// at all: \"' /*"),
        lambda text: text.replace("\\\n\t", ""),
        lambda text: text.replace("\t", "        "),
        lambda text: text.replace(" + +", "+ +"),
        lambda text: text.replace("\n{\n", " {\n\n"),
        lambda text: text.replace("#include", " #  include"),
        lambda text: text.replace("->", " -> "),
    ],
)
def test_comments_and_white_space_do_not_run(edit: Callable[[str], str], tmp_path: Path) -> None:
    assert edit(C) != C
    assert same(edit(C), tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/* a string */", "/* another */"),
        ('"/* a string */"', '"/* a  string */"'),
        ('"\\"//"', '"\\" //"'),
        ("LONG(x)", "LONG (x)"),
        ("+ 1)", "+ 2)"),
        ("+ +skb", "++skb"),
        ("->len", "->mark"),
        ("(struct __sk_buff", "(struct__sk_buff"),
        ('#include "example.h"\n', '#include "example.h" '),
        ("\\\n", "\n"),
        ("(1)", "/*(1)*/"),
    ],
)
def test_everything_else_runs(old: str, new: str, tmp_path: Path) -> None:
    assert C.count(old) == 1, "the edit is one"
    assert not same(C.replace(old, new), tmp_path)


@pytest.mark.parametrize("file", ["made.bpf.c", "example.c", "example.h"])
def test_the_digest_of_a_twin_covers_all_its_files(file: str, tmp_path: Path) -> None:
    assert same(C, tmp_path)
    before = twin_digest("made", tmp_path)
    (tmp_path / file).write_text(C.replace("1", "2"), encoding="utf-8")
    assert twin_digest("made", tmp_path) != before


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.[ch]")), ids=lambda path: path.name)
def test_the_tokens_of_an_example_are_its_code(path: Path) -> None:
    """What is left of a file is C again, with the same tokens."""
    code = c_code(path.read_text(encoding="utf-8"))
    assert c_code(code) == code
