# SPDX-License-Identifier: GPL-2.0-only
"""The proposed selftest, compiled with its tree's libbpf and run on the newest kernel of Debian.

It runs twice in a virtual machine: it must pass, and it must fail when ``run_selftest.c`` zeroes
each storage after a program is attached, as kernels before 5.9 did.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from conformance import guest, kernels, offers, tools
from conformance.offers import NotRun
from conformance.payload import Payload

from .snippets import multiarch

RUNNER = Path(__file__).with_name("run_selftest.c")

BPFTOOL = shutil.which("bpftool", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""Its path, or None; Debian has it where only root looks."""

ZEROED = "after attaching again: actual 0 != expected 42"
"""What the test prints first if a storage was zeroed."""

Say = Callable[[str], None]


class Uncompiled(Exception):
    """A part of the test does not compile; what the compiler printed."""


def outcome(linux: Path, test: str, place: Path, say: Say) -> str | NotRun:
    """Return what is wrong with the test in a tree, "" if nothing, or why it could not be run."""
    if BPFTOOL is None:
        return NotRun("selftest", "bpftool is not installed: apt install bpftool")
    say("compiling the selftest (about 30 seconds, once)")
    try:
        program = compiled(linux, test, place)
    except Uncompiled as error:
        return f"it does not compile:\n{error}"
    try:
        (kernel,) = kernels.get([offers.BRANCHES[-1]], say=say)
        tools.require((*tools.TO_BOOT, *tools.TO_BUILD))
    except tools.MissingTools as error:
        return NotRun("selftest", str(error))
    if isinstance(kernel, NotRun):
        return kernel
    payload = Payload(
        "selftest",
        ("sh", "-c", "./selftest; echo @; ./selftest zeroing; true"),
        {"selftest": program},
    )
    result = guest.run(kernel, payload)
    say(f"selftest on {kernel.version}: {result.seconds:.0f} s")
    return result.problem or judged("\n".join(result.lines))


def judged(printed: str) -> str:
    """Return what is wrong in what the two runs printed, "" if nothing.

    >>> judged("ok\\n@\\nx after attaching again: actual 0 != expected 42\\nFAIL")
    ''
    >>> judged("ok\\n@\\nok")
    'it passes although storages were zeroed:\\nok'
    """
    first, _, second = printed.partition("\n@\n")
    if not first.endswith("ok"):
        return f"it fails:\n{first}"
    if ZEROED not in second:
        return f"it passes although storages were zeroed:\n{second}"
    return ""


def compiled(linux: Path, test: str, place: Path) -> Path:
    """Compile the test of a tree into one static program; Uncompiled."""
    own, here = linux / "tools", linux / "tools" / "testing" / "selftests" / "bpf"
    place.mkdir(exist_ok=True)
    libbpf = place / "libbpf"
    if not (libbpf / "libbpf.a").exists():
        libbpf.mkdir(exist_ok=True)
        make = ["make", "-s", "-C", str(own / "lib" / "bpf"), f"-j{os.cpu_count()}"]
        make += [
            f"OUTPUT={libbpf}/",
            f"DESTDIR={libbpf}",
            "prefix=",
            "CFLAGS=-O0",
            "install_headers",
        ]
        _run([*make, f"{libbpf}/libbpf.a"], place)
    bpf = ["clang", "-O2", "-g", "-target", "bpf", f"-I{libbpf}/include"]
    bpf += [f"-I{own}/include/uapi", "-idirafter", f"/usr/include/{multiarch()}"]
    _run([*bpf, "-c", f"{here}/progs/cgroup_storage.c", "-o", "cgroup_storage.bpf.o"], place)
    skeleton = [str(BPFTOOL), "gen", "skeleton", "cgroup_storage.bpf.o"]
    skeleton += ["name", "cgroup_storage"]
    (place / "cgroup_storage.skel.h").write_text(_run(skeleton, place), encoding="utf-8")
    c = ["cc", "-std=gnu11", "-O2", "-Wall", "-Werror", "-static", "-I.", f"-I{here}"]
    c += [f"-I{here.parent}", f"-I{libbpf}/include", f"-I{own}/include"]
    c += [f"-I{own}/include/uapi", "-Wl,--wrap=bpf_prog_attach_opts"]
    c += [str(linux / test), f"{here}/cgroup_helpers.c", str(RUNNER)]
    _run([*c, "-o", "selftest", f"{libbpf}/libbpf.a", "-lelf", "-lz"], place)
    return place / "selftest"


def _run(command: list[str], place: Path) -> str:
    """Run a command in a directory; what it printed, or Uncompiled."""
    names = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, env=names, check=False
    )
    if done.returncode:
        raise Uncompiled(done.stdout + done.stderr)
    return done.stdout
