# SPDX-License-Identifier: GPL-2.0-only
"""A page of the site, written as the kernel's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from upstream.text import Page, PageError

PAGE = """\
.. SPDX-License-Identifier: GPL-2.0-only

=====
Ponds
=====

Frogs
=====

Frogs live in ponds, see
:doc:`map_cgrp_storage`.

>>> frogs
1

.. Somebody should count them again.

.. _frog-rules:

.. rule:: frog.jump
   :since: SHARED_STORAGE
   :checked-by: one-trace,
      another-trace
   :not-recorded:

   A frog jumps whenever somebody looks at it, and then hides for a long time.

.. rule:: frog.sit
   :until: NEXT_KEY_END

   A frog sits.

.. container:: site

   (Only the model has seen this.)

======= =====
pond    frogs
======= =====
big     7
======= =====

.. note::

   - One.

   - Two.

Colours
-------

Green, since 5.9.

Fish
====

Fish stay.
"""


@pytest.fixture
def ponds(tmp_path: Path) -> Page:
    (tmp_path / "ponds.rst").write_text(PAGE, encoding="utf-8")
    return Page(tmp_path / "ponds.rst")


def wrong(tmp_path: Path, block: str) -> str:
    """The error of a page with this block in its section."""
    path = tmp_path / "wrong.rst"
    path.write_text(f"Frogs\n=====\n\nThey live.\n\n{block}\n", encoding="utf-8")
    with pytest.raises(PageError) as caught:
        Page(path).section("Frogs", mark="=")
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_a_section_keeps_what_the_kernel_can_show(ponds: Page) -> None:
    assert (
        ponds.section("Frogs", mark="-", name="Toads")
        == """\
Toads
-----

Frogs live in ponds, see Documentation/bpf/map_cgrp_storage.rst.

======= =====
pond    frogs
======= =====
big     7
======= =====

.. note::

   - One.

   - Two.

Colours
~~~~~~~

Green, since Linux 5.9.
"""
    )


def test_sections_and_paragraphs_can_be_left_out(ponds: Page) -> None:
    found = ponds.section("Frogs", mark="=", without=("Colours", "Frogs live"))
    assert "live in ponds" not in found
    assert "One." in found
    assert "Green" not in found


@pytest.mark.parametrize("name", ["frog.hide", "Fish", "Toads live"])
def test_what_is_to_be_left_out_must_be_there(ponds: Page, name: str) -> None:
    with pytest.raises(PageError, match=f"'Frogs' has no {name}"):
        ponds.section("Frogs", mark="=", without=("Colours", name))


def test_the_traces_of_each_rule_are_known(ponds: Page) -> None:
    assert ponds.traces == {"frog.jump": ("one-trace", "another-trace"), "frog.sit": ()}


def test_a_section_that_is_not_there_is_named(ponds: Page) -> None:
    with pytest.raises(PageError, match="section 'Toads'"):
        ponds.section("Toads", mark="=")


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (".. tab-set::\n\n   x", "wrong.rst:6: `.. tab-set::` has no form"),
        ("See\n:doc:`traces`.", "wrong.rst:7: :doc:`traces` leads to a page"),
        (":rule:`frog.jump` says so.", "wrong.rst:6: :rule:`frog.jump` leads to"),
        ("So\nthey jump:\n\n>>> jump()", "wrong.rst:7: the paragraph announces"),
        ("They jump:", "wrong.rst:6: the paragraph announces"),
    ],
)
def test_what_has_no_form_there_is_an_error(tmp_path: Path, block: str, complaint: str) -> None:
    assert wrong(tmp_path, block).startswith(complaint)
