# SPDX-License-Identifier: GPL-2.0-only
"""A page of the site, written as the kernel's documentation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from upstream import text
from upstream.patches import PATCHES
from upstream.text import Page, PageError, page

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

Green.

.. literalinclude:: frog.c
   :language: c
   :lines: 2-

Fish
====

Fish stay.
"""


@pytest.fixture
def ponds(tmp_path: Path) -> Page:
    (tmp_path / "frog.c").write_text("// licence\nint main(void)\n{\n\treturn 1;\n}\n")
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

Frogs live in ponds, see
Documentation/bpf/map_cgrp_storage.rst.

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

Green.

.. code-block:: c

   int main(void)
   {
           return 1;
   }
"""
    )


def test_rules_and_sections_can_be_left_out(ponds: Page) -> None:
    found = ponds.section("Frogs", mark="=", without=("frog.jump", "Colours"))
    assert "jumps" not in found
    assert "A frog sits." in found
    assert "Green" not in found
    assert "return 1" not in found


def test_parts_can_be_had_alone(ponds: Page) -> None:
    assert ponds.paragraph("Frogs live") == (
        "Frogs live in ponds, see Documentation/bpf/map_cgrp_storage.rst."
    )
    assert ponds.directive("note").startswith(".. note::\n\n   - One.")
    assert ponds.program("frog.c").startswith(".. code-block:: c\n\n   int main")
    rule = ponds.rule("frog.jump")
    assert (rule.traces, rule.recorded) == (("one-trace", "another-trace"), False)
    assert ponds.rule("frog.sit").recorded


def test_what_is_not_there_is_named(ponds: Page) -> None:
    for ask, name in (
        (lambda: ponds.section("Toads", mark="="), "section 'Toads'"),
        (lambda: ponds.paragraph("Toads"), "'Toads'"),
        (lambda: ponds.directive("danger"), "danger"),
        (lambda: ponds.program("toad.c"), "toad.c"),
        (lambda: ponds.rule("toad.jump"), "toad.jump"),
    ):
        with pytest.raises(PageError, match=name):
            ask()


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (".. tab-set::\n\n   x", "wrong.rst:6: `.. tab-set::` has no form"),
        ("See\n:doc:`traces`.", "wrong.rst:7: :doc:`traces` leads to a page"),
        (":rule:`frog.jump` says so.", "wrong.rst:6: :rule:`frog.jump` leads to"),
        ("So\nthey jump:\n\n>>> jump()", "wrong.rst:7: the paragraph announces"),
        ("They jump:", "wrong.rst:6: the paragraph announces"),
        (".. literalinclude:: no.c\n   :language: c", "wrong.rst:6: No such file or directory"),
        (".. literalinclude:: no.c\n   :caption: c", "wrong.rst:6: literalinclude: only"),
        (".. rule:: a.b\n   :since: NO_SUCH\n\n   X.", "wrong.rst:6: no such change: NO_SUCH"),
    ],
)
def test_what_has_no_form_there_is_an_error(tmp_path: Path, block: str, complaint: str) -> None:
    assert wrong(tmp_path, block).startswith(complaint)


def proposed() -> str:
    """All text of all patches, in one line."""
    page.cache_clear()
    return " ".join(" ".join(edit.new() for patch in PATCHES for edit in patch.edits).split())


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("map_cgroup_storage.rst", "Before 5.9 it always started with"),
        ("map_cgroup_storage.rst", "The first key is that of the newest storage"),
        ("map_cgroup_storage.rst", "``value_size`` since 5.15"),
        ("map_cgroup_storage.rst", "The helper never returns NULL"),
        ("map_cgroup_storage.rst", "User space cannot"),
        ("examples/reference/count_egress.bpf.c", "0 would drop the packet"),
        ("examples/reference/read_cgrp_count.c", "nobody has made a storage"),
    ],
)
def test_one_sentence_changed_on_the_site_changes_the_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, sentence: str
) -> None:
    before = proposed()
    assert sentence in before
    site = tmp_path / "docs"
    shutil.copytree(text.DOCS / "examples" / "reference", site / "examples" / "reference")
    for path in text.DOCS.glob("map_cg*_storage.rst"):
        shutil.copy(path, site)
    changed = (site / file).read_text(encoding="utf-8").replace(sentence, "FROGS")
    (site / file).write_text(changed, encoding="utf-8")
    monkeypatch.setattr(text, "DOCS", site)
    try:
        after = proposed()
    finally:
        page.cache_clear()
    assert after == before.replace(sentence, "FROGS") or "FROGS" in after
    assert sentence not in after
