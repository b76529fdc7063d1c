# SPDX-License-Identifier: GPL-2.0-only
"""The committed records of stories on real kernels: whole, and of the stories as they are."""

from __future__ import annotations

import copy
import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest

from records import results
from records.files import KERNELS
from reference_model import Release
from reference_model.catalogue import stories

RECORDS = list(results.read())
each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["kernel"]["version"])


# -- the records that there are --------------------------------------------------------------------


def test_five_kernels_were_recorded() -> None:
    assert len(RECORDS) >= 5
    kernels = [record["kernel"]["version"] for record in RECORDS]
    assert kernels == sorted(kernels, key=Release)


@each_record
def test_a_record_agrees_with_the_stories_as_they_are(record: dict[str, Any]) -> None:
    again = "record it again: python -m conformance.stories --record"
    assert list(results.differences(record)) == [], again


@each_record
def test_every_story_is_in_each_record(record: dict[str, Any]) -> None:
    assert set(record["stories"]) == set(stories())
    assert all(told["observed"] for told in record["stories"].values())


@each_record
def test_every_twin_is_in_each_record(record: dict[str, Any]) -> None:
    """That they agree, and are as they were, is told with the differences."""
    assert set(record["twins"]) == set(stories())


@each_record
def test_a_record_says_which_kernel_it_was(record: dict[str, Any]) -> None:
    kernel = record["kernel"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", kernel["version"])
    assert kernel["release"].startswith(".".join(kernel["version"].split(".")[:2]))
    assert kernel["release"] in kernel["package"]
    assert kernel["version"] in kernel["package_version"]
    # the configuration of a split package is in another one, which a suite may no longer offer
    unknown = not kernel["config_sha256"] and kernel["package"].startswith("linux-binary-")
    assert unknown or re.fullmatch("[0-9a-f]{64}", kernel["config_sha256"])
    assert datetime.date.fromisoformat(record["date"])


@pytest.mark.parametrize("path", sorted(KERNELS.glob("*.json")), ids=lambda path: path.name)
def test_a_record_is_as_it_is_written(path: Path, tmp_path: Path) -> None:
    """And names no place of a machine."""
    text = path.read_text(encoding="utf-8")
    assert results.write(json.loads(text), tmp_path).name == path.name
    assert (tmp_path / path.name).read_text(encoding="utf-8") == text
    assert not re.search(r"(?<!\w)/", text), "only in names such as cgroup/skb"


# -- records that are no longer right --------------------------------------------------------------


def tampered(tmp_path: Path, **changes: Any) -> list[str]:
    """What is said of a record after changes to what it tells of one story."""
    record = copy.deepcopy(RECORDS[0])
    record["stories"]["reattach_keeps_data"].update(changes)
    results.write(record, tmp_path)
    (read,) = results.read(tmp_path)
    return list(results.differences(read))


def test_a_story_that_changed_after_it_was_recorded(tmp_path: Path) -> None:
    version = RECORDS[0]["kernel"]["version"]
    assert tampered(tmp_path) == []
    assert tampered(tmp_path, digest="0" * 16) == [
        f"{version}: reattach_keeps_data: the story changed after it was recorded"
    ]


def test_a_kernel_that_did_something_else(tmp_path: Path) -> None:
    (found,) = tampered(tmp_path, observed={"before detach": 1})
    assert "reattach_keeps_data: observed {'before detach': 1}, expected {" in found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digest": "0" * 16}, "the C twin changed after it was recorded"),
        ({"differs": "it printed 1"}, "the C twin differs: it printed 1"),
    ],
)
def test_a_twin_that_is_no_longer_right(changes: dict[str, str], said: str) -> None:
    record = copy.deepcopy(RECORDS[0])
    record["twins"]["reattach_keeps_data"].update(changes)
    (found,) = results.differences(record)
    assert found.endswith(f"reattach_keeps_data: {said}")


def test_a_story_that_is_gone(tmp_path: Path) -> None:
    record = copy.deepcopy(RECORDS[0])
    record["stories"]["gone"] = record["stories"]["reattach_keeps_data"]
    (found,) = results.differences(record)
    assert found.endswith("gone: there is no such story any more")
