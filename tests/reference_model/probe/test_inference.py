# SPDX-License-Identifier: GPL-2.0-only
"""What the probe concludes from answers: of the model, where the truth is known, and of kernels."""

from __future__ import annotations

import random

import pytest

from records import probe
from reference_model import MAINLINE, Release, changes
from reference_model.linux.machine import stable_release
from reference_model.probe import inference, questions
from reference_model.probe.asking import Answers
from reference_model.probe.inference import PROBED, Finding
from reference_model.probe.predictions import Has, changes_of
from reference_model.traces import Answer

PREDICTIONS = probe._predictions((0, 1), 2)
"""Of the machine of the guests, so that all tests here share what the model answers."""
RECORDED = probe.read()


def answers(has: Has) -> dict[str, list[Answer]]:
    """What the model answers with these changes."""
    return {each.question.name: each.on(has) for each in PREDICTIONS}


def check(found: Finding, has: Has) -> int:
    """Compare with the truth; how many changes were told."""
    assert found.unexplained == []
    told = {change: given for change, given in found.states.items() if given is not None}
    assert told == {change: has[change] for change in told}
    assert all(found.shown_by[change] for change in told)
    return len(told)


@pytest.mark.parametrize("name", [*MAINLINE[::12], MAINLINE[-1]])
def test_a_mainline_release_is_recognised(name: str) -> None:
    found = inference.infer(PREDICTIONS, answers(changes_of(name)), name)
    assert found.nearest == name
    assert check(found, changes_of(name)) >= 49


@pytest.mark.parametrize("name", ["5.4.48", "6.6.157", "6.18.52"])
def test_backports_are_told(name: str) -> None:
    branch = name.rpartition(".")[0]
    found = inference.infer(PREDICTIONS, answers(changes_of(name)), branch)
    assert check(found, changes_of(name)) >= 49
    assert found.nearest == branch
    backported = {c for c in PROBED if Release(name).has(c) and not Release(branch).has(c)}
    assert any(found.states[change] for change in backported)


@pytest.mark.parametrize("number", range(4))
def test_kernels_of_vendors(number: int) -> None:
    """Random changes of later releases on a release: nothing that is told is wrong."""
    chance = random.Random(number)
    base = chance.choice(MAINLINE)
    has = dict(changes_of(base))
    later = [change for change in PROBED if not has[change]]
    for change in chance.sample(later, min(len(later), chance.randint(1, 12))):
        has[change] = True
    check(inference.infer(PREDICTIONS, answers(has), base), has)


def test_an_answer_that_no_kernel_gives_is_not_explained() -> None:
    given = {**answers(changes_of("6.1")), "load for sysctl": ["EPERM"]}
    found = inference.infer(PREDICTIONS, given, "6.1")
    assert found.unexplained == ["load for sysctl"]
    assert found.states[changes.SYSCTL_PROGRAMS] is None
    assert found.nearest == "6.1"


def test_nothing_is_told_without_answers() -> None:
    found = inference.infer(PREDICTIONS, {}, "6.1")
    assert set(found.states.values()) == {None}
    assert found.nearest == "6.1"


def test_the_profile_has_what_was_told() -> None:
    found = inference.infer(PREDICTIONS, answers(changes_of("5.10.262")), "5.10")
    profile = found.profile("5.10.0-vendor")
    assert (profile.name, profile.nearest) == ("5.10.0-vendor", "5.10")
    assert profile.present["NEXT_KEY_END"]
    assert "SPARSE_CPUS" not in profile.present
    assert profile.has(changes.NEXT_KEY_END)


@pytest.mark.parametrize("version", RECORDED)
def test_on_recorded_kernels_it_finds_what_the_records_say(version: str) -> None:
    told = RECORDED[version]
    assert told.given.keys() | told.not_asked.keys() == {q.name for q in questions.read()}
    assert probe.differences(version, told) == []
    assert stable_release(told.kernel, "").split(".")[:2] == version.split(".")[:2]


def test_five_kernels_are_recorded() -> None:
    assert len(RECORDED) >= 5


def test_a_wrong_record_is_noticed() -> None:
    version, told = next(iter(RECORDED.items()))
    given = {**told.given, "load for recvmsg4": ["EINVAL"]}
    found = probe.differences(version, Answers(told.kernel, told.machine, given))
    assert "RECVMSG_HOOKS: absent, the model: present" in found
