# SPDX-License-Identifier: GPL-2.0-only
"""The hooks that events pass, on the model and on the kernels of records/events.json."""

from __future__ import annotations

import pytest

from conformance.events import answers
from records import events as records
from reference_model import Kernel, Release, lsm

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
    with pytest.raises(NotImplementedError, match="6.1.192 and 6.12.118"):
        lsm.exists("file_release", Release("6.6"))
