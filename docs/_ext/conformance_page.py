# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels say to the stories: ``.. conformance:: PART``, one of PARTS.

``oracle`` is a sentence on who was asked and when, ``differences`` the cells in which a kernel does
not do what is expected, ``legend`` the marks, ``totals`` the cells of each kernel by what they say,
``matrix`` all of them, ``rules`` the same by the rules that stories show, ``versions`` the versions
in C and Go, ``guests`` the kernels that were booted.  The same is written as ``results.json``
beside the page.  All of it is read from committed records: no kernel is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from common.parts import paragraph
from common.sources import note_facts
from common.tables import Cell, table
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from stories.folded import folded
from stories.links import code_link, link
from stories.stubs import page_of

from records.digests import digest
from records.matrix import (
    AGREEMENTS,
    AGREES,
    BREAKS,
    DIFFERS,
    EXPLAINED,
    NOT_RUN,
    PART,
    REPLAYED,
    Agreement,
    Matrix,
    committed_matrix,
    plain,
    telling,
)
from records.results import VERSIONS
from reference_model.catalogue import FOLDERS, Story, stories
from upstream.words import listed

FILE = "results.json"
HEADINGS = {
    "breaking_changes": "Migration guide",
    "additions": "What's new",
    "recipes": "How-to guide",
}
"""How the site calls the folders of stories."""

Content = list[nodes.Node]


def shown() -> object:
    """What this page shows of the stories, or compares with the records."""
    known: dict[str, Story] = stories()
    return [
        (name, digest(story), story.title, story.rules, story.outcomes, story.evidence)
        for name, story in known.items()
    ]


class Conformance(SphinxDirective):
    """``.. conformance:: PART``"""

    required_arguments = 1

    def run(self) -> Content:
        part = PARTS.get(self.arguments[0])
        if part is None:
            raise self.error(f"no such part: {self.arguments[0]} (known: {', '.join(PARTS)})")
        note_facts(self.env, shown)
        return part(committed_matrix(), self.env.docname)


# -- the parts of the page ------------------------------------------------------------------------


def oracle(of: Matrix, docname: str) -> Content:
    """The kernels that were asked, and when."""
    if not of.records:
        return [paragraph("No kernel was booted and asked: there is no record of one.")]
    first, last = (pick(record["date"] for record in of.records) for pick in (min, max))
    when = f"on {first}" if first == last else f"from {first} to {last}"
    booted = [record["kernel"]["version"] for record in of.records]
    others = [kernel for kernel in of.kernels if kernel not in booted]
    text = (
        f"Each program ran {when} in virtual machines with Linux {listed(booted)}. "
        "Its results are compared with what its page says."
    )
    text += f" On {len(others)} other kernels only traces were recorded." if others else ""
    return [paragraph(text)]


def differences(of: Matrix, docname: str) -> Content:
    """The cells that differ, each explained; or that there is none."""
    items = [
        nodes.list_item(
            "",
            nodes.paragraph(
                "",
                "",
                link(name, docname),
                nodes.Text(f", Linux {kernel}: {cell.words}. "),
                nodes.Text(EXPLAINED.get((name, kernel), "This is not explained yet.")),
            ),
        )
        for name, kernel, cell in of.differences()
    ]
    if items:
        return [nodes.bullet_list("", *items)]
    asked = sum(of.count(agreement) for agreement in AGREEMENTS if agreement is not NOT_RUN)
    return [paragraph(f"None, in the {asked} of the {size(of)} cells below that were tested.")]


def totals(of: Matrix, docname: str) -> Content:
    """How many cells say what."""
    full, part = of.count(AGREES) + of.count(REPLAYED), of.count(PART)
    rest = ", ".join(
        f"{of.count(agreement)} {agreement.word}"
        for agreement in AGREEMENTS
        if agreement not in (AGREES, REPLAYED, PART)
    )
    text = (
        f"Of {size(of)} cells, {len(of.cells)} stories on {len(of.kernels)} kernels, {full} agree "
        f"in full and {part} in part. The others count as no agreement: {rest}."
    )
    marks = (sign(agreement, agreement.word) for agreement in AGREEMENTS)
    head: list[Cell] = ["kernel", *marks, "stories"]
    rows: list[list[Cell]] = [
        [
            kernel,
            *(str(of.count(agreement, kernel)) for agreement in AGREEMENTS),
            str(len(of.cells)),
        ]
        for kernel in of.kernels
    ]
    rows.append(["all", *(str(of.count(agreement)) for agreement in AGREEMENTS), str(size(of))])
    return [paragraph(text), table(head, rows, "conformance-totals")]


