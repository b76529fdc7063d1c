# SPDX-License-Identifier: GPL-2.0-only
"""What the patches add that runs: the selftest and the examples, on Debian's newest kernel.

Both are compiled with the libbpf of the patched tree, and run in one virtual machine.  The selftest
runs twice: it must pass, and it must fail when ``run_selftest.c`` zeroes each storage after a
program is attached, as kernels before 5.9 did.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from conformance import guest, kernels, offers, tools
from conformance.offers import NotRun
from conformance.payload import Payload

from . import snippets
from .patch import CGROUP_STORAGE, CGRP_STORAGE
from .patches.selftest import TEST

HERE = Path(__file__).parent

BPFTOOL = shutil.which("bpftool", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""Its path, or None; Debian has it where only root looks."""

BTF = Path("/sys/kernel/btf/vmlinux")
"""The types of the running kernel: libbpf adapts the examples to those of the guest."""

EXAMPLES = ("struct", "id", "cgrp")
"""The pairs of examples in the documents, in their order: each for BPF, then for user space."""

COUNTED = "struct key: 2\nid as key: 2\nsystem calls: counted"
"""What run_examples.c prints if all examples work."""

ZEROED = "after attaching again: actual 0 != expected 42"
"""What the selftest prints first if a storage was zeroed."""

STEPS = "./selftest; echo @; ./selftest zeroing; echo @; ./examples 2>&1; true"

Say = Callable[[str], None]


class Uncompiled(Exception):
    """A part does not compile; what the compiler printed."""


def outcome(linux: Path, place: Path, say: Say) -> str | NotRun:
    """Return what is wrong in a patched tree, "" if nothing, or why it could not be run."""
    if BPFTOOL is None:
        return NotRun("guest", "bpftool is not installed: apt install bpftool")
    if not BTF.exists():
        return NotRun("guest", f"the running kernel has no {BTF}, from which vmlinux.h is made")
    say("compiling the selftest and the examples (about 30 seconds, once)")
    try:
        libbpf = library(linux, place)
        selftest, examples = selftest_of(linux, libbpf, place), examples_of(linux, libbpf, place)
    except Uncompiled as error:
        return f"it does not compile:\n{error}"
    try:
        (kernel,) = kernels.get([offers.BRANCHES[-1]], say=say)
        tools.require((*tools.TO_BOOT, *tools.TO_BUILD))
    except tools.MissingTools as error:
        return NotRun("guest", str(error))
    if isinstance(kernel, NotRun):
        return kernel
    files = {"selftest": selftest, "examples": examples}
    files |= {f"{name}_bpf.o": place / f"{name}_bpf.o" for name in EXAMPLES}
    result = guest.run(kernel, Payload("upstream", ("sh", "-c", STEPS), files))
    say(f"selftest and examples on {kernel.version}: {result.seconds:.0f} s")
    return result.problem or judged("\n".join(result.lines))


def judged(printed: str) -> str:
    """Return what is wrong in what the three runs printed, "" if nothing.

    >>> zeroed = "x after attaching again: actual 0 != expected 42\\nFAIL"
    >>> judged(f"ok\\n@\\n{zeroed}\\n@\\n{COUNTED}")
    ''
    >>> judged(f"ok\\n@\\nok\\n@\\n{COUNTED}")
    'the selftest passes although storages were zeroed:\\nok'
    """
    first, _, rest = printed.partition("\n@\n")
    second, _, examples = rest.partition("\n@\n")
    if not first.endswith("ok"):
        return f"the selftest fails:\n{first}"
    if ZEROED not in second:
        return f"the selftest passes although storages were zeroed:\n{second}"
    return "" if examples == COUNTED else f"the examples do not count:\n{examples}"


