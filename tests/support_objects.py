# SPDX-License-Identifier: GPL-2.0-only
"""BPF objects for the tests of the check: compiled from a few lines of C, and from the stories."""

from __future__ import annotations

import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from reference_model import MAINLINE, Release
from reference_model.checker.examine import Examined, examine
from reference_model.releases import release

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
RELEASES = [release(name) for name in MAINLINE]

HEAD = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
"""

MAP = """
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");
"""

COUNT = """
SEC("cgroup_skb/egress") int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);
	__sync_fetch_and_add(packets, 1);
	return 1;
}
"""

LACKING = [
    program for program in ("clang", "llvm-strip", "bpftool", "cc") if not shutil.which(program)
]
needs_compiler = pytest.mark.skipif(
    bool(LACKING), reason=f"not installed: {', '.join(LACKING)}; make setup installs them"
)


@cache
def compiled(text: str, *options: str, head: str = HEAD) -> bytes:
    """The object of a program in C."""
    include = f"-idirafter/usr/include/{platform.machine()}-linux-gnu"
    wanted = options or ("-g",)
    target = [] if any(one.startswith("--target") for one in wanted) else ["--target=bpf"]
    command = ["clang", "-O2", "-Wno-everything", *target, include, *wanted, "-x", "c", "-c", "-"]
    made = subprocess.run(
        [*command, "-o", "-"], input=(head + text).encode(), capture_output=True, check=False
    )
    assert not made.returncode, made.stderr.decode()
    return made.stdout


def examined(data: bytes, releases: list[Release] = RELEASES) -> Examined:
    """What is found in a file with one object."""
    (found,) = examine("count.bpf.o", data, releases)
    return found


def pages(found: Examined) -> set[str]:
    """The names of the pages that concern an object, without folder and place in the page."""
    return {
        finding.page.rpartition("/")[2].partition(".html")[0] + finding.page.partition("#")[2]
        for finding in found.findings
    }


def answers(found: Examined) -> list[str]:
    """What each group of releases answers: ``"4.19-5.8 EINVAL"``, or ``"5.9-7.3 ok"``."""
    return [
        f"{span.first}-{span.last} {span.refusal.text.partition(':')[0] if span.refusal else 'ok'}"
        for span in found.spans
    ]
