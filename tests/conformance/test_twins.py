# SPDX-License-Identifier: GPL-2.0-only
"""The comparison of twins and stories, as far as it can be tested without a guest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import languages, run_twins, tools, twins
from conformance.__main__ import main
from conformance.command_line import Exit, Wanted
from conformance.kernels import KernelImage
from conformance.twins import Printed
from records.identity import Identity
from reference_model.catalogue import UNDEFINED, stories

SEEN = {"count": 2, "values": [1, 2], "delete": "EINVAL"}
PRINTED = ["count: 2", "values: [1, 2]", "delete: EINVAL"]
KERNEL = KernelImage("own", Identity("5.8.18", "5.8.18"), Path("bzImage"))


def on(version: str) -> KernelImage:
    """A kernel of this version."""
    return replace(KERNEL, identity=Identity(version, version))


def test_what_the_story_expects_is_no_difference() -> None:
    assert Printed(PRINTED, 0).difference(SEEN) == ""


@pytest.mark.parametrize(
    ("lines", "difference"),
    [
        (["count: 3", *PRINTED[1:]], "count: printed 3, expected 2"),
        (PRINTED[1:], "count: printed nothing, expected 2"),
        ([*PRINTED, "more: 1"], "more: printed 1, expected nothing"),
        ([*PRINTED, "noise"], "noise: printed , expected nothing"),
        ([*PRINTED, PRINTED[0]], f"a label was printed twice: {[*PRINTED, PRINTED[0]]}"),
        ([PRINTED[0], "values: 1, 2", PRINTED[2]], "values: printed 1, 2, expected [1, 2]"),
    ],
)
def test_each_difference_is_named(lines: list[str], difference: str) -> None:
    assert Printed(lines, 0).difference(SEEN) == difference


def test_a_bad_end_is_a_difference() -> None:
    assert Printed(PRINTED, 1, "lookup: no\n").difference(SEEN).endswith("; lookup: no")
    assert Printed(PRINTED, None).difference(SEEN).startswith("ended with None")
    assert Printed().difference({}) != ""  # a twin that never ran


def test_where_it_is_undefined_anything_may_follow() -> None:
    undefined = {"attach": "ok", "link": UNDEFINED}
    assert Printed(["attach: ok"], None).difference(undefined) == ""
    assert Printed(["attach: ok", "link: ok", "more: 1"], 0).difference(undefined) == ""
    assert Printed(["attach: ok", "link: EINVAL"], 1).difference(undefined) == ""
    assert Printed([], None).difference(undefined) == "attach: printed nothing, expected ok"
    assert Printed(PRINTED[:2], None).difference(SEEN) != ""


def test_what_the_guest_told_is_read() -> None:
    lines = [
        json.dumps({"story": "a"}),
        "count: 2",
        json.dumps({"story": "a", "status": 0}),
        "noise",
        json.dumps({"story": "b"}),
        "x: 1",
        json.dumps({"story": "b", "status": 1, "stderr": "why"}),
    ]
    assert twins.printed_by(lines) == {
        "a": Printed(["count: 2"], 0),
        "b": Printed(["x: 1"], 1, "why"),
    }


def test_the_runner_tells_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, script in {
        "good": "echo count: 2",
        "bad": "echo x: 1; echo why >&2; exit 3",
        "last": "echo y: 1",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    assert run_twins.main(str(tmp_path), "good", "bad", "last") == 1
    assert twins.printed_by(capfd.readouterr().out.splitlines()) == {
        "good": Printed(["count: 2"], 0),
        "bad": Printed(["x: 1"], 3, "why\n"),
        "last": Printed(["y: 1"], 0),
    }
    assert run_twins.main(str(tmp_path), "good") == 0


def test_who_may_break_the_kernel_has_a_guest_to_itself() -> None:
    """A story that changes the kernel for good runs last."""
    names = (
        "attached_twice_shares_one_storage",
        "detach_needs_no_capability",
        "descriptors_suffice_without_capabilities",
        "link_update_compares_maps",
        "walk_all_keys",
    )
    known = {name: story for name, story in stories().items() if name in names}
    made = {
        version: [(twins_of, task.may_crash) for twins_of, task in twins.tasks(on(version), known)]
        for version in ("5.8.18", "5.10.223", "7.3")
    }
    twice, sets, detach, update, walk = known
    assert made == {
        "5.8.18": [([detach, walk, sets], False), ([twice], True), ([update], True)],
        "5.10.223": [([detach, walk, twice, sets], False), ([update], True)],
        "7.3": [([detach, walk, twice, update, sets], False)],
    }


def test_a_payload_runs_what_it_says() -> None:
    name, story = "walk_all_keys", stories()["walk_all_keys"]
    made = twins.payload([name], {name: story})
    assert made.argv[1:] == ("run_twins.py", "twins", name)
    assert set(made.files) == {"run_twins.py", f"twins/{name}", f"twins/{name}.bpf.o"}


def test_all_versions_in_go_are_one_program() -> None:
    name, known = "walk_all_keys", stories()
    made = twins.payload([name], known, languages.GO)
    assert made.argv[1:] == ("run_twins.py", "twins", f"{name},GO")
    assert set(made.files) == {"run_twins.py", "twins/go-examples", f"twins/{name}.bpf.o"}
    breaking = twins.with_settings("to_cgrp_storage", known["to_cgrp_storage"], languages.GO)
    assert breaking == "to_cgrp_storage,GO,BTF"


def test_the_runner_names_the_story_in_go(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / run_twins.GO_PROGRAM
    program.write_text('#!/bin/sh\necho "name: $1"\n')
    program.chmod(0o755)
    assert languages.GO_PROGRAM == run_twins.GO_PROGRAM
    assert run_twins.main(str(tmp_path), "a,GO") == 0
    assert twins.printed_by(capfd.readouterr().out.splitlines()) == {"a": Printed(["name: a"], 0)}


def test_without_go_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("GO", "no-such-go")
    monkeypatch.setenv("GO_LIBRARY", str(tmp_path))
    monkeypatch.setattr(twins, "wanted_kernels", lambda options, progress: Wanted(()))
    assert main(["twins", "--go"]) == Exit.USAGE
    packages = "golang-github-cilium-ebpf-dev golang-go"
    assert f"--no-install-recommends {packages}" in capsys.readouterr().err


def test_settings_go_with_the_name() -> None:
    story = stories()["detach_needs_no_capability"]
    assert twins.with_settings("twin", story) == "twin,unprivileged_bpf_disabled=0"
    assert twins.with_settings("twin", stories()["attach_needs_no_memlock"]) == "twin"


def test_a_missing_compiler_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(twins, "missing_tools", lambda: tools.MissingTools(("clang",), ("clang",)))
    monkeypatch.setattr(twins, "wanted_kernels", lambda options, progress: Wanted(()))
    assert main(["twins"]) == Exit.USAGE
    assert "apt-get install --no-install-recommends clang" in capsys.readouterr().err


def test_a_twin_that_needs_btf_does_not_run_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """libbpf would answer in place of the kernel."""
    monkeypatch.setattr(run_twins, "BTF", tmp_path / "vmlinux")
    assert twins.with_settings("to_cgrp_storage", stories()["to_cgrp_storage"]).endswith(",BTF")
    assert run_twins.main(str(tmp_path), "to_cgrp_storage,BTF") == 0
    (told,) = twins.printed_by(capfd.readouterr().out.splitlines()).values()
    assert told.skipped == f"the kernel has no {tmp_path}/vmlinux"


def test_a_sysctl_is_set_as_far_as_a_kernel_lets(tmp_path: Path) -> None:
    file = tmp_path / "setting"
    file.write_text("0\n")
    run_twins.set_sysctl(file, "2")
    assert file.read_text() == "2"
    file.chmod(0o400)
    run_twins.set_sysctl(file, "2")
    assert file.read_text() == "2"


def test_what_the_go_library_cannot_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["zero_explicitly", "to_cgrp_storage"]
    for library, left_out in (("0.9.1", names[1:]), ("0.22.0", [])):
        monkeypatch.setattr(languages, "library_version", lambda it=library: it)
        assert twins.unreadable(on("6.12.118"), names, languages.GO) == left_out
        assert twins.unreadable(on("6.12.118"), names, languages.C) == []
        assert twins.unreadable(on("6.1.192"), names, languages.GO) == []
