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
from upstream.patches import PATCHES
from upstream.text import DOCS


def test_every_patch_is_shown_once_in_order() -> None:
    text = (DOCS / "upstream.rst").read_text(encoding="utf-8")
    shown = re.findall(r"(?m)^\.\. proposed-patch:: (.+)$", text)
    assert shown == [patch.name for patch in PATCHES]


def test_all_that_a_patch_adds_is_shown_once() -> None:
    for patch in PATCHES:
        shown = [
            node.astext()
            for node in proposed_patches.added(patch)
            if isinstance(node, nodes.literal_block)
        ]
        words = " ".join("\n".join(shown).replace("\n+", "\n").removeprefix("+").split())
        texts = list(dict.fromkeys(edit.new() for edit in patch.edits))
        assert words == " ".join("\n".join(texts).split())


def test_a_text_for_two_files_names_both() -> None:
    (helper,) = (patch for patch in PATCHES if patch.name == "helper")
    first = next(proposed_patches.added(helper)).astext()
    assert first.startswith(f"In {HEADERS[0]} and {HEADERS[1]}, instead of the description")


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (Claim("a", "b", "``x.c``: y()", compiled=True), "A test compiles it, in vain."),
        (Claim("a", "b", "``x.c``: y()"), "No recorded kernel was asked."),
        (
            Claim("a", "b", "``x.c``: y()", rules=("storage.attachment",)),
            "Rules: :rule:`storage.attachment`.\n\nTraces: ``parent-storage-child-trigger``.\n\n"
            "Asked: 8 kernels, 4.19.108 to 7.2.13.",
        ),
    ],
)
def test_the_evidence_of_a_claim(claim: Claim, words: str) -> None:
    assert proposed_patches.evidence(claim) == f"Read in ``x.c``: y().\n\n{words}"


def test_an_unknown_patch_is_an_error(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("docs/more.rst", ":orphan:\n\nMore\n====\n\n.. proposed-patch:: frogs\n")
    status, told = site.build()
    assert status
    known = ", ".join(patch.name for patch in PATCHES)
    assert f"more.rst:6: ERROR: no such patch: frogs (known: {known})" in told
