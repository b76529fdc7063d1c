# SPDX-License-Identifier: GPL-2.0-only
"""The report for people: short first, and everything with ``--verbose``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from ..terminal import escaped
from .examine import TYPE_NAMES, Examined
from .findings import Finding, page_of
from .questions import asked
from .sources import Searched
from .verdict import (
    AFFECTED,
    UNKNOWN,
    name_of,
    page_of_refusal,
    range_of,
    reasons,
    refused,
    status,
)

_FEW = 3
"""Lines of source that the short report shows for a sign."""


def text(
    objects: list[Examined], searched: list[Searched], *, verbose: bool = False, site: str = ""
) -> str:
    """The whole report; ``site`` stands before the path of each page."""
    blocks = []
    for file, group in groupby(objects, key=lambda examined: examined.file):
        together = list(group)
        telling = [one for one in together if verbose or one.maps or one.findings or one.doubts]
        blocks += ["\n".join(map(escaped, _object(one, verbose, site))) for one in telling]
        if not telling:
            count = f"{len(together)} BPF objects, " if len(together) > 1 else ""
            blocks.append(f"{escaped(file)}: {count}no maps of cgroup storages")
    blocks += ["\n".join(map(escaped, _searched(one, verbose, site))) for one in searched]
    found = list(reasons(objects, searched))
    words = {AFFECTED: "affected", UNKNOWN: "cannot tell"}.get(status(found), "nothing found")
    why = f", for {len(found)} reason{'s' if len(found) > 1 else ''} above" if found else ""
    blocks.append(f"Exit status {status(found)}: {words}{why}.")
    return "\n".join(blocks)


def _object(examined: Examined, verbose: bool, site: str) -> Iterator[str]:
    own = status(reasons([examined], []))
    words = {AFFECTED: "affected", UNKNOWN: "cannot tell"}.get(own, "nothing found")
    if not (examined.maps or examined.findings or examined.doubts):
        words = "no maps of cgroup storages"
    yield f"{name_of(examined)}: {words}"
    for doubt in examined.doubts:
        yield f"  Cannot tell: {doubt}"
    if verbose:
        yield from _contents(examined)
    yield from _loading(examined, site)
    urgent = [one for one in examined.findings if one.affected]
    other = [one for one in examined.findings if not one.affected]
    yield from _findings(urgent, site)
    if verbose:
        yield from _findings(other, site)
    elif other:
        pages = len({one.page for one in other})
        yield f"  {pages} more page{'s' if pages > 1 else ''} may help: add --verbose."
    yield from _left(examined, verbose, site)


def _contents(examined: Examined) -> Iterator[str]:
    """The maps and programs, as the object declares them."""
    for found in examined.maps:
        kind = TYPE_NAMES[found.type]
        flags = f", flags {found.flags:#x}" if found.flags else ""
        legacy = ', in SEC("maps"), which libbpf 1.0 and later reject' if found.legacy else ""
        yield (
            f"  map {found.name}: {kind}, key of {found.key_size} bytes, value of "
            f"{found.value_size} bytes{flags}{legacy}"
        )
    for program, behaviour in examined.programs.items():
        used = ", ".join(found.name for found in behaviour.mentions if found in examined.maps)
        yield f"  program {program.name} [{program.section}]: uses {used or 'no known map'}"


def _loading(examined: Examined, site: str) -> Iterator[str]:
    loads = [range_of(span) for span in examined.spans if span.refusal is None]
    if loads and examined.doubts:
        yield f"  Whether it loads on Linux {' and '.join(loads)} cannot be told."
    elif loads:
        yield f"  As the object stands, it loads on Linux {' and '.join(loads)}."
    elif examined.spans and all(span.refusal and span.refusal.error for span in examined.spans):
        yield "  As the object stands, it loads on none of the releases."
    for span in examined.spans:
        if span.refusal and span.refusal.error:
            yield f"  {refused(span)}"
            yield f"    see {site}{page_of_refusal(span.refusal)}"


def _findings(found: list[Finding], site: str) -> Iterator[str]:
    """The findings by page: one page can have several reasons."""
    pages: dict[str, list[Finding]] = {}
    for one in found:
        pages.setdefault(one.page, []).append(one)
    for page, together in pages.items():
        yield f"  {together[0].title}"
        for one in together:
            yield f"    {one.why}"
            yield f"      at {', '.join(one.places)}"
        yield f"    see {site}{page}"


def _left(examined: Examined, verbose: bool, site: str) -> Iterator[str]:
    """What an object cannot show, as questions."""
    if not examined.user_space:
        return
    count, questions = len(examined.user_space), list(asked(examined.user_space))
    changes = f"{count} more change{'s' if count > 1 else ''}"
    depend = f"  {changes} depend{'' if count > 1 else 's'} on what user space does"
    if not verbose:
        yield f"{depend}: add --verbose for questions, or search its source with --source DIR."
        return
    yield f"{depend}. The object cannot answer these questions; --source DIR searches for signs."
    yield (
        "  User space can also change types, sizes and flags before it loads the object, and "
        "leave programs out."
    )
    for number, (question, names) in enumerate(questions, start=1):
        yield f"  Question {number}: {question}"
        yield "    No: nothing to do. Yes:"
        for name in names:
            story = examined.user_space[name]
            yield f"    {story.title}"
            yield f"      {first_case(story.affected)}"
            yield f"      see {site}{page_of(name)}"


def first_case(affected: str) -> str:
    """The first case of a check list, as plain text.

    >>> first_case("* You are affected if you read\\n  ``ENOENT``.\\n* If not, rest.")
    'You are affected if you read ENOENT.'
    """
    first = re.split(r"^\* ", affected.strip(), flags=re.MULTILINE)[1:2]
    words = " ".join((first or [affected])[0].split())
    return re.sub(r":[a-z-]+:`([^`<]*?)(?: <[^`]*>)?`", r"\1", words).replace("``", "")


def _searched(searched: Searched, verbose: bool, site: str) -> Iterator[str]:
    found = len({signs.name for signs in searched.found})
    files = f"{searched.files} source file{'s' if searched.files != 1 else ''} with BPF"
    yield f"{searched.directory}: {files}, signs of {found} change{'s' if found != 1 else ''}"
    for doubt in searched.doubts:
        yield f"  Cannot tell: {doubt}"
    for _, group in groupby(searched.found, key=lambda signs: signs.name):
        together = list(group)
        story = together[0].story
        yield f"  {story.title}"
        yield f"    {first_case(story.affected)}"
        for signs in together:
            yield f"    {signs.sign.language}: {signs.sign.shows}"
            shown = signs.lines if verbose else signs.lines[:_FEW]
            yield from (f"      {line.place}: {line.text[:80]}" for line in shown)
            if len(signs.lines) > len(shown):
                yield f"      and {len(signs.lines) - len(shown)} more: add --verbose"
        yield f"    see {site}{page_of(together[0].name)}"
