# SPDX-License-Identifier: GPL-2.0-only
"""The page of the patches."""

from __future__ import annotations

import re
from pathlib import Path

import proposed_patches
import pytest
from docutils import nodes
from support_site import Site

from upstream.patch import HEADERS, Claim
from upstream.patches import PATCHES, UNPATCHED
from upstream.text import DOCS


def test_every_patch_is_shown_once_in_order() -> None:
    text = (DOCS / "upstream.rst").read_text(encoding="utf-8")
    shown = re.findall(r"(?m)^\.\. proposed-patch:: (.+)$", text)
    assert shown == [patch.name for patch in PATCHES]
    assert text.index(".. errata::") < text.index("Send the patches") < text.index(shown[0])


def test_all_that_a_patch_adds_is_shown_once() -> None:
    for patch in PATCHES:
        shown = [
            node.astext()
            for node in proposed_patches.added(patch)
            if isinstance(node, nodes.literal_block)
        ]
        texts = list(dict.fromkeys("\n".join(edit.shown) for edit in patch.edits))
        assert shown == texts


def test_a_text_for_two_files_names_both() -> None:
    (helper,) = (patch for patch in PATCHES if patch.name == "helper")
    first = next(proposed_patches.added(helper)).astext()
    assert first.startswith(f"In {HEADERS[0]} and {HEADERS[1]}, instead of the description")


def test_the_table_has_a_row_for_each_claim_and_leads_to_its_patch() -> None:
    rows = "\n".join(proposed_patches.errata()).split("   * - ")[2:]
    links = {
        patch: f"`{number} <#patch-{patch.name}>`__" for number, patch in enumerate(PATCHES, 1)
    }
    wanted = [(claim, links[patch]) for patch in PATCHES for claim in patch.claims]
    wanted += [
        (claim, f"`text <#{section}>`__" if section else "none") for claim, section in UNPATCHED
    ]
    assert len(rows) == len(wanted)
    for text, (claim, leads) in zip(rows, wanted, strict=True):
        says, right, since, _, link = text.split("\n     - ")[1:]
        assert (says, right, since) == (claim.says, claim.right, claim.since)
        assert link.strip() == leads


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (
            Claim("d", "a", "b", "5.9", "``x.c``: y()", compiled=True),
            "a test shows that it does not compile",
        ),
        (Claim("d", "a", "b", "5.9", "``x.c``: y()"), "from source"),
        (
            Claim("d", "a", "b", "5.9", "``x.c``: y()", rules=("storage.attachment",)),
            ":rule:`storage.attachment`, tested on 8 kernels, 4.19.108 to 7.2.13",
        ),
    ],
)
def test_the_evidence_of_a_claim(claim: Claim, words: str) -> None:
    assert proposed_patches.evidence(claim) == words


def test_an_unknown_patch_is_an_error(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("docs/more.rst", ":orphan:\n\nMore\n====\n\n.. proposed-patch:: frogs\n")
    status, told = site.build()
    assert status
    known = ", ".join(patch.name for patch in PATCHES)
    assert f"more.rst:6: ERROR: no such patch: frogs (known: {known})" in told
