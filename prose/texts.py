# SPDX-License-Identifier: GPL-2.0-only
"""What people read of a file: the file itself with all else masked, so that places stay the same.

>>> masked("page.rst", "Call ``f(x)``::\\n\\n    f(1)\\n\\nIt fails.\\n")
'Call xxxxxxxx::\\n\\n||||||||\\n\\nIt fails.\\n'
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

CODE = "|"
"""Stands for what is no prose, and ends every sentence."""

LITERAL = re.compile(r"``.+?``|(?<!`)`[^`<]+`(?=[^`_]|$)", re.DOTALL)
ERRNO = re.compile(r"`+-?E[A-Z0-9]{3,}`+")
ROLE = re.compile(r":[\w:-]+:`[^`<]*`|:[\w:-]+:(?=`)|<[^`>]*>`_{0,2}", re.DOTALL)
LINE_OF_CODE = re.compile(r"\s*(>>>|\.\.\.( |$)|Traceback |:[\w -]+:( |$)|\.\. |[=~^\"-]{4,})")
OPENS_CODE = re.compile(
    r".*::$(?<!note::)(?<!warning::)(?<!tip::)(?<!important::)|"
    r"\s*\.\. (code-block|literalinclude|parsed-literal|toctree|rst-class|meta|index|raw|"
    r"story|highlight|testsetup|doctest)::"
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
C_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HASH_COMMENT = re.compile(r"(?m)(?<!\S)#+ .*$")


def blank(text: str, by: str = CODE) -> str:
    """A text of the same lines and lengths that says nothing."""
    return re.sub(r"[^\n]", by, text)


def without(pattern: re.Pattern[str], text: str, by: str = CODE) -> str:
    """A text with what a pattern finds masked."""
    return pattern.sub(lambda found: blank(found[0], by), text)


def only(pattern: re.Pattern[str], text: str, decoration: str) -> str:
    """What a pattern finds of a text, and that without its decoration; all else is masked."""
    parts, last = [], 0
    for found in pattern.finditer(text):
        parts += [blank(text[last : found.start()])]
        parts += [without(re.compile(decoration, re.MULTILINE), found[0], " ")]
        last = found.end()
    return "".join([*parts, blank(text[last:])])


def words(text: str) -> str:
    """A text with its literals masked, but for the names of errnos.

    >>> words("``f()`` fails with ``EINVAL``, ``g()`` too.")
    'xxxxxxx fails with ``EINVAL``, xxxxxxx too.'
    """

    def shown(found: re.Match[str]) -> str:
        return found[0] if ERRNO.fullmatch(found[0]) else blank(found[0], "x")

    return LITERAL.sub(shown, text)


def markup(text: str) -> str:
    """The prose of reStructuredText: no literals, directives, examples or titles' underlines."""
    lines, code_from, in_example = [], None, False
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            in_example = False
        elif code_from is not None and indent > code_from:
            line = blank(line)
        else:
            code_from = indent if OPENS_CODE.match(line) else None
            in_example = in_example or line.lstrip().startswith(">>> ")
            if in_example or LINE_OF_CODE.match(line):
                line = blank(line)
        lines.append(line)
    return words(without(ROLE, "\n".join(lines), "x"))


def markdown(text: str) -> str:
    """The prose of Markdown."""
    return words(without(FENCE, text))


def comments(text: str) -> str:
    """The comments of C."""
    return only(C_COMMENT, text, r"/\*+|\*+/|^\s*\*|//")


def hash_comments(text: str) -> str:
    """The comments of make and of a shell."""
    return words(only(HASH_COMMENT, text, "^#+"))


PROSE = re.compile(r"[A-Za-z,;:`]+\s+[a-z`]+\s+[a-z`]+")
"""What distinguishes a sentence from a name: three words."""
STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
PREFIX = re.compile(r"^[rRbBfFuU]*(\"\"\"|'''|\"|')")


def python(text: str) -> str:
    """The comments, docstrings and sentences of Python; not the labels of observations."""
    lines = [re.sub(r"\S", CODE, line) for line in text.split("\n")]
    for kind, shown, (row, column) in _read(text):
        if kind == tokenize.COMMENT:
            prose = words(f" {shown[1:]}")
        else:
            opening = PREFIX.match(shown)
            size, quotes = (len(opening[0]), len(opening[1])) if opening else (0, 0)
            body = markup(without(re.compile(r"\{[^{}]*\}"), shown, "x"))
            prose = " " * size + body[size : len(body) - quotes] + " " * quotes
        for number, line in enumerate(prose.split("\n"), start=row - 1):
            old = lines[number]
            lines[number] = old[:column] + line + old[column + len(line) :]
            column = 0
    return "\n".join(lines)


def _read(text: str) -> Iterator[tuple[int, str, tuple[int, int]]]:
    """The tokens of Python that people read, with their places."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    shown = [token.string for token in tokens]
    # What is observed is called the same in records: "observe(LABEL," and "{LABEL: 1}".
    labels = {
        word
        for number, word in enumerate(shown[:-1])
        if shown[number + 1] == ":" or shown[max(number - 2, 0) : number] == ["observe", "("]
    }
    for token in tokens:
        raw = token.string[:1] in "rRbB" and token.string[1:4] != '"""'
        sentence = token.type in STRINGS and token.string not in labels and not raw
        if token.type == tokenize.COMMENT or sentence and PROSE.search(token.string):
            yield token.type, token.string, token.start


FORMS: dict[str, Callable[[str], str]] = {
    ".rst": markup,
    ".md": markdown,
    ".py": python,
    ".c": comments,
    ".h": comments,
    "Makefile": hash_comments,
}
"""How to read a file, by its ending or its name."""


def form_of(name: str) -> Callable[[str], str] | None:
    """How to read a file of this name; None if it is of no known form."""
    return FORMS.get(name.rpartition("/")[2]) or FORMS.get(PurePosixPath(name).suffix)


def masked(name: str, text: str) -> str:
    """The prose of a file at its places."""
    form = form_of(name)
    assert form is not None, name
    found = form(text)
    assert [len(line) for line in found.split("\n")] == [len(line) for line in text.split("\n")]
    return found
