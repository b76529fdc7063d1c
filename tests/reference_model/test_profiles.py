# SPDX-License-Identifier: GPL-2.0-only
"""Profiles: kernels that are no release, in the model and in its commands."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from reference_model import MAINLINE, Kernel, Profile, Release, changes, profiles
from reference_model.__main__ import main
from reference_model.catalogue import stories
from reference_model.catalogue.story import observed

ROOT = Path(__file__).parent.parent.parent
HAZARDS = str(ROOT / "records" / "traces" / "hazards.jsonl")


def data(**members: Any) -> dict[str, Any]:
    """The data of a profile, with other members."""
    plain = {"profile": 1, "kernel": "5.14.0-503.el9", "nearest": "5.14", "changes": {}}
    return {**plain, **members}


def like(release: str, nearest: str) -> Profile:
    """The profile of a release, which leaves nothing to the nearest one."""
    has = Release(release).has
    return Profile("mine", nearest, {name: has(change) for change, name in changes.NAMES.items()})


def test_a_profile_decides_and_else_the_nearest_release() -> None:
    found = Profile("vendor", "5.8.18", {"SHARED_STORAGE": True, "LINKS": False})
    assert found.has(changes.SHARED_STORAGE)
    assert not found.has(changes.LINKS)
    for change in set(changes.ALL) - {changes.SHARED_STORAGE, changes.LINKS}:
        assert found.has(change) is Release("5.8.18").has(change)
    assert (found.name, found.nearest) == ("vendor", "5.8.18")
    assert Release("5.8") < found < Release("5.9")


def test_the_model_takes_a_profile() -> None:
    found = like("5.8", "5.9")
    kernel = Kernel(found)
    assert kernel.release is found
    assert not kernel.has(changes.SHARED_STORAGE)


@pytest.mark.parametrize("release", ["4.19", "5.9", MAINLINE[-1]])
def test_a_story_observes_on_the_profile_of_a_release_what_it_does_on_the_release(
    release: str,
) -> None:
    other = MAINLINE[-1] if release == "4.19" else "4.19"
    for story in stories().values():
        found = like(release, other)
        assert story.expected(found) is story.expected(release)
        on_both = [observed(story.run, Kernel(on, **story.kernel)) for on in (found, release)]
        assert on_both[0] == on_both[1]


def test_equality_and_copies() -> None:
    found = like("5.8", "5.9")
    found.has(changes.CAP_BPF)
    assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found)
    assert hash(found) == hash(copy.deepcopy(found))
    assert found != Profile("mine", "5.9", {"LINKS": True})
    named_so = Profile("5.9", "5.9", {})
    assert named_so != Release("5.9")
    assert Release("5.9") != named_so


def test_a_mixed_profile_keeps_what_it_has() -> None:
    mixed = like("5.8", "5.9").like(Release("5.9"), [changes.LINK_DETACH])
    assert mixed.asked == {changes.LINK_DETACH}
    assert mixed.has(changes.LINK_DETACH)
    assert not mixed.has(changes.SHARED_STORAGE)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = Profile("vendor", "6.1.192", {"LINKS": True, "PREORDER": False})
    path = tmp_path / "mine.json"
    path.write_text(profiles.text(found), encoding="utf-8")
    assert profiles.read(path) == profiles.named(str(path)) == found
    assert profiles.named("5.8") == Release("5.8")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "Expecting value"),
        ("[]", r"expected an object, not '\[\]'"),
        pytest.param("[" * 100_000, "nested too deep", id="deep"),
        ('{"profile": 1, "profile": 1}', "'profile' is there twice"),
        (data(profile=2), "it has form 2, and this version reads form 1"),
        (data(profile=True), "'profile' is a number, not true"),
        (data(kernel=5), "'kernel' is a text, not 5"),
        (data(nearest="5.99"), r"unknown release '5\.99' \(known: 4\.19 to"),
        (data(nearest=None), "'nearest' is a text, not null"),
        (data(changes=[]), r"'changes' is an object, not \[\]"),
        (data(changes={"LINKS": 1}), "'LINKS' is true or false, not 1"),
        (data(changes={"LINX": True}), "unknown change 'LINX': this version may be older"),
        (data(more=1), "unknown member 'more': known are profile, kernel, nearest, changes"),
        ({"profile": 1}, "it has no 'kernel'"),
    ],
)
def test_what_is_no_profile(written: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(written if isinstance(written, str) else json.dumps(written), encoding="utf-8")
    with pytest.raises(profiles.ProfileError, match=reason) as caught:
        profiles.read(path)
    assert str(caught.value).startswith(f"{path}: not a profile: ")
    assert "cgroup-storage probe --profile FILE" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(profiles.ProfileError, match="cannot be read: No such file"):
        profiles.read(tmp_path / "none.json")
    with pytest.raises(profiles.ProfileError, match="cannot be read: Is a directory"):
        profiles.read(tmp_path)
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    with pytest.raises(profiles.ProfileError, match="not a profile: 'utf-8'"):
        profiles.read(tmp_path / "bytes.json")
    with pytest.raises(profiles.ProfileError, match="larger than 1,048,576 bytes"):
        profiles.read("/dev/zero")


def test_replay_on_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers of 5.8.18 agree with its own profile, and differ from that of 5.9."""
    for release, status in (("5.8.18", 0), ("5.9", 1)):
        path = tmp_path / f"{release}.json"
        path.write_text(profiles.text(like(release, "7.3")), encoding="utf-8")
        command = ["replay", "--json", "--release", "5.8.18", "--profile", str(path), HAZARDS]
        assert main(command) == status
        (numbers,) = json.loads(capsys.readouterr().out).values()
        assert bool(numbers["differ"]) is bool(status)


def test_diverge_with_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The program that it prints is one for the profile."""
    path = tmp_path / "mine.json"
    path.write_text(profiles.text(like("5.8", "5.9")), encoding="utf-8")
    command = ["diverge", "--depth", "2", "--jobs", "2", str(path), "5.9"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "because of SHARED_STORAGE" in said
    assert ">>> kernel = Kernel(profile)" in said
    assert "# on mine: EBUSY" in said
    assert main(["diverge", "5.8", "5.9", "--depth", "2"]) == 0
    wanted = capsys.readouterr().out
    assert said.replace("Kernel(profile)", "Kernel('5.8')").replace("mine", "5.8") == wanted


def test_commands_name_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = "none.json: the profile cannot be read: No such file or directory"
    assert main(["diverge", "none.json", "5.8"]) == 2
    assert capsys.readouterr().err.strip() == wanted
    with pytest.raises(profiles.ProfileError, match=wanted):
        main(["replay", HAZARDS, "--profile", "none.json"])
