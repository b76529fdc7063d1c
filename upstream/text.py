# SPDX-License-Identifier: GPL-2.0-only
"""A page of the site as the kernel's reStructuredText.

The reference pages are plain reStructuredText of 80 columns, apart from a few directives.  So a
section is copied block by block: rules, examples of the model, tips and whatever stands in ``..
container:: site`` are left out.  What has no form in
the kernel's documentation is a ``PageError`` that names the line.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from .blocks import MARKS, Block, blocks, options

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDTH = 80

KERNEL_PAGES = ("map_cgroup_storage", "map_cgrp_storage")
"""Pages that the kernel's ``Documentation/bpf`` has, too."""

KEPT = ("note", "warning", "code-block")
"""Directives that both have, and that are copied."""

RELEASE = re.compile(r"\b(since|before) (\d)", re.IGNORECASE)
"""A release as the site names it; the kernel's documents write "Linux" before it."""

ROLE = re.compile(r":(?P<name>[a-z]+):`(?P<target>[^`]+)`")


class PageError(Exception):
    """A block of a page cannot be written as the kernel's documentation; says where and why."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        where = path.relative_to(DOCS.parent) if path.is_relative_to(DOCS.parent) else path
        super().__init__(f"{where}:{line}: {reason}")


class Page:
    """A page of the site, to be copied from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blocks = tuple(blocks(path.read_text(encoding="utf-8")))
        self.traces = dict(self._traces())
        """The recorded traces that check each rule, by its name."""

    def section(self, title: str, *, mark: str, name: str = "", without: Sequence[str] = ()) -> str:
        """Return a section with the sections in it; its title, or ``name``, is underlined with
        ``mark``.

        ``without`` names what to leave out: sections in it, and paragraphs by how they begin.  A
        name that the section does not have is a PageError.
        """
        titles = {b.lines[0]: number for number, b in enumerate(self.blocks) if b.is_heading}
        if title not in titles:
            raise PageError(self.path, 1, f"there is no section {title!r}")
        start = titles[title]
        own = MARKS.index(self.blocks[start].lines[1][0])
        deeper = MARKS.index(mark) - own
        name = name or title
        found = [f"{name}\n{mark * len(name)}"]
        skipping, unmet = False, set(without)
        for number, block in enumerate(self.blocks[start + 1 :], start=start + 1):
            level = MARKS.index(block.lines[1][0]) if block.is_heading else len(MARKS)
            if level <= own:
                break
            left_out = {wanted for wanted in without if self._is_called(block, wanted)}
            unmet -= left_out
            if block.is_heading:
                skipping = bool(left_out)
                if not skipping:
                    found.append(f"{block.lines[0]}\n{MARKS[level + deeper] * len(block.lines[0])}")
            elif not skipping and not left_out:
                found += self._copied(number)
        if unmet:
            line = self.blocks[start].line
            raise PageError(self.path, line, f"{title!r} has no {', '.join(sorted(unmet))}")
        return "\n\n".join(found) + "\n"

    def _is_called(self, block: Block, name: str) -> bool:
        """Whether a block is the heading of this name, or a paragraph that begins so."""
        return block.lines[0] == name if block.is_heading else block.lines[0].startswith(name)

    def _copied(self, number: int) -> Iterator[str]:
        """A block as the kernel's documentation has it; nothing if it is left out."""
        block = self.blocks[number]
        if block.is_left_out:
            return
        if block.lines[-1].endswith(":") and not block.directive:
            self._leads_somewhere(number)
        text = self._resolved(block)
        name = block.directive.partition("::")[0]
        if name in KEPT or text.startswith(("=", "- ")):
            yield text
        elif not name:
            yield filled(" ".join(RELEASE.sub(r"\1 Linux \2", text).split()))
        else:
            raise PageError(
                self.path,
                block.line,
                f"`.. {name}::` has no form in the kernel's documentation: put it into "
                "`.. container:: site`, or leave out its section",
            )

    def _leads_somewhere(self, number: int) -> None:
        """A paragraph that announces what follows must not lose it."""
        block, following = self.blocks[number], self.blocks[number + 1 : number + 2]
        if not following or following[0].is_left_out or following[0].is_heading:
            last = block.line + len(block.lines) - 1
            raise PageError(
                self.path,
                last,
                "the paragraph announces what the kernel's documentation will not show: end it "
                "without a colon, or put it into `.. container:: site`",
            )

    def _resolved(self, block: Block) -> str:
        """The block's text, with references to the kernel's own pages as paths."""

        def path(found: re.Match[str]) -> str:
            name, target = found["name"], found["target"]
            if name == "doc" and target in KERNEL_PAGES:
                return f"Documentation/bpf/{target}.rst"
            line = block.line + found.string[: found.start()].count("\n")
            raise PageError(
                self.path, line, f"{found[0]} leads to a page that the kernel does not have"
            )

        return ROLE.sub(path, "\n".join(block.lines))

    def _traces(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for block in self.blocks:
            if block.directive.startswith("rule::"):
                checks = options(block.lines[1:]).get("checked-by", "")
                yield block.directive.split()[1], tuple(checks.replace(",", " ").split())


@cache
def page(name: str) -> Page:
    """A page of the site, by its name."""
    return Page(DOCS / f"{name}.rst")


def filled(text: str, bullet: str = "", *, width: int = WIDTH) -> str:
    """A paragraph, or with a bullet an item, in lines of the kernel's width.

    >>> print(filled("one two three", "- ", width=9))
    - one two
      three
    """
    return textwrap.fill(
        text,
        width,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )
