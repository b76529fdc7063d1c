# SPDX-License-Identifier: GPL-2.0-only
"""The records of changes that the model does not ask for."""

from __future__ import annotations

import re

import pytest

from reference_model import MAINLINE, Change, Release, changes, other_changes

RECORDS = [pytest.param(record, id=other_changes.NAMES[record]) for record in other_changes.ALL]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_complete(record: Change) -> None:
    assert re.fullmatch(r"([0-9a-f]{12})?", record.commit)
    assert record.title
    assert record.effect.endswith(".")
    assert record.unmodelled
    assert record.first in MAINLINE
    assert record.read or record.changelogs
    assert not record.recorded, "a kernel was asked, so the model can ask, too"


@pytest.mark.parametrize("record", RECORDS)
def test_its_sources_are_releases_with_and_without_it(record: Change) -> None:
    trees = [tree for one in record.read for tree in one.trees]
    for release in (*trees, *record.changelogs, *record.backports):
        assert str(Release(release)) == release
    assert set(record.changelogs) <= set(record.backports)
    assert not trees or any(Release(tree).has(record) for tree in trees)
    if record.cve:
        assert re.fullmatch(r"CVE-\d{4}-\d{4,}", record.cve)


def test_the_records_stand_in_order_of_release() -> None:
    firsts = [MAINLINE.index(str(record.first)) for record in other_changes.ALL]
    assert firsts == sorted(firsts)


def test_no_change_has_two_records() -> None:
    assert not set(other_changes.NAMES.values()) & set(changes.NAMES.values())
    commits = [record.commit for record in (*changes.ALL, *other_changes.ALL) if record.commit]
    twice = {commit for commit in commits if commits.count(commit) > 1}
    assert twice == {changes.SHARED_STORAGE.commit}


def test_the_model_asks_for_its_own_records_alone() -> None:
    assert not any(record.unmodelled for record in changes.ALL)