def legend(of: Matrix, docname: str) -> Content:
    """What the marks mean."""
    rows: list[list[Cell]] = [
        [sign(agreement), agreement.word, agreement.meaning] for agreement in AGREEMENTS
    ]
    return [table(["mark", "word", "meaning"], rows, "conformance-legend", stack=True)]


Row = tuple[Content, list[tuple[Agreement, str]]]
"""What a row is about, and for each kernel what it says and in which words."""


def whole(of: Matrix, docname: str) -> Content:
    """Return all cells, kind by kind."""
    made: Content = []
    for folder, kind in FOLDERS.items():
        rows: list[Row] = [
            (
                [link(name, docname), nodes.Text(f" ({telling(story)})")],
                [
                    (cell.agreement, cell.words)
                    for cell in map(of.cells[name].get, of.kernels)
                    if cell
                ],
            )
            for name, story in stories(kind).items()
        ]
        if rows:
            made += grid(HEADINGS[folder], of.kernels, rows)
    return made


def rules(of: Matrix, docname: str) -> Content:
    """Return the rules that stories show, and how many of these stories agree on each kernel."""
    known: dict[str, Story] = stories()
    names = sorted({rule for story in known.values() for rule in story.rules})
    by_rule = {rule: of.of_rule(rule).values() for rule in names}
    rows: list[Row] = [
        (
            [code_link("rule", rule, docname)],
            [together([row[kernel].agreement for row in shown]) for kernel in of.kernels],
        )
        for rule, shown in by_rule.items()
    ]
    return grid("Statement", of.kernels, rows) if rows else [paragraph("No story names a rule.")]


def grid(title: str, kernels: list[str], rows: list[Row]) -> Content:
    """Return a table with a mark for each kernel, and closed below it the words of each mark."""
    cells: list[list[Cell]] = [
        [name, *([*sign(agreement, words)] for agreement, words in found)] for name, found in rows
    ]
    items = []
    for name, found in rows:
        asked = zip(kernels, (words for _, words in found), strict=True)
        groups = groupby(asked, key=lambda pair: pair[1])
        groups_in_words = [
            f"{words} on {listed([kernel for kernel, _ in pairs])}" for words, pairs in groups
        ]
        copied = [node.deepcopy() for node in name]
        text = nodes.Text(f": {'; '.join(groups_in_words)}.")
        items.append(nodes.list_item("", nodes.paragraph("", "", *copied, text)))
    values = folded("", nodes.bullet_list("", *items), summary="Show these results in words")
    return [table([title, *kernels], cells, "conformance"), values]


def together(agreements: list[Agreement]) -> tuple[Agreement, str]:
    """Return a difference, if there is one; else the best that is known, of how many stories."""
    order = (DIFFERS, AGREES, REPLAYED, PART, BREAKS, NOT_RUN)
    (first, *_) = (agreement for agreement in order if agreement in agreements)
    if first in (DIFFERS, BREAKS, NOT_RUN):
        return first, first.word
    good = sum(agreement in (AGREES, REPLAYED, PART) for agreement in agreements)
    return first, f"{good} of {len(agreements)}"


def sign(agreement: Agreement, words: str = "") -> Content:
    """Return the mark of an agreement; pointed at, or read aloud, it says what was observed."""
    said = agreement.word if words in ("", agreement.word) else f"{agreement.word}: {words}"
    mark = nodes.abbreviation(agreement.mark, agreement.mark, explanation=said)
    return [mark, nodes.inline("", f" {words}", classes=["hidden-word"])] if words else [mark]


def versions(of: Matrix, docname: str) -> Content:
    """The versions in C and in Go that printed what is expected, of those that ran."""
    head: list[Cell] = [
        "kernel",
        *(name for name, _ in VERSIONS.values()),
        "version of cilium/ebpf",
    ]
    rows: list[list[Cell]] = [
        [
            record["kernel"]["version"],
            *(_agreeing(record, part) for part in VERSIONS),
            record.get("go_library") or "–",
        ]
        for record in of.records
    ]
    return [table(head, rows, "conformance-versions")]


