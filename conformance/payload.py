# SPDX-License-Identifier: GPL-2.0-only
"""A payload: what is put into a guest and run there.

This is the whole interface between the guests and what they are asked::

    stories = Payload(
        name="stories",
        argv=("/usr/bin/python3", "-m", "conformance.stories"),
        files={"reference_model": REPOSITORY / "reference_model"},
    )

In the guest the command runs as root in ``/work`` (which is also PYTHONPATH) with cgroup2 at
``/sys/fs/cgroup``, bpffs at ``/sys/fs/bpf``, the loopback interface up and no RLIMIT_MEMLOCK.
Its standard output becomes ``Result.lines``; its standard error goes to the console log.  Before a
step that may crash the kernel it should flush and call ``termios.tcdrain(1)``: output that the
serial port has not sent yet dies with the kernel.
"""

import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import cpio, initramfs, tools

WORK = "work"
SCRIPT = "guest/payload"
LEFT_OUT = ("__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")
"""Names that are never put into a guest."""


@dataclass(frozen=True)
class Payload:
    """A command and the files it needs.

    ``argv`` is run without a shell; the guest has busybox's commands and Debian's
    ``/usr/bin/python3``, and no other package.  ``files`` maps a path in the guest, absolute or
    below ``/work``, to a file or directory here; directories are taken whole, but for LEFT_OUT.
    ``time_limit`` is in seconds, from the start of QEMU.  ``expect_crash`` says that the payload
    breaks the kernel: then a kernel warning, BUG, oops or panic is the expected answer, and its
    absence the failure.  ``may_crash`` says that what the kernel does is undefined: it may break,
    or happen to survive.
    """

    name: str
    argv: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    time_limit: float = 120
    expect_crash: bool = False
    may_crash: bool = False

    def entries(self) -> Iterator[cpio.Entry]:
        """Yield the archive entries: the files, then the script that init runs.

        Raise FileNotFoundError for a file that is not here.
        """
        for where, source in self.files.items():
            below = where.strip("/") if where.startswith("/") else f"{WORK}/{where.strip('/')}"
            yield from _tree(below, source)
        settings = {"PYTHONPATH": f"/{WORK}", **self.env}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
        lines = ["#!/bin/sh", *lines, f"cd /{WORK}", f"exec {shlex.join(self.argv)}", ""]
        script = "\n".join(lines)
        yield cpio.directory(WORK)
        yield cpio.regular(SCRIPT, script.encode(), executable=True)

    def archive(self) -> bytes:
        """Return the second archive of an initramfs: this payload, its Python files compiled."""
        entries = list(cpio.with_parents(self.entries()))
        python = {entry.path: entry.data for entry in entries if entry.path.endswith(".py")}
        return cpio.pack(cpio.with_parents([*entries, *initramfs.compiled(python)]))


def _tree(where: str, source: Path) -> Iterator[cpio.Entry]:
    if source.is_symlink() and not source.exists():
        return
    if source.is_dir():
        yield cpio.directory(where)
        for child in sorted(source.iterdir()):
            if child.name not in LEFT_OUT:
                yield from _tree(f"{where}/{child.name}", child)
        return
    executable = bool(source.stat().st_mode & stat.S_IXUSR)
    yield cpio.regular(where, source.read_bytes(), executable=executable)


def command(*argv: str, files: Mapping[str, Path] | None = None) -> Payload:
    """Return a payload that runs one command."""
    return Payload(name=shlex.join(argv), argv=argv, files=files or {})


HELLO = Payload(
    name="hello",
    argv=(tools.PYTHON, "hello.py"),
    files={"hello.py": Path(__file__).with_name("hello.py")},
    time_limit=60,
)
"""The self-check of the guest: release, Python, cgroup2, bpf(2)."""
