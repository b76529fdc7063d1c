# SPDX-License-Identifier: GPL-2.0-only
"""Releases: names, order, and which changes each of them contains."""

from __future__ import annotations

import copy
import itertools
import pickle
import re

import pytest

from reference_model import MAINLINE, Change, Kernel, Release, changes
from reference_model.releases import release


def change(first: str | None, backports: tuple[str, ...] = (), *, proposal: bool = False) -> Change:
    return Change("title", "", first, "effect", backports=backports, proposal=proposal)


def test_mainline_is_every_release_from_4_19_on() -> None:
    assert MAINLINE[:3] == ("4.19", "4.20", "5.0")
    assert MAINLINE[2 + 20 + 20] == "7.0"
    assert len(MAINLINE) == len(set(MAINLINE))
    for older, newer in itertools.pairwise(MAINLINE):
        (major, minor), (next_major, next_minor) = (
            map(int, name.split(".")) for name in (older, newer)
        )
        assert (next_major, next_minor) in ((major, minor + 1), (major + 1, 0))


def test_order() -> None:
    names = ["4.19", "4.19.108", "4.20", "5.4.59", "5.8", "5.8.18", "proposal", "5.9.1"]
    names += ["5.10", "5.10.9", "5.10.223", "6.1.176", "6.12.107", "7.2.13", "latest"]
    found = [Release(name) for name in names]
    assert all(a < b and b > a and a <= b and a != b for a, b in itertools.combinations(found, 2))
    assert not any(each < Release(str(each)) for each in found)
    assert [str(each) for each in sorted(map(Release, reversed(MAINLINE)))] == list(MAINLINE)


def test_equality() -> None:
    assert Release("latest") == Release(MAINLINE[-1])
    assert hash(Release("latest")) == hash(Release(MAINLINE[-1]))
    assert Release("5.8") != Release("5.8.18")
    assert Release("5.8") != "5.8"


def test_names() -> None:
    assert repr(Release("5.8.18")) == "Release('5.8.18')"
    assert str(Release("latest")) == MAINLINE[-1]
    assert Release("proposal").proposal
    assert not Release("5.8").proposal


@pytest.mark.parametrize(
    "name",
    ["", "5", "5.20", "4.18", "3.10", "7.20", "99.0", "5.8.", "5.8.x", "5.8.-1", "5.8.1.2", "v5.8"]
    + ["5.08", " 5.8", "5.8\n", "5.8.١", "Latest", "PROPOSAL", "6.20"],
)
def test_unknown_names(name: str) -> None:
    newest = re.escape(MAINLINE[-1])
    known = rf"known: 4\.19 to {newest}, also '6\.1\.176', 'latest', 'proposal'"
    for make in (Release, Kernel):
        with pytest.raises(ValueError, match=known) as caught:
            make(name)
        assert f"unknown release {name!r}" in str(caught.value)


def test_one_object_for_each_name() -> None:
    assert release("5.8") is release("5.8")
    found = Release("5.8")
    assert release(found) is found
    assert Kernel(found).release is found


def test_copies() -> None:
    for name in ("5.8.18", "latest", "proposal"):
        found = Release(name)
        found.has(changes.CAP_BPF)
        assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found)


def test_first_release_of_a_change() -> None:
    new = change("5.9")
    assert [name for name in MAINLINE if Release(name).has(new)] == list(
        MAINLINE[MAINLINE.index("5.9") :]
    )
    assert Release("5.9.1").has(new)
    assert not Release("5.8.18").has(new)
    assert not Release("proposal").has(new)


def test_backports_reach_their_branch_alone() -> None:
    new = change("6.17", ("5.15.192", "6.1.151"))
    for name in ("5.15.192", "5.15.200", "6.1.151", "6.1.176", "6.17", "7.0"):
        assert Release(name).has(new), name
    for name in ("5.14", "5.15", "5.15.191", "5.16", "6.0.999", "6.1.150", "6.2", "6.6.200"):
        assert not Release(name).has(new), name


def test_proposed_changes() -> None:
    """5.8.18 with the series as posted."""
    both, posted_only = change("5.9", proposal=True), change(None, proposal=True)
    assert Release("proposal").has(both)
    assert Release("proposal").has(posted_only)
    for name in (*MAINLINE, "5.8.18"):
        assert not Release(name).has(posted_only)
    assert not Release("5.8.18").has(both)


@pytest.mark.parametrize(
    ("name", "fixed"),
    [("6.1.176", True), ("6.1.174", False), ("5.10.223", False), ("7.3", True), ("7.0", False)],
)
def test_end_of_next_key(name: str, fixed: bool) -> None:
    """ "6.1.176" has the get_next_key fix, "5.10.223" has not."""
    assert Release(name).has(changes.NEXT_KEY_END) is fixed
