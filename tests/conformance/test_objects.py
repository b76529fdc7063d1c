# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance objects``: what libbpf met is compared with what the check says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support_objects import COUNT, MAP, compiled, needs_compiler

from conformance import objects, twins
from reference_model import Release

EIGHT = MAP.replace("struct bpf_cgroup_storage_key", "__u64") + COUNT
TWICE = MAP + COUNT + COUNT.replace("int count", "int again")

LACKING = twins.missing_tools()

pytestmark = needs_compiler


def line(name: str, errno: int, failed: str = "") -> str:
    return json.dumps({"object": f"objects/{name}", "errno": errno, "failed": failed})


def written(tmp_path: Path, text: str, name: str = "count.bpf.o") -> Path:
    (tmp_path / name).write_bytes(compiled(text))
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "release", "met"),
    [
        (EIGHT, "5.8", (22, "map 'counts'")),
        (EIGHT, "5.9", (0, "")),
        (TWICE, "5.8", (16, "prog 'again'")),
    ],
)
def test_the_same_answer_agrees(
    tmp_path: Path, text: str, release: str, met: tuple[int, str]
) -> None:
    path = written(tmp_path, text)
    lines = [line(path.name, *met)]
    assert objects.differences([path], lines, Release(release), has_btf=True) == []


@pytest.mark.parametrize(
    ("met", "said"),
    [((0, ""), "libbpf met (0, '')"), ((16, "map 'counts'"), "16"), ((22, "prog 'count'"), "prog")],
)
def test_another_answer_is_shown(tmp_path: Path, met: tuple[int, str], said: str) -> None:
    path = written(tmp_path, EIGHT)
    (found,) = objects.differences([path], [line(path.name, *met)], Release("5.8"), has_btf=True)
    assert said in found


def test_where_the_check_cannot_tell_any_answer_is_right(tmp_path: Path) -> None:
    path = tmp_path / "count.bpf.o"
    path.write_bytes(compiled(MAP + COUNT.replace("return 1", "return skb->len")))
    for met in ((0, ""), (22, "prog 'count'")):
        lines = [line(path.name, *met)]
        assert objects.differences([path], lines, Release("5.8"), has_btf=True) == []


def test_an_object_that_was_not_loaded(tmp_path: Path) -> None:
    path = written(tmp_path, EIGHT)
    (found,) = objects.differences([path], [], Release("5.8"), has_btf=True)
    assert found == "count.bpf.o: it was not loaded"
    needs_btf = written(tmp_path, EIGHT, f"{twins.NEED_BTF[0]}.bpf.o")
    assert objects.differences([needs_btf], [], Release("5.8"), has_btf=False) == []


@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_the_loader_names_what_failed(tmp_path: Path) -> None:
    """Here without privileges, or with a file that is no object: each has a line."""
    command = ["cc", "-static", "-Wall", "-Werror", str(objects.SOURCE), *objects.LIBRARIES]
    subprocess.run([*command, "-o", str(tmp_path / "load")], check=True)
    (tmp_path / "empty").write_bytes(b"no object")
    done = subprocess.run(
        [tmp_path / "load", "empty"], cwd=tmp_path, capture_output=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["object"] == "empty"
    assert told["errno"] > 0
