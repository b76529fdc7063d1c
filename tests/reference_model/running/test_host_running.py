# SPDX-License-Identifier: GPL-2.0-only
"""``check --running`` on the machine's own kernel, with maps that the test makes and removes."""

from __future__ import annotations

import ctypes
import json
import platform
from typing import Any

import pytest
import support_running

import reference_model.linux as linux
from reference_model import BPF_MAP_TYPE_CGROUP_STORAGE, changes
from reference_model.__main__ import main
from reference_model.linux import KernelError, LinuxKernel
from reference_model.linux.machine import mount_point
from reference_model.linux.syscall import Command, bpf
from reference_model.running import live, pins
from reference_model.running.found import FoundMap, Key, Machine
from reference_model.user_error import UserError

LACKING = linux.missing()
needs_kernel = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

READING = {
    Command.BPF_MAP_GET_NEXT_ID,
    Command.BPF_PROG_GET_NEXT_ID,
    Command.BPF_LINK_GET_NEXT_ID,
    Command.BPF_MAP_GET_FD_BY_ID,
    Command.BPF_PROG_GET_FD_BY_ID,
    Command.BPF_LINK_GET_FD_BY_ID,
    Command.BPF_OBJ_GET_INFO_BY_FD,
    Command.BPF_PROG_QUERY,
    Command.BPF_MAP_GET_NEXT_KEY,
    Command.BPF_MAP_LOOKUP_ELEM,
    Command.BPF_OBJ_GET,
}
"""The commands that change nothing."""


@needs_kernel
def test_it_finds_what_there_is_and_only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()

    def watched(command: Command, attr: Any, size: int = 0) -> int:
        used.add(command)
        return bpf(command, attr, size)

    with LinuxKernel() as kernel:
        if not kernel.has(changes.SHARED_STORAGE):
            pytest.skip("this kernel is before 5.9, and shares no storages")
        wanted = support_running.made(kernel, pins=mount_point("bpf") is not None)
        for module in (live, pins):
            monkeypatch.setattr(module, "bpf", watched)
        found = support_running.found()
    assert {name: found[name] for name in wanted} == wanted
    assert used <= READING
    assert len(used) >= 8


@needs_kernel
def test_the_command_says_what_is_shared(capsys: pytest.CaptureFixture[str]) -> None:
    with LinuxKernel() as kernel:
        if not kernel.has(changes.SHARED_STORAGE):
            pytest.skip("this kernel is before 5.9, and shares no storages")
        wanted = support_running.made(kernel, pins=False)
        assert main(["check", "--running"]) == 1
        said = capsys.readouterr().out
        assert main(["check", "--running", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["notes"] == []
    number = wanted["counts"]["id"]
    assert f"\nMap {number} 'counts': cgroup_storage, 16-byte key, an entry for each" in said
    assert "at cgroup_inet_egress use one entry\n" in said
    assert "\n  entries: 2, without an attachment: 1\n" in said
    assert "'unused': cgroup_storage, 16-byte key" in said
    assert "8-byte value, frozen\n  used by no program\n" in said


def test_users_who_may_not_list_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(command: Command, attr: Any, size: int = 0) -> int:
        raise KernelError(1, command.name)

    monkeypatch.setattr(live, "bpf", refused)
    with pytest.raises(UserError, match="run as root .* or give the files of bpftool"):
        main(["check", "--running"])


def test_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(UserError, match="on x86-64 only: give the files of bpftool"):
        main(["check", "--running"])


def test_it_takes_no_option_of_objects() -> None:
    with pytest.raises(UserError, match="^--running takes no option but"):
        main(["check", "--running", "--from", "5.4"])


def test_a_walk_ends_at_a_key_without_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels before the fix NEXT_KEY_END return one invalid key after the last one."""
    keys = [(7).to_bytes(8, "little") + (1).to_bytes(8, "little"), b"\xff" * 16]
    calls = []

    def fake(command: Command, attr: Any, size: int = 0) -> int:
        calls.append(command)
        if command is Command.BPF_MAP_LOOKUP_ELEM:
            if ctypes.string_at(attr.key, 16) == keys[0]:
                return 0
            raise KernelError(2, command.name)
        before = ctypes.string_at(attr.key, 16) if attr.key else None
        if before == keys[1]:
            raise KernelError(2, command.name)
        following = keys[0] if before is None else keys[1]
        ctypes.memmove(attr.value, following, 16)
        return 0

    monkeypatch.setattr(live, "bpf", fake)
    found = FoundMap(1, BPF_MAP_TYPE_CGROUP_STORAGE, "counts", 16, 8, 0)
    live._read_entries(Machine(), found, 3)
    assert found.entries == [Key(7, 1)]
    assert calls.count(Command.BPF_MAP_GET_NEXT_KEY) == 3
