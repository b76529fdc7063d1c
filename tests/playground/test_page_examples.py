# SPDX-License-Identifier: GPL-2.0-only
"""Examples of a page as they run in the browser, here in this Python."""

from __future__ import annotations

from typing import Any

import pytest

from playground.examples import Block, run
from reference_model import Kernel

OPENING: Block = {"text": ">>> from reference_model.examples import *\n"}


def results(*blocks: Block, release: str = "") -> list[Any]:
    """What the last block printed."""
    found: list[list[Any]] = run([OPENING, *blocks], release)["blocks"]  # type: ignore[assignment]
    return found[-1]


def test_blocks_share_their_names() -> None:
    (result,) = results({"text": ">>> one = 1\n"}, {"text": ">>> one + 1\n2\n"})
    assert (result["got"], result["same"]) == ("2\n", True)


def test_a_release_replaces_all_that_are_named() -> None:
    """Also in functions that modules of the model define; and only while the examples run."""
    block: Block = {"text": ">>> machine('5.9')[0], Kernel()\n(Kernel('5.9'), Kernel('7.3'))\n"}
    (result,) = results(block, release="4.20")
    assert result["got"] == "(Kernel('4.20'), Kernel('4.20'))\n"
    assert result["same"] is False
    assert Kernel("5.9").release.name == "5.9"


def test_an_error_is_shown_as_on_a_page() -> None:
    text = ">>> kernel.rmdir(kernel.mkdir('web') and None)\n"
    (result,) = results({"text": ">>> kernel = Kernel()\n"}, {"text": text + "no\n"})
    assert result["got"].startswith("Traceback (most recent call last):\n    ...\n")
    assert result["got"].count("\n") == 3
    assert result["same"] is False


def test_an_expected_error_is_the_same() -> None:
    text = ">>> 1 / 0\nTraceback (most recent call last):\n    ...\nZeroDivisionError: ...\n"
    (result,) = results({"text": text})
    assert result["same"] is True
    assert "File" not in result["got"]


def test_code_of_a_reader_is_compared_where_the_page_has_it() -> None:
    block: Block = {"text": ">>> 1 + 1\n3\n>>> 2 + 2\n4\n", "edited": "1 + 1\n5 + 5\n2 + 2"}
    assert [(it["got"], it["same"]) for it in results(block)] == [
        ("2\n", False),
        ("10\n", None),
        ("4\n", True),
    ]


def test_code_that_is_no_python_is_named() -> None:
    block: Block = {"text": ">>> 1\n1\n", "edited": "1\n1 +"}
    assert run([OPENING, block]) == {"error": "Line 2: invalid syntax", "block": 1}


@pytest.mark.parametrize("docstring", ["reference_model.releases.Release", "no.such.module"])
def test_examples_of_a_docstring_have_the_names_of_its_module(docstring: str) -> None:
    block: Block = {"text": ">>> NEWEST\n", "docstring": docstring}
    (result,) = results(block)
    assert ("NameError" in result["got"]) is (docstring == "no.such.module")
