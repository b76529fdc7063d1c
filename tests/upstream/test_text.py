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

- Since Linux 5.9: A frog jumps whenever somebody looks at it, and then hides
  for a long time.

- Before Linux 7.1: A frog sits.

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


def test_rules_sections_and_paragraphs_can_be_left_out(ponds: Page) -> None:
    found = ponds.section("Frogs", mark="=", without=("frog.jump", "Colours", "Frogs live"))
    assert "jumps" not in found
    assert "live in ponds" not in found
    assert "A frog sits." in found
    assert "Green" not in found


@pytest.mark.parametrize("name", ["frog.hide", "Fish", "Toads live"])
def test_what_is_to_be_left_out_must_be_there(ponds: Page, name: str) -> None:
    with pytest.raises(PageError, match=f"'Frogs' has no {name}"):
        ponds.section("Frogs", mark="=", without=("frog.jump", name))


def test_a_rule_can_be_had_alone(ponds: Page) -> None:
    rule = ponds.rule("frog.jump")
    assert (rule.traces, rule.recorded) == (("one-trace", "another-trace"), False)
    assert ponds.rule("frog.sit").recorded


def test_what_is_not_there_is_named(ponds: Page) -> None:
    with pytest.raises(PageError, match="section 'Toads'"):
        ponds.section("Toads", mark="=")
    with pytest.raises(PageError, match="toad.jump"):
        ponds.rule("toad.jump")


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (".. tab-set::\n\n   x", "wrong.rst:6: `.. tab-set::` has no form"),
        ("See\n:doc:`traces`.", "wrong.rst:7: :doc:`traces` leads to a page"),
        (":rule:`frog.jump` says so.", "wrong.rst:6: :rule:`frog.jump` leads to"),
        ("So\nthey jump:\n\n>>> jump()", "wrong.rst:7: the paragraph announces"),
        ("They jump:", "wrong.rst:6: the paragraph announces"),
        (".. rule:: a.b\n   :since: NO_SUCH\n\n   X.", "wrong.rst:6: no such change: NO_SUCH"),
    ],
)
def test_what_has_no_form_there_is_an_error(tmp_path: Path, block: str, complaint: str) -> None:
    assert wrong(tmp_path, block).startswith(complaint)
