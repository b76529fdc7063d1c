# SPDX-License-Identifier: GPL-2.0-only
"""Check files for words that readers do not know, and suggest better ones."""

from __future__ import annotations

import argparse
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conformance import tools
from reference_model.user_error import UserError

from .rules import RULES, Rule
from .texts import FORMS, form_of, masked

ROOT = Path(__file__).parents[1]
EXCEPTIONS = ROOT / "prose" / "exceptions.txt"

READERS = ("docs/*.rst", "docs/*/index.rst", "reference_model/catalogue/*/*.py",
           "docs/examples/fixes/*", "docs/examples/guides/*")  # fmt: skip
"""What readers with a question see."""
PROJECT = ("about", "api", "conformance", "divergence", "model", "rules", "traces", "upstream")
"""The pages about the project itself."""
LEFT_OUT = ("tests/", "prose/rules.py", "LICENSES/", "docs/examples/reference/")
"""Folders and files whose words are data."""


@dataclass(frozen=True)
class Finding:
    """Words that break a rule."""

    name: str
    line: int
    words: str
    better: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {self.words!r}: {self.better}"


def for_readers(name: str) -> bool:
    """Whether a file is, or makes, a page for readers."""
    path = PurePosixPath(name)
    wanted = any(path.match(pattern) for pattern in READERS)
    return wanted and not (path.parent.name == "docs" and path.stem in PROJECT)


def findings(name: str, text: str, rules: tuple[Rule, ...] = RULES) -> Iterator[Finding]:
    """What is wrong in a file, in the order of its lines."""
    try:
        prose = masked(name, text)
    except (SyntaxError, tokenize.TokenError) as error:
        raise UserError(f"{name} is not a module of Python: {error}") from None
    found = list[Finding]()
    for rule in rules:
        if rule.everywhere or for_readers(name):
            for match in rule.pattern.finditer(prose):
                line = prose.count("\n", 0, match.start()) + 1
                found.append(Finding(name, line, " ".join(match[0].split()), rule.better))
    yield from sorted(found, key=lambda finding: finding.line)


def files() -> list[str]:
    """The files with prose that git has, or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = tools.run(command, cwd=ROOT, must_succeed=True).stdout
    return [
        name
        for name in sorted(set(listed.split("\0")))
        if ({PurePosixPath(name).suffix, PurePosixPath(name).name} & FORMS.keys())
        and not name.startswith(LEFT_OUT)
        and (ROOT / name).is_file()
    ]


def read(name: str) -> str:
    """The text of a file; UserError if there is none to check."""
    if form_of(name) is None:
        raise UserError(f"{name} is not checked: the checked files are {', '.join(sorted(FORMS))}")
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from None


def lines(path: Path) -> list[str]:
    """The lines of a list that are no comments."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def exceptions() -> dict[tuple[str, str], str]:
    """What is right although a rule finds it: file and words, with the reason."""
    found = {}
    for line in lines(EXCEPTIONS):
        name, words, reason = (part.strip() for part in line.split("|"))
        found[name, words] = reason
    return found


def main(arguments: list[str] | None = None) -> int:
    """Report what is wrong, and return 1 if something is."""
    parser = argparse.ArgumentParser(
        prog="python -m prose",
        description=__doc__,
        epilog="Exit status: 0 nothing is found, 1 words are found, 2 a file cannot be checked.",
    )
    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="a file to check (default: all files of the project)",
    )
    options = parser.parse_args(arguments)
    allowed, needed, failed = exceptions(), set[tuple[str, str]](), False
    for name in options.file or files():
        for found in findings(name, read(name)):
            if (found.name, found.words) in allowed:
                needed.add((found.name, found.words))
            else:
                failed = True
                print(found)
    if not options.file:
        for name, words in allowed.keys() - needed:
            failed = True
            print(f"{EXCEPTIONS.name}: {words!r} is not in {name}: remove it from the list")
    return int(failed)
