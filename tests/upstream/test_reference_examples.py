# SPDX-License-Identifier: GPL-2.0-only
"""The programs of the reference page, which go to the kernel's: they compile, and they work."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from conformance import twins
from reference_model import changes, linux
from reference_model.linux.machine import running_release
from upstream.snippets import multiarch
from upstream.text import DOCS

REFERENCE = DOCS / "examples" / "reference"
PROGRAMS = sorted(path.name.removesuffix(".bpf.c") for path in REFERENCE.glob("*.bpf.c"))

LACKING = twins.missing_tools()
needs_compiler = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
needs_kernel = pytest.mark.skipif(linux.missing() is not None, reason=str(linux.missing()))


def test_every_program_is_shown() -> None:
    shown = re.findall(
        r"(?m)^\.\. literalinclude:: examples/reference/(\S+)$",
        "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.rst")),
    )
    assert sorted(shown) == sorted(path.name for path in REFERENCE.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, compiled, and one that uses them all."""
    place = tmp_path_factory.mktemp("reference")
    flags = ["-O2", "-g", "-Wall", "-Werror"]
    bpf = ["clang", *flags, "-target", "bpf", "-idirafter", f"/usr/include/{multiarch()}"]
    sources = {path.name: path for path in REFERENCE.glob("*.bpf.c")}
    sources["to_cgrp_storage.bpf.c"] = DOCS / "examples" / "to_cgrp_storage.bpf.c"
    for name, path in sources.items():
        out = place / name.replace(".c", ".o")
        subprocess.run([*bpf, "-c", str(path), "-o", str(out)], check=True)
    user = Path(__file__).with_name("use_examples.c")
    command = ["cc", *flags, "-Wextra", str(user), str(DOCS / "examples" / "example.c")]
    command += ["-o", str(place / "use_examples"), "-lbpf"]
    subprocess.run(command, check=True)
    return place


@needs_compiler
def test_they_compile_without_a_warning(built: Path) -> None:
    assert {f"{name}.bpf.o" for name in PROGRAMS} <= {path.name for path in built.iterdir()}


@needs_kernel
@needs_compiler
def test_they_work_on_this_kernel(built: Path) -> None:
    if not running_release().has(changes.CGRP_STORAGE):
        pytest.skip(f"{running_release()} has no BPF_MAP_TYPE_CGRP_STORAGE, which one of them uses")
    done = subprocess.run(
        [str(built / "use_examples"), str(built)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert done.stderr == ""
    assert re.fullmatch(r"\d+ 1: 2", told.pop(1))  # id, egress, two packets
    assert told == [
        "egress: 2",
        "no such cgroup: ENOENT",
        "id: ok",
        "both directions: 3",
        "all CPUs: 2",
        "packets: 2",
        "bytes: more",
        "before: ENOENT",
        "update: ok",
        "after: 7",
    ]
