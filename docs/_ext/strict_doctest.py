# SPDX-License-Identifier: GPL-2.0-only
"""Doctests that cannot pass by accident: Sphinx's doctest builder, made strict.

* A failure names the file and the line of the example, whatever kind of block it stands in.
* Every docstring of ``strict_doctest_modules``, and of all that these packages hold, runs,
  whether or not a page shows it, once, with the names of its module.  So do the examples
  of the Markdown files in ``strict_doctest_files``, which no page shows either.
* An example that a reader sees and no runner executes is a warning of every builder, and so
  fails the build under ``-W``; so is one that is skipped, hidden or compared loosely.
* The number of examples may not fall below the one in ``strict_doctest_floor``, nor outgrow it
  by more than ten and a tenth: a floor far below the count guards nothing.

Wrong line numbers, and what Sphinx runs in silence and what not, are those of Sphinx 9.0.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.ext.doctest import DocTestBuilder, parser
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)

PROMPT = re.compile(r"^ *>>> .*$", re.MULTILINE)
FENCE = re.compile(r"^ *(```|~~~).*$", re.MULTILINE)
DOCSTRING = ":docstring of "  # autodoc's mark, as in /path/kernel.py:docstring of kernel.Kernel
LOOSE = {
    doctest.SKIP: "is skipped",
    doctest.IGNORE_EXCEPTION_DETAIL: "would pass with any text of the error",
}


# Where a block stands


def source_of(node: nodes.Node) -> str:
    """The file that ``node`` was written in: a page, an included file, a Python module."""
    while node.source is None and node.parent is not None:
        node = node.parent
    return (node.source or "").partition(DOCSTRING)[0]


def find_block(lines: list[str], block: list[str], near: int) -> int | None:
    """The index in ``lines`` where ``block`` begins, whatever its indentation: the nearest one.

    >>> find_block(["a", "    >>> 1", "    1", "b", ">>> 1", "1"], [">>> 1", "1"], near=4)
    4
    """
    lines, block = [line.strip() for line in lines], [line.strip() for line in block]
    hits = [n for n in range(len(lines)) if lines[n : n + len(block)] == block]
    return min(hits, key=lambda n: abs(n - near), default=None)


def locate(node: nodes.Element, text: str) -> tuple[str, int | None]:
    """The file of a node, and the index in it of the line where ``text`` begins.

    What docutils and Sphinx say of the line is off by one or more, or unknown, for all but plain
    blocks; so the text is looked for in the file, and what they say only chooses between two
    places that read the same.
    """
    path = source_of(node)
    hint = node.line - 1 if node.line and DOCSTRING not in (node.source or "") else None
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:  # a node made by a program that names no real file
        return path, hint
    index = find_block(lines, text.strip("\n").splitlines(), hint or 0)
    return path, hint if index is None else index


# What must not be in a page


def is_block(node: nodes.Node) -> bool:
    """Whether the doctest builder runs this node."""
    return isinstance(node, nodes.doctest_block) or (
        isinstance(node, nodes.Element) and "testnodetype" in node
    )


def text_of(node: nodes.Element) -> str:
    """The text of a block as it was written, with the flags that Sphinx hides."""
    return str(node.get("test") or node.astext())


def loose(examples: Iterable[doctest.Example]) -> Iterator[tuple[str, int]]:
    """What is wrong with the options of these examples, and at which line below the first."""
    for example in examples:
        for flag, fault in LOOSE.items():
            if example.options.get(flag):
                yield f"this example {fault}", example.lineno


def faults_of_block(node: nodes.Element) -> Iterator[tuple[str, int]]:
    """What is wrong with a block that the runner executes, and at which of its lines."""
    kind = node.get("testnodetype", "doctest")
    if kind != "doctest":
        yield f"{kind} is not used here: write the example as a reader would type it, with >>>", 0
        return
    if isinstance(node, nodes.comment):
        yield "this example is hidden from the reader", 0
    if "skipif" in node:
        yield "this example is skipped under a condition", 0
    options: dict[int, bool] = node.get("options", {})
    for flag, fault in LOOSE.items():
        if options.get(flag):
            yield f"this example {fault}", 0
    try:
        examples = parser.get_examples(text_of(node))
    except ValueError as error:
        yield f"this is not a doctest: {error}", 0
        return
    if not examples:
        yield "this block holds no example: a line that begins with >>> and a space", 0
    yield from loose(examples)


def faults_of_text(text: nodes.Text) -> Iterator[tuple[str, str]]:
    """The examples in a piece of text that no runner executes: what is wrong, and the line."""
    prompts = PROMPT.findall(text.astext()) if ">>>" in text else []
    inline = isinstance(text.parent, nodes.literal)
    if not prompts or inline or any(is_block(above) for above in ancestors(text)):
        return
    for prompt in prompts:
        yield "nothing runs this example; write it as a doctest block", prompt


def faults_of_quote(node: nodes.block_quote) -> Iterator[str]:
    """In Markdown a bare >>> is a quotation in a quotation in a quotation."""
    above = ancestors(node)
    if source_of(node).endswith(".md") and all(
        isinstance(next(above, None), nodes.block_quote) for _ in range(2)
    ):
        yield "nothing runs this example; put it in a {doctest} directive"


def ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes around ``node``, the nearest first."""
    while (node := node.parent) is not None:
        yield node


