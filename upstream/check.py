# SPDX-License-Identifier: GPL-2.0-only
"""Whether a maintainer could take both series: tried on the newest source that Debian ships.

Patch by patch: ``git am`` takes it, ``checkpatch.pl --strict`` has nothing to say, docutils reads
the documents without a warning (of the header, the page that ``bpf_doc.py`` makes), and all C in
them compiles.  Then ``make htmldocs`` must have no warning that it had not before.  If all patches
apply, the examples must work in a virtual machine, and the selftest must pass, and fail if storages
are zeroed.  A patch that is left out, because
that source has other words by now, is no failure; what was found is printed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from conformance import tools, twins
from conformance.offers import NotRun
from reference_model.outputs import write_whole

from . import guest_tests, package, series, snippets, tree
from .patch import CGROUP_STORAGE, CGRP_STORAGE, HEADERS, Patch
from .patches import SERIES

COLUMNS = ("patch", "applies", "checkpatch", "builds", "changed snippets compile")

NO_HISTORY = "UNKNOWN_COMMIT_ID"
"""Of the source package checkpatch cannot know a commit: it comes without history."""

Say = Callable[[str], None]


@dataclass
class Row:
    """What came of a patch: a word a column, and what is wrong in full."""

    patch: str
    words: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, word: str, messages: str = "") -> None:
        """Fill the next column; ``messages`` is what a tool said against the patch."""
        self.words.append(word if not messages else "no")
        if messages:
            self.wrong.append(f"{COLUMNS[len(self.words)]}:\n{messages.strip()}")


def main(*, refresh: bool = False) -> int:
    """Check the series and print the table; the exit status."""

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        if lacking := twins.missing_tools():
            raise lacking
        source = package.get(say, refresh=refresh)
    except tools.MissingTools as error:
        print(f"python -m upstream check: {error}", file=sys.stderr)
        return 2
    if isinstance(source, NotRun):
        say(f"not run: {source.reason}")
        return 3
    rows, wrong = check(source, say)
    if all(row.words[0] == "clean" for row in rows):
        answer = tested(source, say)
        if isinstance(answer, NotRun):
            say(f"selftest and examples: not run: {answer.reason}")
        elif answer:
            wrong.append(answer)
    say("\n" + table(rows))
    for text in wrong:
        say(f"\n{text}")
    return 1 if wrong else 0


def check(source: package.SourcePackage, say: Say) -> tuple[list[Row], list[str]]:
    """Apply both series to a new branch; the rows of the table, and all that is wrong."""
    linux = source.linux
    at_base(linux)
    before = documented(source, say)
    tree.git(linux, "checkout", "--quiet", "-B", "series", "base")
    rows, wrong = list[Row](), list[str]()
    try:
        for number, proposed in SERIES.items():
            say(f"{source.package} {source.version}: writing series {number}")
            choices = series.Choices(signoff=True)
            written = series.write(linux, source.place / f"series-{number}", say, proposed, choices)
            rows += [Row(name, ["left out"]) for name in written.left_out]
            for patch, mail in zip(written.made, written.files[1:], strict=True):
                say(f"trying {mail.name}")
                rows.append(tried(patch, mail, linux))
                wrong += [f"{mail.name}: {text}" for text in rows[-1].wrong]
        wrong += uncompiled(linux)
        say("make htmldocs, with both series")
        new = new_warnings(before, htmldocs(linux))
        say(f"htmldocs: {len(new)} new warnings ({len(before)} without the series)")
        wrong += [f"htmldocs: {line}" for line in new]
    finally:
        at_base(linux)
    return rows, wrong


def at_base(linux: Path) -> None:
    """Check the base out, without what a killed git left: its locks and a patch half applied."""
    for lock in (linux / ".git").rglob("*.lock"):
        lock.unlink()
    shutil.rmtree(linux / ".git" / "rebase-apply", ignore_errors=True)
    tree.git(linux, "checkout", "--quiet", "--force", "base")


def uncompiled(linux: Path) -> list[str]:
    """Return what the compilers say against the documents with both series applied."""
    return [
        f"{path}:{snippet.line}:\n{text}"
        for path in (CGROUP_STORAGE, CGRP_STORAGE)
        for snippet in snippets_of(path, linux)
        if (text := snippets.compiled(snippet, linux / HEADERS[0]))
    ]


def tested(source: package.SourcePackage, say: Say) -> str | NotRun:
    """Run the selftest and the examples of the branch that ``check`` left; what is wrong."""
    tree.git(source.linux, "checkout", "--quiet", "--force", "series")
    try:
        return guest_tests.outcome(source.linux, source.place / "guest", say)
    finally:
        at_base(source.linux)


def tried(patch: Patch, mail: Path, linux: Path) -> Row:
    """Apply a patch and look at what it makes."""
    row = Row(patch.name)
    documents = [path for path in patch.paths if path.endswith(".rst")]
    before = {snippet.code for path in documents for snippet in snippets_of(path, linux)}
    try:
        tree.git(linux, "am", "--quiet", "--whitespace=error-all", str(mail))
    except tree.TreeError as error:
        tree.git(linux, "am", "--abort")
        row.note("", str(error))
        return row
    row.note("clean")
    row.note("clean", checkpatch(mail, linux))
    pages = [path for path in patch.paths if path in (*documents, *HEADERS)]
    messages = [line for path in pages for line in docutils(path, linux)]
    row.note("yes" if pages else "no page", "\n".join(messages))
    found = [
        (path, snippet)
        for path in documents
        for snippet in snippets_of(path, linux)
        if snippet.code not in before
    ]
    messages = [
        f"{path}:{snippet.line}:\n{text}"
        for path, snippet in found
        if (text := snippets.compiled(snippet, linux / HEADERS[0]))
    ]
    row.note(f"{len(found)} of {len(found)}" if found else "none changed", "\n".join(messages))
    return row


def snippets_of(path: str, linux: Path) -> list[snippets.Snippet]:
    """Return the blocks of C in a document of the tree."""
    return list(snippets.snippets((linux / path).read_text(encoding="utf-8")))


def checkpatch(mail: Path, linux: Path) -> str:
    """What checkpatch has to say, "" if nothing."""
    command = ["perl", "scripts/checkpatch.pl", "--strict", f"--ignore={NO_HISTORY}", str(mail)]
    done = tools.run(command, cwd=linux)
    clean = re.search(r"^total: 0 errors, 0 warnings, 0 checks,", done.stdout, re.MULTILINE)
    return tools.complaint(done) if clean else f"{done.stdout}{done.stderr}" or "it said nothing"


def docutils(path: str, linux: Path) -> Iterable[str]:
    """What plain docutils has to say about a document, or about the page made of a header."""
    text = (linux / path).read_text(encoding="utf-8")
    if path in HEADERS:
        command = [sys.executable, "scripts/bpf_doc.py", "--filename", path, "helpers"]
        done = tools.run(command, cwd=linux)
        if done.returncode:
            return [tools.complaint(done)]
        text = done.stdout
    return [f"{path}: {line}" for line in snippets.parsed(text)[1]]


def documented(source: package.SourcePackage, say: Say) -> Counter[str]:
    """The warnings of the documentation as it is, asked once for what is installed."""
    file = source.place / f"warnings-{installed()}"
    if not file.exists():
        say("make htmldocs, without the series (about 8 seconds, once)")
        tree.git(source.linux, "clean", "--quiet", "--force", "-d", "-x")
        found = htmldocs(source.linux)  # of all pages; with the series, of those that changed
        for old in source.place.glob("warnings-*"):
            old.unlink()
        write_whole(file, "".join(f"{line}\n" for line in found.elements()))
    return Counter(file.read_text(encoding="utf-8").splitlines())


def installed() -> str:
    """A digest of the programs and the Python packages that a build may use."""
    folders = [Path(name) for name in os.get_exec_path() if Path(name).is_dir()]
    programs = {program.name for folder in folders for program in folder.iterdir()}
    packages = {f"{one.name} {one.version}" for one in metadata.distributions()}
    names = "\n".join([sys.version, *sorted(programs), *sorted(packages)])
    return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:16]


def htmldocs(linux: Path) -> Counter[str]:
    """The warnings of the tree's own ``make SPHINXDIRS=bpf htmldocs``."""
    own = Path(sys.executable)
    command = ["make", "SPHINXDIRS=bpf", "htmldocs", f"PYTHON3={own}"]
    command += [f"SPHINXBUILD={own.with_name('sphinx-build')}"]
    names = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = tools.run(command, cwd=linux, env=names)
    if done.returncode:
        raise tree.TreeError(f"make htmldocs failed:\n{tools.complaint(done)}")
    return Counter(warnings((done.stdout + done.stderr).replace(f"{linux}/", "")))


def warnings(messages: str) -> Iterable[str]:
    """The warnings and errors about pages in what a build says, without the numbers of lines.

    A program that is not installed, such as dot(1), is no fault of a page.

    >>> warnings("reading\\n/x/a.rst:12: WARNING: odd\\nWARNING: dot(1) not found, install it\\n")
    ['/x/a.rst: WARNING: odd']
    """
    serious = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b(?!: \w+\(1\) not found)")
    lines = [line for line in messages.splitlines() if serious.search(line)]
    return [re.sub(r":\d+: ", ": ", line) for line in lines]


def new_warnings(before: Counter[str], after: Counter[str]) -> list[str]:
    """The warnings that were not there before, or not as often."""
    return sorted((after - before).elements())


def table(rows: Iterable[Row]) -> str:
    """The rows in columns."""
    lines = [list(COLUMNS)]
    lines += [[row.patch, *row.words, *["-"] * (len(COLUMNS) - 1 - len(row.words))] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
