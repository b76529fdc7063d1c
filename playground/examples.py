# SPDX-License-Identifier: GPL-2.0-only
"""Run the examples of a page, as written or changed by a reader, on the release of their choice."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypedDict

from reference_model import Kernel

from . import mine

FLAGS = doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1
HEAD = "Traceback (most recent call last):\n"
CALLS = re.compile(f"(?m)^({re.escape(HEAD)})(?: .*\n)+")
parser = doctest.DocTestParser()


class Block(TypedDict, total=False):
    """A block of examples."""

    text: str
    """The block as the page shows it, with prompts and output."""
    edited: str
    """The code that a reader wrote in its place, without prompts."""
    docstring: str
    """The name of the object whose docstring has the block; its names are those of the module."""


class Result(TypedDict):
    """What an example printed."""

    source: str
    want: str | None
    """What the page shows; None if the page does not have this example."""
    got: str
    same: bool | None
    """Whether both are equal; None if the page does not have this example."""


class _Runner(doctest.DocTestRunner):
    """Keeps what each example prints."""

    def __init__(self, known: Iterable[doctest.Example]) -> None:
        super().__init__(verbose=False, optionflags=FLAGS)
        self.known = {id(example) for example in known}
        self.results: list[Result] = []

    def report_start(self, *_: object) -> None:
        pass

    def report_success(
        self, out: object, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        self._note(example, got, True)

    def report_failure(
        self, out: object, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        self._note(example, got, False)

    def report_unexpected_exception(
        self,
        out: object,
        test: doctest.DocTest,
        example: doctest.Example,
        exc_info: tuple[type[BaseException], BaseException, TracebackType],
    ) -> None:
        said = traceback.format_exception_only(exc_info[1])
        self._note(example, "".join((HEAD, "    ...\n", *said)), False)

    def _note(self, example: doctest.Example, got: str, same: bool) -> None:
        known = id(example) in self.known
        got = CALLS.sub("\\1    ...\n", got)
        self.results.append(
            {
                "source": example.source,
                "want": example.want if known else None,
                "got": got,
                "same": same if known else None,
            }
        )


def statements(code: str) -> Iterator[str]:
    """The statements of a program as a reader would type them; SyntaxError if it is none.

    >>> list(statements("a = 1; b = 2\\n@c\\ndef d():\\n    pass\\n"))
    ['a = 1; b = 2\\n', '@c\\ndef d():\\n    pass\\n']
    """
    lines = code.splitlines()
    spans: list[list[int]] = []
    for found in ast.parse(code).body:
        decorators = getattr(found, "decorator_list", [])
        first = min(each.lineno for each in [found, *decorators])
        if spans and first <= spans[-1][1]:
            spans[-1][1] = found.end_lineno or first
        else:
            spans.append([first, found.end_lineno or first])
    for first, last in spans:
        yield "\n".join(lines[first - 1 : last]) + "\n"


def changed(code: str, known: Iterable[doctest.Example]) -> Iterator[doctest.Example]:
    """The examples of a reader's code; those that the page has as well are the page's.

    >>> known = parser.get_examples(">>> 1 + 1\\n2\\n")
    >>> [example.want for example in changed("1 + 1\\n2 + 2", known)]
    ['2\\n', '']
    """
    waiting = defaultdict(list)
    for example in known:
        waiting[example.source].append(example)
    for source in statements(code):
        same = waiting[source]
        yield same.pop(0) if same else doctest.Example(source, "")


@contextmanager
def every_kernel(release: str) -> Iterator[None]:
    """Make each Kernel one of this release, whatever the examples name; empty: as they name it.

    Kernels of a record, which are of a subclass, keep their releases.
    """
    original = Kernel.__init__

    def chosen(self: Kernel, of: Any = "latest", **arguments: Any) -> None:
        original(self, mine.named(release) if type(self) is Kernel else of, **arguments)

    setattr(Kernel, "__init__", chosen if release else original)  # noqa: B010
    try:
        yield
    finally:
        setattr(Kernel, "__init__", original)  # noqa: B010


def names_of(docstring: str) -> dict[str, Any]:
    """The names that examples begin with: none, or those of the module with the docstring."""
    name = docstring
    while name:
        try:
            return dict(vars(importlib.import_module(name)))
        except ImportError:
            name = name.rpartition(".")[0]
    return {}


def run(blocks: list[Block], release: str = "") -> dict[str, object]:
    """Run blocks in their order, and return the results of each.

    Blocks of the page share their names, and so do those of one docstring.  ``release`` replaces
    every release that an example names.

    >>> block: Block = {"text": ">>> from reference_model import *\\n>>> Kernel('5.8')\\n..."}
    >>> run([block], "5.9")["blocks"][0][1]["got"]
    "Kernel('5.9')\\n"
    """
    namespaces: dict[str, dict[str, Any]] = {}
    results = []
    for number, block in enumerate(blocks):
        owner = block.get("docstring", "")
        if owner not in namespaces:
            namespaces[owner] = names_of(owner)
        known = parser.get_examples(block["text"])
        examples, edited = known, block.get("edited")
        try:
            if edited is not None:
                examples = list(changed(edited, known))
        except SyntaxError as error:
            return {"error": f"Line {error.lineno}: {error.msg}", "block": number}
        test = doctest.DocTest(examples, {}, "page", None, None, None)
        test.globs = namespaces[owner]
        runner = _Runner(known)
        with every_kernel(release):
            runner.run(test, clear_globs=False)
        results.append(runner.results)
    return {"blocks": results}
