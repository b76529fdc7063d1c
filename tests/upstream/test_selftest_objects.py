# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests that use these maps, compiled from Debian's source and checked.

What each must show is read in its source, and in the test that loads it
(``tools/testing/selftests/bpf``).
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from support_objects import answers, examined, needs_compiler, pages

from upstream.package import SourcePackage

SELFTESTS = Path("tools/testing/selftests/bpf")
TYPES = Path("/sys/kernel/btf/vmlinux")

pytestmark = [
    needs_compiler,
    pytest.mark.slow,
    pytest.mark.skipif(not TYPES.exists(), reason=f"this kernel has no {TYPES}"),
]

SECOND = "second_program_may_use_the_map"
EIGHT = {"eight_byte_keys_need_5_9", "one_object_for_all_kernels"}
PER_CPU = {"percpu_maps", "read_percpu_totals"}
LOST = "update_concurrently"
INTERRUPTED = "percpu_cgroup_storageuse-the-map-in-a-program"

SHOWN: dict[str, tuple[set[str], list[str]]] = {
    "cg_storage_multi_egress_only": (set(), ["4.19-7.3 ok"]),
    "cg_storage_multi_isolated": ({SECOND}, ["4.19-5.8 EBUSY", "5.9-7.3 ok"]),
    "cg_storage_multi_shared": (
        {SECOND, "attach_types_share_with_8_byte_keys", *EIGHT},
        ["4.19-5.8 EINVAL", "5.9-7.3 ok"],
    ),
    "cgroup_storage": (set(), ["4.19-7.3 ok"]),
    "lsm_cgroup": ({SECOND, LOST, *EIGHT}, ["4.19-5.8 EINVAL", "5.9-5.19 EINVAL", "6.0-7.3 ok"]),
    "netcnt_prog": (
        {"values_may_exceed_a_page", INTERRUPTED, *PER_CPU},
        ["4.19-5.14 E2BIG", "5.15-7.3 ok"],
    ),
    "test_spin_lock": ({"values_may_hold_a_spin_lock"}, ["4.19-5.0 EINVAL", "5.1-7.3 ok"]),
}
"""The pages that each concerns, and where it loads as far as the model knows its programs."""


@pytest.fixture(scope="module")
def headers(debian: SourcePackage, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options of the compiler: libbpf's headers of the tree, and the types of this kernel."""
    place = tmp_path_factory.mktemp("headers")
    tools = debian.linux / "tools"
    (place / "bpf").symlink_to(tools / "lib" / "bpf")
    script = [sys.executable, "scripts/bpf_doc.py", "--header", "--file"]
    made = subprocess.run(
        [*script, "tools/include/uapi/linux/bpf.h"],
        cwd=debian.linux, capture_output=True, check=True,
    )  # fmt: skip
    (place / "bpf_helper_defs.h").write_bytes(made.stdout)
    types = ["bpftool", "btf", "dump", "file", str(TYPES), "format", "c"]
    (place / "vmlinux.h").write_bytes(subprocess.run(types, capture_output=True, check=True).stdout)
    include = [place, debian.linux / SELFTESTS, tools / "include" / "uapi", tools / "include"]
    return [
        *(f"-I{path}" for path in include),
        f"-idirafter/usr/include/{platform.machine()}-linux-gnu",
        "-D__TARGET_ARCH_x86",
    ]


@pytest.mark.parametrize("name", SHOWN)
def test_a_selftest_shows_what_its_source_says(
    debian: SourcePackage, headers: list[str], tmp_path: Path, name: str
) -> None:
    source = debian.linux / SELFTESTS / "progs" / f"{name}.c"
    command = ["clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wno-everything", *headers]
    made = subprocess.run(
        [*command, "-c", str(source), "-o", str(tmp_path / "one.o")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not made.returncode, made.stderr
    found = examined((tmp_path / "one.o").read_bytes())
    assert found.doubts == []
    assert (pages(found), answers(found)) == SHOWN[name]
