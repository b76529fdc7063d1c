# SPDX-License-Identifier: GPL-2.0-only
"""The exit status of a check, with a sentence for each reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .examine import Examined
from .loading import Refusal, Span
from .sources import Searched

NOTHING, AFFECTED, UNKNOWN = 0, 1, 2

COMMANDS = {
    "map_create": "BPF_MAP_CREATE",
    "prog_load": "BPF_PROG_LOAD",
    "map_update_elem": "BPF_MAP_UPDATE_ELEM",
}


def name_of(examined: Examined) -> str:
    """How an object is called: its file, with the byte where it begins inside a binary."""
    return examined.file + (f" at byte {examined.offset}" if examined.offset else "")


def range_of(span: Span) -> str:
    """Some releases in words: ``4.19 to 5.8``."""
    return str(span.first) if span.first == span.last else f"{span.first} to {span.last}"


def page_of_refusal(refusal: Refusal) -> str:
    """The path of the page that lists the errors of the command."""
    return f"errors.html#errors-{refusal.command.replace('_', '-')}"


def refused(span: Span) -> str:
    """What some releases answer, as a sentence without its full stop."""
    assert span.refusal is not None
    step, command, _, text, _ = span.refusal
    return f"Linux {range_of(span)}: {step}: {COMMANDS[command]} fails with {text}"


def reasons(objects: Iterable[Examined], searched: Iterable[Searched]) -> Iterator[tuple[int, str]]:
    """Each reason for an exit status other than 0."""
    for examined in objects:
        name = name_of(examined)
        for span in examined.spans:
            if span.refusal and span.refusal.error:
                yield AFFECTED, f"{name} does not load on {refused(span)}."
        pages = {finding.page: finding for finding in examined.findings if finding.affected}
        for page, finding in pages.items():
            yield AFFECTED, f'{name}: "{finding.title}" concerns it, see {page}.'
        for doubt in examined.doubts:
            yield UNKNOWN, f"{name}: {doubt}"
    for one in searched:
        for signs in one.found:
            count = f"{len(signs.lines)} line{'s' if len(signs.lines) > 1 else ''}"
            yield AFFECTED, f'{one.directory} has {count} with signs of "{signs.story.title}".'
        for doubt in one.doubts:
            yield UNKNOWN, doubt


def status(found: Iterable[tuple[int, str]]) -> int:
    """The exit status: 1 if something is affected, else 2 if something cannot be told, else 0."""
    numbers = {number for number, _ in found}
    return AFFECTED if AFFECTED in numbers else UNKNOWN if UNKNOWN in numbers else NOTHING
