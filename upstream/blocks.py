# SPDX-License-Identifier: GPL-2.0-only
"""The blocks of a page in reStructuredText: paragraphs, tables, titles, directives, examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEFT_OUT = ("rule::", "container:: site", "tip::", "seealso::")
"""How directives begin that only the site shows."""

DIRECTIVE = re.compile(r"\.\. [\w-]+::(?: |$)")
OPTION = re.compile(r":(?P<name>[\w-]+):(?: +(?P<value>.*))?")

MARKS = "=-~"
"""What titles are underlined with, from the outermost on."""


@dataclass(frozen=True)
class Block:
    """Lines without a blank line at their left margin, and the number of the first."""

    line: int
    lines: tuple[str, ...]

    @property
    def directive(self) -> str:
        """``name:: argument`` of a directive, else ""."""
        return self.lines[0][3:] if DIRECTIVE.match(self.lines[0]) else ""

    @property
    def is_heading(self) -> bool:
        """Whether this is the title of a section: one line, and one to underline it."""
        return (
            len(self.lines) == 2
            and len(set(self.lines[1])) == 1
            and self.lines[1][0] in MARKS
            and len(self.lines[1]) >= len(self.lines[0])
        )

    @property
    def is_left_out(self) -> bool:
        """Whether only the site shows this: rules, examples of the model, comments, tips."""
        comment = self.lines[0].startswith("..") and not self.directive
        return comment or self.lines[0].startswith(">>> ") or self.directive.startswith(LEFT_OUT)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text; what is indented belongs to the block above it.

    >>> [block.lines for block in blocks("a\\nb\\n\\n.. note::\\n\\n   c\\n\\nd\\n")]
    [('a', 'b'), ('.. note::', '', '   c'), ('d',)]
    """
    start, found = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        begins = bool(line) and not line[0].isspace() and (not found or not found[-1])
        if begins and found:
            yield _block(start, found)
            found = []
        if begins:
            start = number
        if found or line:
            found.append(line)
    if found:
        yield _block(start, found)


def _block(start: int, lines: Sequence[str]) -> Block:
    return Block(start, tuple("\n".join(lines).rstrip().split("\n")))


def options(lines: Sequence[str]) -> dict[str, str]:
    """The options of a directive, which stand before its first blank line.

    >>> options([":since: NOW", ":checks: a,", "  b", "", ":no: more"])
    {'since': 'NOW', 'checks': 'a, b'}
    """
    found, last = dict[str, str](), ""
    for line in lines:
        if not line.strip():
            break
        if option := OPTION.fullmatch(line.strip()):
            last = option["name"]
            found[last] = option["value"] or ""
        else:
            found[last] += f" {line.strip()}"
    return found
