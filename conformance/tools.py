# SPDX-License-Identifier: GPL-2.0-only
"""The programs that the harness runs, and the Debian package that has each.

A missing program is never worked around: it is named with its install line.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CACHE = REPOSITORY / "build" / "conformance"

PYTHON = "/usr/bin/python3"
"""Debian's Python, which the guests run; ``python3`` on PATH may be another one."""

APT_HELPER = "/usr/lib/apt/apt-helper"

PACKAGE_OF = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    PYTHON: "python3",
    "apt-get": "apt",
    "apt-config": "apt",
    APT_HELPER: "apt",
    "dpkg": "dpkg",
    "dpkg-deb": "dpkg",
    "ldd": "libc-bin",
    "setpriv": "util-linux",
}
"""Program (a name on PATH, or an absolute path) to the package that has it."""

TO_FETCH = ("apt-get", "apt-config", APT_HELPER, "dpkg-deb")
TO_BUILD = ("busybox", PYTHON, "ldd", "dpkg")
TO_BOOT = ("qemu-system-x86_64", "setpriv")


@dataclass
class MissingTools(Exception):
    """Programs or files that the harness needs are not installed.

    ``what`` says what is missing, ``packages`` the Debian packages that have it.
    """

    what: tuple[str, ...]
    packages: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.what)
        packages = " ".join(sorted(set(self.packages)))
        return f"missing: {names}\n  apt-get install --no-install-recommends {packages}"


def find(program: str) -> Path | None:
    """Return the path of a program of PACKAGE_OF, or None if it is not installed."""
    if os.path.isabs(program):
        return Path(program) if os.access(program, os.X_OK) else None
    found = shutil.which(program)
    return Path(found) if found else None


def which(program: str) -> bool:
    """Whether a program, by its name on PATH or by its path, can be run."""
    return shutil.which(program) is not None


def require(programs: Iterable[str]) -> None:
    """Raise MissingTools, naming all of them at once, unless every program is installed."""
    missing = [program for program in programs if find(program) is None]
    if missing:
        raise MissingTools(tuple(missing), tuple(PACKAGE_OF[name] for name in missing))
