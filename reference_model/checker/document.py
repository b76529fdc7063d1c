# SPDX-License-Identifier: GPL-2.0-only
"""The report for programs: one JSON object, described on the page "Check your program in CI"."""

from __future__ import annotations

from typing import Any

from ..releases import Release
from .examine import TYPE_NAMES, Examined
from .findings import page_of
from .loading import Span
from .questions import question_of
from .sources import Searched
from .verdict import COMMANDS, page_of_refusal, reasons, status

FORM = 1
"""The number of the form; a later form may have more members."""


def document(
    objects: list[Examined], searched: list[Searched], releases: list[Release]
) -> dict[str, Any]:
    """The whole report."""
    found = list(reasons(objects, searched))
    return {
        "form": FORM,
        "status": status(found),
        "reasons": [{"status": number, "reason": sentence} for number, sentence in found],
        "releases": [str(release) for release in releases],
        "objects": [_object(examined) for examined in objects],
        "sources": [_searched(one) for one in searched],
    }


def _object(examined: Examined) -> dict[str, Any]:
    return {
        "file": examined.file,
        "offset": examined.offset,
        "maps": [
            {
                "name": found.name,
                "type": TYPE_NAMES[found.type],
                "key_size": found.key_size,
                "value_size": found.value_size,
                "flags": found.flags,
            }
            for found in examined.maps
        ],
        "programs": [
            {
                "name": program.name,
                "section": program.section,
                "maps": [found.name for found in behaviour.mentions if found in examined.maps],
            }
            for program, behaviour in examined.programs.items()
        ],
        "loads": [_span(span, not examined.doubts) for span in examined.spans],
        "findings": [
            {
                "kind": finding.kind,
                "title": finding.title,
                "page": finding.page,
                "why": finding.why,
                "places": list(finding.places),
            }
            for finding in examined.findings
        ],
        "user_space": [
            {"title": story.title, "page": page_of(name), "question": question_of(name)}
            for name, story in examined.user_space.items()
        ],
        "unknown": examined.doubts,
    }


def _span(span: Span, known: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"from": str(span.first), "to": str(span.last)}
    if span.refusal is None:
        return {**found, "loads": True} if known else {**found, "loads": None, "errno": None}
    error = span.refusal.error
    return {
        **found,
        "loads": False if error else None,
        "step": span.refusal.step,
        "command": COMMANDS[span.refusal.command],
        "errno": error.number if error else None,
        "answer": span.refusal.text,
        "page": page_of_refusal(span.refusal),
    }


def _searched(searched: Searched) -> dict[str, Any]:
    return {
        "directory": searched.directory,
        "files": searched.files,
        "signs": [
            {
                "title": signs.story.title,
                "page": page_of(signs.name),
                "language": signs.sign.language,
                "shows": signs.sign.shows,
                "lines": [{"place": line.place, "text": line.text} for line in signs.lines],
            }
            for signs in searched.found
        ],
        "unknown": searched.doubts,
    }