def _agreeing(record: dict[str, Any], part: str) -> str:
    """How many versions in a language agree on a kernel, or that none ran."""
    current = VERSIONS[part][1]
    ran = {n: one for n, one in record.get(part, {}).items() if one["digest"] == current(n)}
    good = sum(not one["differs"] for one in ran.values())
    return f"{good} of {len(ran)}" if ran else NOT_RUN.word


def guests(of: Matrix, docname: str) -> Content:
    """The kernels that were booted."""
    rows: list[list[Cell]] = [
        [
            kernel["version"],
            literal(kernel["release"]),
            literal(f"{kernel['package']} {kernel['package_version']}".strip() or "own build"),
            literal(kernel["config_sha256"][:16] or "unknown"),
            date,
        ]
        for kernel, date in ((record["kernel"], record["date"]) for record in of.records)
    ]
    head: list[Cell] = ["kernel", "uname -r", "package", "configuration, SHA-256", "tested on"]
    whole_file = nodes.paragraph(
        "",
        "",
        nodes.Text("Every observation of every cell is in "),
        nodes.reference("", "", nodes.literal(FILE, FILE), refuri=FILE, internal=False),
        nodes.Text(", with the whole hashes."),
    )
    return [*([table(head, rows, "conformance-guests", stack=True)] if rows else []), whole_file]


def size(of: Matrix) -> int:
    """The number of all cells."""
    return len(of.cells) * len(of.kernels)


def literal(text: str) -> nodes.literal:
    """A name as machines write it."""
    return nodes.literal(text, text)


PARTS: dict[str, Callable[[Matrix, str], Content]] = {
    "oracle": oracle,
    "differences": differences,
    "totals": totals,
    "legend": legend,
    "matrix": whole,
    "rules": rules,
    "versions": versions,
    "guests": guests,
}


# -- the file beside the page ---------------------------------------------------------------------


def as_json(of: Matrix) -> dict[str, Any]:
    """The matrix as plain data."""
    known: dict[str, Story] = stories()
    booted = {record["kernel"]["version"]: record for record in of.records}
    return {
        "licence": "GPL-2.0-only",
        "states": {agreement.word: agreement.meaning for agreement in AGREEMENTS},
        "totals": {agreement.word: of.count(agreement) for agreement in AGREEMENTS},
        "kernels": [
            {
                **(booted[kernel]["kernel"] if kernel in booted else {"version": kernel}),
                "date": booted[kernel]["date"] if kernel in booted else None,
                "totals": {agreement.word: of.count(agreement, kernel) for agreement in AGREEMENTS},
                **{part: versions_of(booted.get(kernel, {}), part) for part in VERSIONS},
                "stories": {
                    name: {
                        "state": row[kernel].agreement.word,
                        "observed": plain(row[kernel].seen),
                        "expected": plain(known[name].expected(kernel).seen),
                        "page": f"{page_of(name)[1:]}.html",
                    }
                    for name, row in of.cells.items()
                },
            }
            for kernel in of.kernels
        ],
    }


def versions_of(record: dict[str, Any], part: str) -> dict[str, str]:
    """The versions in C or Go that ran on a kernel, and in what each differed from its story."""
    ran: dict[str, dict[str, str]] = record.get(part, {})
    return {name: ran[name]["differs"] or "agrees" for name in sorted(ran)}


def write_json(app: Sphinx, error: Exception | None) -> None:
    """Write results.json if the page beside it is newer.  (build-finished)"""
    page, file = Path(app.outdir, "conformance.html"), Path(app.outdir, FILE)
    if error is not None or app.builder.format != "html" or not page.exists():
        return
    if not file.exists() or file.stat().st_mtime_ns <= page.stat().st_mtime_ns:
        text = json.dumps(as_json(committed_matrix()), indent=1)
        file.write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive, and write the file after each build."""
    app.setup_extension("stories.links")
    app.add_directive("conformance", Conformance)
    app.connect("build-finished", write_json)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
