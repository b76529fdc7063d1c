# SPDX-License-Identifier: GPL-2.0-only
"""``check --running`` on files of bpftool, whose output has the form of bpftool 7.1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reference_model.__main__ import main
from reference_model.running import bpftool, report

MAPS = [
    {
        "id": 542, "type": "cgroup_storage", "name": "counts", "flags": 0, "bytes_key": 16,
        "bytes_value": 8, "max_entries": 0, "bytes_memlock": 328, "frozen": 1,
        "pinned": ["/sys/fs/bpf/counts"],
    },
    {
        "id": 543, "type": 21, "flags": 0, "bytes_key": 8, "bytes_value": 8, "max_entries": 0,
        "bytes_memlock": 328, "frozen": 0,
    },
    {"id": 7, "type": "hash", "bytes_key": 4, "bytes_value": 4, "max_entries": 9, "frozen": 0},
]  # fmt: skip
PROGRAMS = [
    {"id": 5, "type": "cgroup_device", "tag": "aa", "gpl_compatible": True},
    {"id": 929, "type": "cgroup_skb", "name": "count", "tag": "bb", "map_ids": [542, 543]},
    {"id": 930, "type": "cgroup_skb", "name": "other", "tag": "cc", "map_ids": [543]},
]
TREE = [
    {
        "cgroup": "/sys/fs/cgroup/web",
        "programs": [
            {"id": 929, "attach_type": "cgroup_inet_egress", "attach_flags": "multi"},
            {"id": 930, "attach_type": "ingress", "attach_flags": ""},
            {"id": 5, "attach_type": "device", "attach_flags": ""},
        ],
    },
    {"cgroup": "/sys/fs/cgroup/plain", "programs": []},
]
CGROUPS = "1 /sys/fs/cgroup\n300 /sys/fs/cgroup/web\n301 /sys/fs/cgroup/plain\n"


def key(cgroup: int, attach_type: int | None = None) -> list[str]:
    data = cgroup.to_bytes(8, "little")
    if attach_type is not None:
        data += attach_type.to_bytes(8, "little")
    return [f"0x{byte:02x}" for byte in data]


DUMP = [
    {"key": key(300, 1), "value": ["0x00"] * 8},
    {"key": key(301, 1), "value": ["0x00"] * 8},
    {"key": key(999, 0), "value": ["0x00"] * 8},
]
PERCPU_DUMP = [{"key": key(300), "values": [{"cpu": 0, "value": ["0x00"] * 8}]}]

FILES: dict[str, Any] = {
    "maps.json": MAPS,
    "programs.json": PROGRAMS,
    "tree.json": TREE,
    "dump-542.json": DUMP,
    "dump-543.json": PERCPU_DUMP,
    "cgroups.txt": CGROUPS,
}


def written(folder: Path, **instead: Any) -> list[str]:
    """The files in a folder, without those for which there is None."""
    paths = []
    for name, data in FILES.items():
        data = instead.get(name.partition(".")[0].replace("-", "_"), data)
        if data is not None:
            path = folder / name
            path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
            paths.append(str(path))
    return paths


def test_the_files_together(tmp_path: Path) -> None:
    counts, percpu = report.data(bpftool.read(written(tmp_path)))["maps"]
    assert counts == {
        "id": 542, "name": "counts", "type": "cgroup_storage", "key_size": 16, "value_size": 8,
        "flags": 0, "frozen": True, "pins": ["/sys/fs/bpf/counts"],
        "programs": [{"id": 929, "type": "cgroup_skb", "name": "count"}],
        "attachments": [
            {
                "cgroup": "/sys/fs/cgroup/web", "cgroup_id": 300, "program": 929, "multi": True,
                "attach_type": "cgroup_inet_egress", "link": None,
            }
        ],
        "entries": 3,
        "without_attachment": [
            {
                "cgroup_id": 301, "cgroup": "/sys/fs/cgroup/plain", "removed": False,
                "attach_type": "cgroup_inet_egress",
            },
            {
                "cgroup_id": 999, "cgroup": None, "removed": True,
                "attach_type": "cgroup_inet_ingress",
            },
        ],
        "shared_by": [],
    }  # fmt: skip
    assert percpu["type"] == "percpu_cgroup_storage"
    assert percpu["without_attachment"] == []
    assert percpu["shared_by"] == [
        {
            "cgroup": "/sys/fs/cgroup/web", "attach_type": None, "programs": [929, 930],
            "attach_types": ["cgroup_inet_egress", "cgroup_inet_ingress"],
        }
    ]  # fmt: skip


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--running", "--site", "https://x", *written(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert (
        "\n  shared in /sys/fs/cgroup/web: programs 929 and 930 at cgroup_inet_egress and " in said
    )
    assert "\n    cgroup 999 (removed) at cgroup_inet_ingress" in said
    assert "\n  pinned at /sys/fs/bpf/counts\n" in said
    assert "\nEntries that attachments share: see https://x/sharing.html\n" in said
    assert said.endswith("see https://x/breaking_changes/entries_outlive_detach.html\n")


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("programs", "add the output of bpftool -j prog show"),
        ("tree", "add the output of bpftool -j cgroup tree"),
        ("cgroups", "add the list of cgroups"),
    ],
)
def test_a_file_that_is_not_given(
    left_out: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = written(tmp_path, **{left_out: None, "dump_543": None})
    status = main(["check", "--running", "--json", *paths])
    found = json.loads(capsys.readouterr().out)
    assert status == (1 if left_out == "cgroups" else 2)  # programs share an entry all the same
    assert any(said in note for note in found["notes"])
    assert [one["without_attachment"] for one in found["maps"]] == [None, None]
    if left_out != "cgroups":
        assert found["maps"][0]["attachments"] == (None if left_out == "tree" else [])


def test_many_entries_are_listed_with_verbose_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = written(tmp_path, dump_542=[{"key": key(number, 1)} for number in range(400, 409)])
    main(["check", "--running", *paths])
    assert "    and 4 more: --verbose lists all\n" in capsys.readouterr().out
    main(["check", "--running", "--verbose", *paths])
    assert "cgroup 408 (removed)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{}", "expected a JSON array of objects"),
        pytest.param("[" * 100_000, "nested too deep", id="deep"),
        ('[{"no": 1}]', "it has no maps, programs, cgroups or entries"),
        ("[1]", "expected a JSON array of objects"),
        (
            '[{"id": 1, "type": "cgroup_storage", "bytes_key": 16}]',
            "an object has no 'bytes_value'",
        ),
        ('[{"key": ["zz"]}]', "invalid literal"),
        ("12 /x\nnonsense", "invalid literal"),
    ],
)
def test_what_is_no_such_file(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "file-1.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(bpftool.FileError) as caught:
        bpftool.read([path])
    assert str(caught.value).startswith(f"{path}: not a file that is read here: ")
    assert reason in str(caught.value)
    assert "write the files with bpftool -j map show" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(bpftool.FileError, match="none.json: the file cannot be read: No such file"):
        bpftool.read([tmp_path / "none.json"])
    with pytest.raises(bpftool.FileError, match="none of the files lists maps"):
        bpftool.read(written(tmp_path, maps=None))
