# SPDX-License-Identifier: GPL-2.0-only
"""The command ``check``: what it prints, its exit status, and what it says of bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support_objects import COUNT, MAP, compiled, needs_compiler

from reference_model import profiles
from reference_model.__main__ import main
from reference_model.checker import sources
from reference_model.user_error import UserError

GREEDY = MAP.replace("struct bpf_cgroup_storage_key", "__u64") + COUNT
CLEAN = MAP + COUNT


def check(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["check", *map(str, arguments)])
    return status, capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status, out = check(capsys, *arguments, "--json")
    return status, json.loads(out)


def written(tmp_path: Path, text: str, name: str = "count.bpf.o") -> Path:
    path = tmp_path / name
    path.write_bytes(compiled(text))
    return path


@needs_compiler
def test_an_affected_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = check(capsys, written(tmp_path, GREEDY), "--site", "https://example.org/")
    assert status == 1
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == f"{tmp_path}/count.bpf.o: affected"
    assert "As the object stands, it loads on Linux 5.9 to 7.3." in lines
    assert (
        "Linux 4.19 to 5.8: map counts: BPF_MAP_CREATE fails with EINVAL: the map type does not "
        "support this key_size: 8" in lines
    )
    assert "see https://example.org/errors.html#errors-map-create" in lines
    assert "8-byte keys need Linux 5.9" in lines
    assert "1 more page may help: add --verbose." in lines
    assert "see https://example.org/breaking_changes/eight_byte_keys_need_5_9.html" in lines
    assert "one_object_for_all_kernels" not in out
    assert lines[-1] == "Exit status 1: affected, for 2 reasons above."


@needs_compiler
def test_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = check(capsys, written(tmp_path, GREEDY), "--verbose")
    assert status == 1
    assert "map counts: shared, key of 8 bytes, value of 8 bytes\n" in out
    assert "program count [cgroup_skb/egress]: uses counts\n" in out
    assert "see recipes/one_object_for_all_kernels.html\n" in out
    assert (
        "Question 1: Does your program attach a BPF program again, or replace or update it?\n"
        "    No: nothing to do. Yes:\n    Re-attaching a program keeps its data\n"
    ) in out
    assert "You are affected if you detach and attach a program to reset its counters" in out
    assert "User space can also change types" in out


@needs_compiler
def test_an_object_without_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = check(capsys, written(tmp_path, CLEAN))
    assert status == 0
    assert ": nothing found\n" in out
    assert "add --verbose for questions, or search its source with --source DIR" in out
    assert out.endswith("Exit status 0: nothing found.\n")


@needs_compiler
def test_objects_without_these_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = compiled('SEC("xdp") int pass(void *ctx) { return 2; }')
    path = tmp_path / "agent"
    path.write_bytes(other + other)
    status, out = check(capsys, path)
    assert status == 0
    assert out.startswith(f"{path}: 2 BPF objects, no maps of cgroup storages\n")
    assert "at byte" in check(capsys, path, "--verbose")[1]


@needs_compiler
@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--from", "5.9"], 0),
        (["--from", "5.8"], 1),
        (["--to", "5.8"], 1),
        (["--from", "5.8", "--to", "5.8.18"], 1),
        (["--kernel", "5.8.18"], 1),
        (["--kernel", "5.9.1"], 0),
        (["--from", "6.1.176", "--to", "6.12"], 0),
    ],
)
def test_the_releases_in_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    assert check(capsys, written(tmp_path, GREEDY), *options)[0] == status


@needs_compiler
def test_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vendor = profiles.Profile("4.18.0-305.el8", "4.19", {"KEY_IS_CGROUP_ID": True})
    profile = tmp_path / "vendor.json"
    profile.write_text(profiles.text(vendor), encoding="utf-8")
    path = written(tmp_path, GREEDY)
    status, out = check(capsys, path, "--kernel", profile)
    assert status == 0
    assert "it loads on Linux 4.18.0-305.el8." in out
    assert check(capsys, path, "--kernel", "4.19")[0] == 1


@needs_compiler
def test_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, GREEDY)
    status, found = document(capsys, path)
    assert status == found["status"] == 1
    assert found["form"] == 1
    assert found["releases"][0] == "4.19"
    assert [reason["status"] for reason in found["reasons"]] == [1, 1]
    (one,) = found["objects"]
    assert one["file"] == str(path)
    assert one["maps"] == [
        {"name": "counts", "type": "shared", "key_size": 8, "value_size": 8, "flags": 0}
    ]
    assert one["programs"] == [
        {"name": "count", "section": "cgroup_skb/egress", "maps": ["counts"]}
    ]
    first, second = one["loads"]
    assert second == {"from": "5.9", "to": "7.3", "loads": True}
    assert {name: first[name] for name in ("from", "to", "loads", "errno", "command")} == {
        "from": "4.19", "to": "5.8", "loads": False, "errno": 22, "command": "BPF_MAP_CREATE",
    }  # fmt: skip
    kinds = {finding["page"]: finding["kind"] for finding in one["findings"]}
    assert kinds == {
        "breaking_changes/eight_byte_keys_need_5_9.html": "change",
        "recipes/one_object_for_all_kernels.html": "guide",
    }
    asked = {each["title"]: each["question"] for each in one["user_space"]}
    assert asked["Re-attaching a program keeps its data"].startswith("Does your program attach")


@needs_compiler
def test_doubts_are_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "count.bpf.o"
    path.write_bytes(compiled(CLEAN, "-g0"))
    status, out = check(capsys, path)
    assert status == 2
    assert "Cannot tell: It has no BTF" in out
    status, found = document(capsys, path)
    assert found["objects"][0]["unknown"]
    assert check(capsys, path, written(tmp_path, GREEDY, "greedy.bpf.o"))[0] == 1


@pytest.mark.parametrize("content", [b"", b"no object", b"\x7fELF"])
def test_a_file_without_an_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "empty"
    path.write_bytes(content)
    status, out = check(capsys, path)
    assert status == 2
    assert "Cannot tell: It contains no BPF object." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a file to check, or a directory of source code: --source DIR"),
        (["/nowhere"], "/nowhere cannot be read: No such file or directory"),
        (
            ["/"],
            "/ is a directory: name the objects in it, or search its source code with --source /",
        ),
        (
            ["/dev/zero"],
            "/dev/zero is not a regular file: write its contents to one, and name that",
        ),
        (["--source", "/dev/null"], "--source /dev/null: it is not a directory"),
        (["--source", "/nowhere"], "--source /nowhere: there is no such directory"),
        (["x", "--kernel", "5.8", "--to", "5.9"], "--kernel names one kernel"),
        (["x", "--from", "5.9", "--to", "5.8"], "--from 5.9 is newer than --to 5.8"),
        (["x", "--from", "3.10"], "--from: unknown release '3.10'"),
        (["x", "--kernel", "/nowhere.json"], "/nowhere.json: the profile cannot be read"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: list[str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        main(["check", *arguments])
    assert str(raised.value).startswith(said)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UserError, match="is not a regular file"):
        main(["check", str(path)])


def test_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(UserError, match="cannot be read: Too many levels of symbolic links"):
        main(["check", str(path)])


@needs_compiler
def test_without_pyelftools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, CLEAN)
    for name in [one for one in sys.modules if one.startswith("elftools")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "elftools", None)
    with pytest.raises(UserError, match="pip install pyelftools=="):
        main(["check", str(path)])


SLOW = ("concurrent", "json", "logging", "pathlib", "elftools.dwarf", "reference_model.linux")
"""Modules that take long to import; a check of an object needs none of them."""


@needs_compiler
def test_the_check_starts_fast(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN)
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; from reference_model.__main__ import main; "
        f"main(['check', {str(path)!r}]); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    imported = done.stdout.splitlines()[-1].split()
    assert "elftools.elf.structs" in imported
    assert [name for name in SLOW if name in imported] == []


# -- source code -----------------------------------------------------------------------------------

AGENT = """\
#include <bpf/bpf.h>
int restart(int prog, int cgroup)
{
	return bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET_EGRESS);
}
"""


def source(tmp_path: Path) -> Path:
    folder = tmp_path / "agent"
    (folder / "node_modules").mkdir(parents=True)
    for path in (folder / "agent.c", folder / "node_modules" / "copy.c"):
        path.write_text(AGENT, encoding="utf-8")
    (folder / "other.c").write_text("int rmdir(void) { return EBUSY; }\n", encoding="utf-8")
    (folder / "notes.txt").write_text(AGENT, encoding="utf-8")
    return folder


def test_signs_in_source_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = source(tmp_path)
    status, out = check(capsys, "--source", folder)
    assert status == 1
    assert out.startswith(f"{folder}: 1 source file with BPF, signs of ")
    assert f"{folder}/agent.c:4: return bpf_prog_detach2(" in out
    assert "see breaking_changes/reattach_keeps_data.html" in out
    assert "other.c" not in out


def test_signs_between_releases_without_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = check(capsys, "--source", source(tmp_path), "--from", "6.1", "--to", "6.12")
    assert status == 0
    assert "signs of 0 changes" in out


@needs_compiler
def test_signs_for_the_maps_of_an_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an object, only what the object leaves to user space is searched for."""
    per_cpu = written(tmp_path, CLEAN.replace("CGROUP_STORAGE", "PERCPU_CGROUP_STORAGE"))
    folder = source(tmp_path)
    (folder / "cpu.c").write_text("/* bpf */ int flags = BPF_F_CPU | EBUSY;\n", encoding="utf-8")
    _, found = document(capsys, "--source", folder, per_cpu)
    named = {signs["page"] for signs in found["sources"][0]["signs"]}
    assert "breaking_changes/one_cpu_can_be_addressed.html" in named
    assert "breaking_changes/second_program_may_use_the_map.html" not in named
    _, found = document(capsys, "--source", folder, written(tmp_path, CLEAN))
    named = {signs["page"] for signs in found["sources"][0]["signs"]}
    assert "breaking_changes/one_cpu_can_be_addressed.html" not in named


def test_a_file_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    folder = source(tmp_path)
    monkeypatch.setattr(sources, "open", refuse, raising=False)
    status, out = check(capsys, "--source", folder)
    assert status == 2
    assert "agent.c cannot be read: Permission denied." in out
