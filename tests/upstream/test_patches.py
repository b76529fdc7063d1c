# SPDX-License-Identifier: GPL-2.0-only
"""What the patches say, and in which words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import offers
from upstream import package, text
from upstream.edits import Unexpected
from upstream.patch import BODY_WIDTH, Patch, Series
from upstream.patches import FIRST, PATCHES, READ_IN, SECOND, reattach, selftest

MOST = 120
"""Lines that the first series may add."""

FORBIDDEN = re.compile(
    r"read in the source|from source|inferred|recorded|not tested|in stable releases"
    r"|\b\d+\.\d+\.\d+\b"  # a stable release
    r"|65407|\bCVE-|\bcrash|\bcorrupt|\boops\b|\bbogus\b|16-byte|8-byte|\bmodel\b"
    r"|:rule:|:story:|:doc:|:change:|\.\. (rule|container)::",
    re.IGNORECASE,
)
"""What the site says for its own readers, and what no document in the tree says."""


def added(patch: Patch) -> str:
    """The text that a patch adds."""
    return "\n".join(line[1:] for edit in patch.edits for line in edit.shown if line[:1] == "+")


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_nothing_for_readers_of_the_site_reaches_a_patch(patch: Patch) -> None:
    found = FORBIDDEN.search(f"{patch.subject}\n{patch.body}\n{added(patch)}")
    assert found is None, found


@pytest.mark.parametrize("series", [FIRST, SECOND])
def test_nor_a_cover_letter(series: Series) -> None:
    assert FORBIDDEN.search(f"{series.title}\n{series.reasons}") is None


@pytest.mark.parametrize(
    "words", ["(Read in the source.)", "fixed in 6.12.91", "the kernel crashes", "a 16-byte key"]
)
def test_what_is_forbidden_is_found(words: str) -> None:
    assert FORBIDDEN.search(words)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_every_patch_reads_as_the_kernel_wants(patch: Patch) -> None:
    (prefix,) = {
        "selftests/bpf" if path.startswith("tools/testing")
        else "bpf, docs" if path.startswith("Documentation") else "bpf"
        for path in patch.paths
    }  # fmt: skip
    assert re.fullmatch(rf"{prefix}: [A-Z].*[^.]", patch.subject)
    assert len(patch.subject) <= BODY_WIDTH
    assert max(map(len, patch.body.splitlines())) <= BODY_WIDTH
    for named in re.findall(r"commit\s(\S+)\s(..)", patch.body):
        assert re.fullmatch(r"[0-9a-f]{12} \(\"", " ".join(named))


def test_every_claim_has_its_evidence() -> None:
    for claim in (claim for patch in PATCHES for claim in patch.claims):
        assert re.search(r"\.[ch]``: ", claim.source)
        assert re.fullmatch(r"\d\.\d+", claim.since)
        assert claim.asked or not claim.stories


def test_a_name_that_the_page_does_not_have_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a rule or a paragraph of the site is renamed: it would go upstream unseen."""
    page = text.page("map_cgroup_storage")
    blocks = [block for block in page.blocks if not block.lines[0].startswith("Do not attach")]
    monkeypatch.setattr(page, "blocks", blocks)
    with pytest.raises(text.PageError, match="'Sharing' has no Do not attach a program twice"):
        reattach.sections()


def test_a_change_of_the_site_changes_the_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (text.DOCS / "map_cgroup_storage.rst").read_text(encoding="utf-8")
    assert page.count("the LSM hook                  one storage") == 1
    changed = page.replace("the LSM hook                  one", "the LSM hook                  two")
    (tmp_path / "map_cgroup_storage.rst").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(text, "DOCS", tmp_path)
    text.page.cache_clear()
    try:
        assert "the LSM hook                  two storage" in reattach.sections()
    finally:
        text.page.cache_clear()


# -- on the kernel's own text


@pytest.fixture(scope="module")
def texts(debian: package.SourcePackage) -> dict[str, str]:
    """The files that both series change; the text that they were written for."""
    if offers.upstream(debian.version) != READ_IN:
        pytest.skip(
            f"the kernel's text was read in {READ_IN}, and {debian.version} has another one"
        )
    paths = {*FIRST.paths, *SECOND.paths}
    return {path: (debian.linux / path).read_text(encoding="utf-8") for path in paths}


def applied(series: Series, texts: dict[str, str]) -> Iterator[tuple[Patch, dict[str, str]]]:
    """Each patch that has its place, and the texts after it."""
    for patch in series.patches:
        try:
            texts = {**texts, **patch.applied(texts)}
        except Unexpected:
            continue
        yield patch, texts


def test_the_first_series_is_small(texts: dict[str, str]) -> None:
    (*_, (_, after)) = applied(FIRST, texts)
    lines = [line for path in texts for line in new_lines(texts[path], after[path])]
    assert 0 < len(lines) <= MOST


def new_lines(before: str, after: str) -> list[str]:
    """The lines that a diff would add."""
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in told if line.startswith("+") and not line.startswith("+++")]


@pytest.mark.parametrize("there", PATCHES, ids=lambda patch: patch.name)
def test_a_patch_that_the_tree_has_is_left_out_alone(there: Patch, texts: dict[str, str]) -> None:
    texts = {**texts, **there.applied(texts)}
    for series in (FIRST, SECOND):
        made = [patch.name for patch, _ in applied(series, texts)]
        assert made == [patch.name for patch in series.patches if patch is not there]


def test_a_tree_without_the_newer_map_gets_no_link_to_it(texts: dict[str, str]) -> None:
    older = {path: text for path, text in texts.items() if "cgrp" not in path}
    assert [patch.name for patch, _ in applied(FIRST, older)] == ["examples", "reattach"]


def test_the_selftest_is_of_the_file_that_runs() -> None:
    assert selftest.SELFTEST.paths == [selftest.TEST]
    assert "void test_cgroup_storage_reattach(void)" in selftest.test_functions()
    assert "SPDX" not in selftest.test_functions()