def library(linux: Path, place: Path) -> Path:
    """Build the libbpf of a tree, once; its directory, or Uncompiled."""
    libbpf = place / "libbpf"
    if not (libbpf / "libbpf.a").exists():
        libbpf.mkdir(parents=True, exist_ok=True)
        make = ["make", "-s", "-C", f"{linux}/tools/lib/bpf", f"-j{os.cpu_count()}"]
        make += [f"OUTPUT={libbpf}/", f"DESTDIR={libbpf}", "prefix=", "CFLAGS=-O0"]
        run([*make, "install_headers", f"{libbpf}/libbpf.a"], place)
    return libbpf


def bpf_compiler(linux: Path, libbpf: Path) -> list[str]:
    """Return the command that compiles for BPF with the headers of a tree."""
    command = ["clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-D__TARGET_ARCH_x86"]
    command += ["-I.", f"-I{libbpf}/include", f"-I{linux}/tools/include/uapi"]
    return [*command, "-idirafter", f"/usr/include/{snippets.multiarch()}"]


def selftest_of(linux: Path, libbpf: Path, place: Path) -> Path:
    """Compile the selftest of a tree into one static program; Uncompiled."""
    own = linux / "tools" / "testing" / "selftests" / "bpf"
    bpf = [*bpf_compiler(linux, libbpf), "-c", f"{own}/progs/cgroup_storage.c"]
    run([*bpf, "-o", "cgroup_storage.bpf.o"], place)
    skeleton = [str(BPFTOOL), "gen", "skeleton", "cgroup_storage.bpf.o", "name", "cgroup_storage"]
    (place / "cgroup_storage.skel.h").write_text(run(skeleton, place), encoding="utf-8")
    c = ["cc", "-std=gnu11", "-O2", "-Wall", "-Werror", "-static", "-I.", f"-I{own}"]
    c += [f"-I{own.parent}", f"-I{libbpf}/include", f"-I{linux}/tools/include"]
    c += [f"-I{linux}/tools/include/uapi", "-Wl,--wrap=bpf_prog_attach_opts", f"{linux}/{TEST}"]
    c += [f"{own}/cgroup_helpers.c", f"{HERE}/run_selftest.c", "-o", "selftest"]
    run([*c, f"{libbpf}/libbpf.a", "-lelf", "-lz"], place)
    return place / "selftest"


def write_types(place: Path) -> None:
    """Write ``vmlinux.h``, the types of the running kernel; Uncompiled."""
    types = [str(BPFTOOL), "btf", "dump", "file", str(BTF), "format", "c"]
    (place / "vmlinux.h").write_text(run(types, place), encoding="utf-8")


def examples_of(linux: Path, libbpf: Path, place: Path) -> Path:
    """Compile the examples of both documents, and one program that uses them; Uncompiled."""
    found = [
        snippet.code
        for path in (CGROUP_STORAGE, CGRP_STORAGE)
        for snippet in snippets.snippets((linux / path).read_text(encoding="utf-8"))
        if "#include" in snippet.code
    ]
    write_types(place)
    for name, bpf, user in zip(EXAMPLES, found[::2], found[1::2], strict=True):
        (place / f"{name}_bpf.c").write_text(bpf, encoding="utf-8")
        (place / f"{name}_user.c").write_text(user, encoding="utf-8")
        compiler = bpf_compiler(linux, libbpf)
        run([*compiler, "-c", f"{name}_bpf.c", "-o", f"{name}_bpf.o"], place)
    c = ["cc", "-std=gnu11", "-O2", "-Wall", "-Werror", "-static", "-I.", f"-I{libbpf}/include"]
    c += [f"{HERE}/run_examples.c", "-o", "examples"]
    run([*c, f"{libbpf}/libbpf.a", "-lelf", "-lz"], place)
    return place / "examples"


def run(command: list[str], place: Path) -> str:
    """Run a command in a directory; what it printed, or Uncompiled."""
    names = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = tools.run(command, cwd=place, env=names)
    if done.returncode:
        raise Uncompiled(tools.complaint(done))
    return done.stdout