def check_page(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of every example on a page that is not run, or not strictly.  (doctree-read)"""
    for node in filter(is_block, doctree.findall(nodes.Element)):
        for fault, line in faults_of_block(node):
            complain(fault, *locate(node, text_of(node)), line)
    for text in doctree.findall(nodes.Text):
        for fault, prompt in faults_of_text(text):
            complain(fault, *locate(text.parent, prompt))
    for quote in doctree.findall(nodes.block_quote):
        for fault in faults_of_quote(quote):
            complain(fault, *locate(quote, ">>>"))


def complain(fault: str, path: str, index: int | None, below: int = 0) -> None:
    """A warning that names file and line; under -W it fails the build."""
    line = "?" if index is None else index + below + 1
    logger.warning(fault, location=f"{shown(path)}:{line}", type="doctest")


def shown(path: str) -> str:
    """A path as it is typed from here: docs/tutorial.rst."""
    return os.path.relpath(path) if path else "?"


# Docstrings


def docstrings(tree: ast.AST, name: str) -> Iterator[tuple[str, ast.Constant]]:
    """Every string that stands alone in a module: docstrings, and those below an attribute."""
    for child in ast.iter_child_nodes(tree):
        match child:
            case ast.Expr(value=ast.Constant(value=str()) as text):
                yield name, text
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from docstrings(child, f"{name}.{child.name}")
            case _:
                yield from docstrings(child, name)


def doctests_of_module(name: str) -> Iterator[doctest.DocTest]:
    """The examples of a module, one DocTest a docstring, with their true lines."""
    module = importlib.import_module(name)
    path = str(module.__file__)
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for owner, text in docstrings(tree, name):
        test = parser.get_doctest(
            str(text.value), vars(module).copy(), owner, shown(path), text.lineno - 1
        )
        if test.examples:
            yield test


def modules_within(name: str) -> Iterator[str]:
    """A module and, if it is a package, all that is in it."""
    yield name
    path = getattr(importlib.import_module(name), "__path__", ())
    for module in pkgutil.walk_packages(path, f"{name}."):
        yield module.name


def doctest_of_markdown(path: Path) -> doctest.DocTest:
    """The examples of a Markdown file that is not a page: all of its fences, in one namespace."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return parser.get_doctest(text, {}, path.name, shown(str(path)), 0)


# The builder


class StrictDocTestBuilder(DocTestBuilder):
    """Sphinx's builder with true places, all docstrings, and a floor."""

    def init(self) -> None:
        super().init()
        self.whole = True  # all pages, not only those named on the command line
        self.run_at_source: set[str] = set()  # the examples that ran where they were written

    def write_documents(self, docnames: Set[str]) -> None:
        """Run the docstrings, then the pages."""
        self.whole = set(docnames) >= self.env.found_docs
        for test in self.doctests_outside_pages():
            self.run_doctest(test)
        self.elsewhere = self.total_tries
        super().write_documents(docnames)

    def doctests_outside_pages(self) -> Iterator[doctest.DocTest]:
        """Docstrings, and files such as the README."""
        for name in self.config.strict_doctest_modules:
            for module in modules_within(name):
                yield from doctests_of_module(module)
        for name in self.config.strict_doctest_files:
            path = Path(self.confdir, name)
            if path.exists():
                yield doctest_of_markdown(path)

    def run_doctest(self, test: doctest.DocTest) -> None:
        """Run the examples of one docstring or file."""
        for fault, line in loose(test.examples):
            complain(fault, test.filename or "", test.lineno, line)
        self.type = "single"  # how the base class compiles an example
        runner = doctest.DocTestRunner(verbose=False, optionflags=self.opt)
        results = runner.run(test, out=self._warn_out)
        self.total_failures += results.failed
        self.total_tries += results.attempted
        self.run_at_source.update(example.source for example in test.examples)

    def skipped(self, node: nodes.Element) -> bool:
        """Leave out what a page shows of a docstring that has run already."""
        if DOCSTRING in (node.source or ""):
            sources = {example.source for example in parser.get_examples(text_of(node))}
            if sources <= self.run_at_source:
                return True
        return super().skipped(node)

    def get_filename_for_node(self, node: nodes.Node, docname: str) -> str:
        return shown(source_of(node) or str(self.env.doc2path(docname)))

    def get_line_number(self, node: Any) -> int | None:  # type: ignore[override]
        return locate(node, text_of(node))[1]

    def _warn_out(self, text: str) -> None:
        """Report a failure, even if Sphinx is quiet."""
        print(text, end="", file=sys.stderr)
        self.outfile.write(text)

    def finish(self) -> None:
        count, failed = self.total_tries, self.total_failures
        result = f"{count} examples ran ({self.elsewhere} of them outside the pages), "
        result += f"{failed} failed" if failed else "all as written"
        if self.whole and self.config.strict_doctest_floor:
            result += self.floor(Path(self.confdir, self.config.strict_doctest_floor))
        print(result)
        super().finish()

    def floor(self, path: Path) -> str:
        """Compare the number of examples with the committed one, or raise that."""
        count, floor = self.total_tries, read_floor(path)
        if self.config.strict_doctest_raise and count > floor and not self.total_failures:
            write_floor(path, count)
            return f"; the floor rose from {floor} to {count}"
        if count < floor:
            logger.warning("only %d examples ran; %d did before", count, floor)
        elif count > floor + 10 + floor // 10:
            logger.warning("the floor is far below the %d examples: `make raise-floor`", count)
        return f"; the floor is {floor}"


def read_floor(path: Path) -> int:
    """The number in the file: its only line that is a number."""
    try:
        (number,) = re.findall(r"^\d+$", path.read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, ValueError):
        raise SphinxError(f"{shown(str(path))} needs one line that is a number") from None
    return int(number)


def write_floor(path: Path, number: int) -> None:
    """Put a new number in its place."""
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^\d+$", str(number), text), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Put the strict builder in the place of Sphinx's own."""
    app.setup_extension("sphinx.ext.doctest")
    app.add_builder(StrictDocTestBuilder, override=True)
    app.add_config_value("strict_doctest_modules", [], "", types=frozenset({list}))
    app.add_config_value("strict_doctest_files", [], "", types=frozenset({list}))
    app.add_config_value("strict_doctest_floor", "", "", types=frozenset({str}))
    app.add_config_value("strict_doctest_raise", False, "", types=frozenset({bool}))
    app.connect("doctree-read", check_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
