# SPDX-License-Identifier: GPL-2.0-only
"""The hooks that events pass, on the model and on the kernels of records/events.json."""

from __future__ import annotations

import pytest

from conformance.events import answers
from records import events as records
from reference_model import Kernel, Release, changes, lsm

RECORDS = records.read()


@pytest.mark.parametrize("version", RECORDS)
def test_each_event_passes_the_hooks_that_the_kernel_passed(version: str) -> None:
    modelled = dict(answers(Kernel(Release(version).name)))
    recorded = RECORDS[version]["events"]
    assert modelled.keys() == recorded.keys()
    for name, answer in recorded.items():
        assert modelled[name] == answer, name


def test_five_kernels_were_asked() -> None:
    assert len(RECORDS) >= 5
    for record in RECORDS.values():
        assert len(record["events"]) > 15


def lsm_records() -> list[str]:
    return [version for version, record in RECORDS.items() if record["lsm_hooks"]]


@pytest.mark.parametrize("version", lsm_records())
def test_lsm_hooks_are_those_that_took_programs(version: str) -> None:
    release, recorded = Release(version), RECORDS[version]["lsm_hooks"]
    names = {name for record in RECORDS.values() for name in record["lsm_hooks"]}
    assert {name for name in names if lsm.exists(name, release)} == recorded.keys()
    void = {name for name, kinds in recorded.items() if "void" in kinds}
    assert void == lsm.VOID & recorded.keys()


def test_an_invented_hook_does_not_exist() -> None:
    assert not lsm.exists("socket_invented", Release("latest"))
    with pytest.raises(ValueError, match=r"6\.1\.192 and 6\.12\.118 differ in .* 'file_release'"):
        lsm.exists("file_release", Release("6.6"))


@pytest.mark.parametrize("version", lsm_records())
def test_sleepable_hooks_are_those_that_took_sleepable_programs(version: str) -> None:
    """Of the recorded kernels, only 6.19.14 lacks the fix that rejects all sleepable programs."""
    release, recorded = Release(version), RECORDS[version]["lsm_hooks"]
    took = {name for name, kinds in recorded.items() if "sleepable" in kinds}
    if release.has(changes.NO_SLEEPABLE_LSM):
        assert not took
    else:
        assert took == {name for name in recorded if lsm.sleepable(name, release)}


def test_whether_a_hook_may_sleep_is_unknown_between_kernels_that_differ() -> None:
    assert lsm.sleepable("socket_bind", Release("6.6"))
    assert not lsm.sleepable("socket_setsockopt", Release("6.6"))
    with pytest.raises(ValueError, match="'path_link'"):
        lsm.sleepable("path_link", Release("6.6"))
