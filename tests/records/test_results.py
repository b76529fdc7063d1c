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

from records import pending, results
from records.files import KERNELS, PENDING
from reference_model import Release

RECORDS = list(results.read())
each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["kernel"]["version"])


# -- the records that there are --------------------------------------------------------------------


def test_five_kernels_were_recorded() -> None:
    assert len(RECORDS) >= 5
    kernels = [record["kernel"]["version"] for record in RECORDS]
    assert kernels == sorted(kernels, key=Release)


@each_record
def test_a_record_agrees_with_the_stories_as_they_are(record: dict[str, Any]) -> None:
    assert list(results.differences(record)) == []
    assert all(told["observed"] for told in record["stories"].values())


def test_every_story_is_recorded_or_in_the_list_of_those_that_are_not() -> None:
    again = "make record asks the kernels, and rewrites records/not_recorded.txt"
    assert pending.names() == sorted(pending.lacking()), again


@each_record
def test_a_record_says_which_kernel_it_was(record: dict[str, Any]) -> None:
    kernel = record["kernel"]
    assert datetime.date.fromisoformat(record["date"])
    if kernel["version"] == "proposal":
        assert kernel["release"] == "5.8.18-proposal"
    else:
        assert re.fullmatch(r"\d+\.\d+\.\d+", kernel["version"])
        assert kernel["release"].startswith(".".join(kernel["version"].split(".")[:2]))
    if not kernel["package"]:  # a kernel built from source
        assert kernel["package_version"] == ""
        assert re.fullmatch("[0-9a-f]{64}", kernel["config_sha256"])
        return
    assert kernel["release"] in kernel["package"]
    assert kernel["version"] in kernel["package_version"]
    # the configuration of a split package is in another one, which a suite may no longer offer
    unknown = not kernel["config_sha256"] and kernel["package"].startswith("linux-binary-")
    assert unknown or re.fullmatch("[0-9a-f]{64}", kernel["config_sha256"])


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


@pytest.mark.parametrize("part", ["stories", *results.VERSIONS])
def test_a_story_that_changed_after_it_was_recorded(part: str, tmp_path: Path) -> None:
    """Then its answers claim nothing, and it is one of those to be recorded."""
    for record in RECORDS:
        results.write(record, tmp_path)
    assert "reattach_keeps_data" not in pending.lacking(tmp_path)
    ran = [record for record in RECORDS if "reattach_keeps_data" in record.get(part, {})]
    for record in copy.deepcopy(ran)[pending.ENOUGH - 1 :]:
        told = record[part]["reattach_keeps_data"]
        told.update(digest="0" * 16)
        told["observed" if part == "stories" else "differs"] = "something else"
        results.write(record, tmp_path)
        assert list(results.differences(record)) == []
    assert "reattach_keeps_data" in pending.lacking(tmp_path)


def test_a_kernel_that_did_something_else(tmp_path: Path) -> None:
    (found,) = tampered(tmp_path, observed={"before detach": 1})
    assert "reattach_keeps_data: observed {'before detach': 1}, expected {" in found


@pytest.mark.parametrize(("part", "language"), [("twins", "C"), ("go", "Go")])
def test_a_version_that_printed_something_else(part: str, language: str) -> None:
    record = next(copy.deepcopy(record) for record in RECORDS if part in record)
    record[part]["reattach_keeps_data"].update(differs="it printed 1")
    (found,) = results.differences(record)
    expected = f"reattach_keeps_data: the version in {language} differs: it printed 1"
    assert found.endswith(expected)


def test_a_story_that_is_gone(tmp_path: Path) -> None:
    record = copy.deepcopy(RECORDS[0])
    record["stories"]["gone"] = record["stories"]["reattach_keeps_data"]
    (found,) = results.differences(record)
    assert found.endswith("gone: there is no such story any more")


# -- a new record ----------------------------------------------------------------------------------


def test_what_was_not_asked_again_is_kept(tmp_path: Path) -> None:
    old = copy.deepcopy(RECORDS[0])
    old["stories"]["gone"] = old["stories"]["reattach_keeps_data"]
    results.write(old, tmp_path)
    again = {"digest": "0" * 16, "observed": {"label": 1}}
    made = {**old, "stories": {"reattach_keeps_data": again}, "twins": {}, "date": "2030-01-01"}
    results.add(made, tmp_path)
    (found,) = results.read(tmp_path)
    assert found["stories"] == {**RECORDS[0]["stories"], "reattach_keeps_data": again}
    assert found["twins"] == RECORDS[0]["twins"]
    assert found["date"] == "2030-01-01"


def test_another_kernel_of_this_version_keeps_nothing(tmp_path: Path) -> None:
    results.write(RECORDS[0], tmp_path)
    identity = {**RECORDS[0]["kernel"], "package_version": "5.10.262-9"}
    results.add({**RECORDS[0], "kernel": identity, "twins": {}}, tmp_path)
    (found,) = results.read(tmp_path)
    assert found["twins"] == {}


def test_the_list_of_stories_that_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    pending.write([], path)
    assert pending.names(path) == []
    pending.add("one", path)
    pending.add("another", path)
    pending.add("one", path)
    assert pending.names(path) == ["another", "one"]


def test_the_list_is_as_it_is_written(tmp_path: Path) -> None:
    pending.write(pending.names(), tmp_path / "list.txt")
    assert (tmp_path / "list.txt").read_bytes() == PENDING.read_bytes()
